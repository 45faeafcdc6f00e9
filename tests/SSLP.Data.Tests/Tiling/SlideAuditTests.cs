using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Data.Synth;
using SSLP.Data.Tiling;
using SSLP.Data.Tissue;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class SlideAuditTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_good_slide_is_ok_and_its_record_says_what_it_holds()
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 900, 100, 100, 600, 600);
        SlideAuditRecord record = SlideAudit.One(new("a.tif", path), new() { Deep = true });
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Images_beside_the_pyramid_are_named_and_a_deep_audit_notes_one_that_does_not_decode(bool deep)
    {
        string path = _folder.File("labelled.tiff");
        new PhilipsTiff(300, 300, 0.5, 0.5) { TileSide = 256, Label = [0xFF, 0xD8, 1, 2, 3] }.Write(path, new byte[300 * 300 * 3]);
        SlideAuditRecord record = SlideAudit.One(new("labelled.tiff", path), new() { Deep = deep });
        Assert.Equal(["label"], record.AssociatedImages!);
        Assert.Equal(deep ? 1 : 0, record.Notes?.Count(note => note.StartsWith("its image 'label' can't be read", StringComparison.Ordinal))
            ?? 0);
        Assert.Contains("\"associated_images\":[\"label\"]", record.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_deep_audit_counts_the_tiles_that_do_not_decode()
    {
        SlideAuditRecord record = SlideAudit.One(new("z.svs", TestData.Path("malformed", "derived-3-zeroed-tiles.svs")),
            new() { Deep = true });
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
    public void Listing_refuses_missing_paths_and_empty_folders()
    {
        Assert.Contains("There is no", Assert.Throws<Fault>(() => SlideListing.List(_folder.File("no"))).Message);
        Assert.Contains("holds no slide", Assert.Throws<Fault>(() => SlideListing.List(_folder.Path)).Message);
    }

    [Fact]
    public void A_record_says_how_tissue_was_told_and_how_many_patches_to_expect()
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 1024, 128, 256, (4 * 128) + 96, 256);
        var tiling = new TilingOptions { PatchSize = 128 };
        SlideAuditRecord record = SlideAudit.One(new("a.tif", path), new() { Tiling = tiling });
        Assert.Equal((TissueMethod.Stain, Tiler.Run([new("a.tif", path)], tiling).Manifest.Table.Count),
            (record.TissueMethod, record.Patches));
        using var json = JsonDocument.Parse(record.ToJson());
        Assert.Equal(("stain", record.Patches),
            (json.RootElement.GetProperty("tissue_method").GetString(), json.RootElement.GetProperty("patches").GetInt32()));
        Assert.Equal(64, SlideAudit.One(
            new("a.tif", path), new() { Tiling = tiling with { Tissue = new() { Method = TissueMethod.All } } }).Patches);
    }

    [Theory]
    [InlineData("stain-ihc-brown-on-pale-blue.tif", TissueMethod.Density)]
    [InlineData("tiff-black-border-62pct.tif", TissueMethod.Stain)]
    public void Stains_and_borders_of_reports_are_ok_and_the_rule_is_named(string file, TissueMethod method)
    {
        SlideAuditRecord record = SlideAudit.One(new(file, TestData.Path("reported", "crafted", file)));
        Assert.Equal((SlideVerdict.Ok, method), (record.Verdict, record.TissueMethod));
        Assert.True(record.Patches > 0);
    }

    [Fact]
    public void A_pixel_size_that_no_microscope_has_is_named_and_assuming_one_goes_on()
    {
        SlideFile file = new("u.tif", TestData.Path("reported", "crafted", "tiff-mpp-0.0005-unit-mixup.tif"));
        SlideAuditRecord record = SlideAudit.One(file);
        Assert.Equal(SlideVerdict.NoMpp, record.Verdict);
        Assert.Contains("0.0005", record.Reason);
        Assert.Contains("--assume-mpp", record.Reason);
        record = SlideAudit.One(file, new() { Tiling = new() { AssumeMpp = 0.5 } });
        Assert.Equal((SlideVerdict.Ok, "assumed"), (record.Verdict, record.MppSource));
        Assert.Contains(record.Notes!, note => note.Contains("0.0005", StringComparison.Ordinal));
        TilingOutcome outcome = Tiler.Run([file], new() { AssumeMpp = 0.5 }).Outcomes[0];
        Assert.True(outcome.Patches > 0);
        Assert.Contains("0.0005", outcome.Reason);
    }

    [Fact]
    public void Slides_that_would_share_a_contact_sheet_each_get_their_own()
    {
        SlideFile[] slides = [new("a/S1.tif", TestSlides.Stained(_folder.File("a/S1.tif"), 600, 0, 0, 500, 500)),
            new("a_S1.tif", TestSlides.Stained(_folder.File("a_S1.tif"), 600, 0, 0, 500, 500))];
        Tiler.Run(slides, new() { ContactSheetFolder = _folder.File("sheets/x")[..^2] });
        Assert.Equal(2, Directory.GetFiles(_folder.File("sheets/x")[..^2]).Length);
    }
}
