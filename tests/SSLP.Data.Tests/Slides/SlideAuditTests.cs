using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Slides;

public sealed class SlideAuditTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_good_slide_is_ok_and_its_record_says_what_it_holds()
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 900, 100, 100, 600, 600);
        SlideAuditRecord record = SlideAudit.One(new("a.tif", path), deep: true);
        Assert.Equal(SlideVerdict.Ok, record.Verdict);
        Assert.InRange(record.TissueFraction!.Value, 0.4, 0.5);
        // 900, 450, 225 px in tiles of 256.
        Assert.Equal((16 + 4 + 1, 0L), (record.TilesRead!.Value, record.TilesDamaged!.Value));
        using var json = JsonDocument.Parse(record.ToJson());
        Assert.Equal("ok", json.RootElement.GetProperty("verdict").GetString());
        Assert.Equal(0.5, json.RootElement.GetProperty("mpp_x").GetDouble(), 3);
    }

    [Theory]
    [InlineData("slides/TCGA-CR-7395-01A-01-TS1.svs", SlideVerdict.NoMpp)]
    [InlineData("slides/her2st_C2.pyr.tif", SlideVerdict.Ok)]
    [InlineData("formats/test3-DAPI-2-387.ndpi", SlideVerdict.NotBrightfield)]
    [InlineData("formats/osp-small.svs", SlideVerdict.NoTissue)]
    [InlineData("malformed/derived-trunc-4k.svs", SlideVerdict.Truncated)]
    [InlineData("malformed/derived-trunc-90pct.svs", SlideVerdict.Ok)]
    [InlineData("malformed/derived-text.svs", SlideVerdict.NotASlide)]
    [InlineData("malformed/derived-empty.svs", SlideVerdict.NotASlide)]
    [InlineData("malformed/derived-directory.svs", SlideVerdict.NotASlide)]
    [InlineData("malformed/derived-png-named.svs", SlideVerdict.NotASlide)]
    [InlineData("malformed/derived-strip-lzw.tif", SlideVerdict.Unsupported)]
    [InlineData("malformed/largeimage-small_la.tiff", SlideVerdict.NoMpp)]
    public void Real_files_get_the_verdict_that_fits(string file, SlideVerdict verdict)
    {
        SlideAuditRecord record = SlideAudit.One(new(Path.GetFileName(file), TestData.Path(file.Split('/'))));
        Assert.SkipWhen(record.Reason.Contains("OpenSlide", StringComparison.Ordinal), $"{file} needs OpenSlide: {record.Reason}");
        Assert.Equal(verdict, record.Verdict);
        Assert.Equal(verdict == SlideVerdict.Ok, record.Reason.Length == 0);
    }

    [Fact]
    public void A_deep_audit_counts_the_tiles_that_do_not_decode()
    {
        SlideAuditRecord record = SlideAudit.One(new("z.svs", TestData.Path("malformed", "derived-3-zeroed-tiles.svs")), deep: true);
        Assert.Equal(SlideVerdict.DamagedTiles, record.Verdict);
        Assert.Equal(3, record.TilesDamaged);
    }

    [Fact]
    public void Every_file_of_a_folder_gets_one_record_in_order()
    {
        TestSlides.Stained(_folder.File("b/one.tif"), 600, 0, 0, 500, 500);
        _folder.Text("a.svs", "text");
        _folder.Text("notes.txt", "not listed");
        IReadOnlyList<SlideAuditRecord> records = SlideAudit.Run(SlideListing.List(_folder.Path));
        Assert.Equal(["a.svs", "b/one.tif"], records.Select(record => record.Name));
    }

    [Fact]
    public void Listing_refuses_missing_paths_empty_folders_and_two_slides_of_one_name()
    {
        Assert.Contains("There is no", Assert.Throws<Fault>(() => SlideListing.List(_folder.File("no"))).Message);
        Assert.Contains("holds no slide", Assert.Throws<Fault>(() => SlideListing.List(_folder.Path)).Message);
        string a = _folder.Text("x/a.svs", ""), b = _folder.Text("y/a.svs", "");
        Assert.Contains("Two slides are called a.svs", Assert.Throws<Fault>(() => SlideListing.List(a, b)).Message);
    }
}
