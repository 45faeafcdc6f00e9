using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class TilerTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Takes_exactly_the_patches_that_are_half_tissue()
    {
        // Tissue over columns 1 to 4 whole and 0.75 of column 5, rows 2 and 3; 128 px patches.
        string path = TestSlides.Stained(_folder.File("a.tif"), 1024, 128, 256, (4 * 128) + 96, 256);
        using TileManifest manifest = Tiler.Run([new("a.tif", path)], new() { PatchSize = 128 }).Manifest;
        IEnumerable<(int, int)> places = Enumerable.Range(0, manifest.Table.Count)
            .Select(i => (manifest.Table.Col[i], manifest.Table.Row[i]));
        Assert.Equal([(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (1, 3), (2, 3), (3, 3), (4, 3), (5, 3)], places);
    }

    [Fact]
    public void Reports_every_slide_and_goes_on_past_the_bad_ones()
    {
        TestSlides.Stained(_folder.File("a_good.tif"), 800, 100, 100, 600, 600);
        TestSlides.Stained(_folder.File("b_glass.tif"), 800, 0, 0, 0, 0);
        TestSlides.Stained(_folder.File("c_coarse.tif"), 800, 100, 100, 600, 600, 0.8);
        _folder.Text("d_text.svs", "this is no slide");
        TestSlides.Stained(_folder.File("e_small.tif"), 240, 0, 0, 240, 240);
        var seen = new List<TilingOutcome>();
        TilingResult result = Tiler.Run(SlideListing.List(_folder.Path), new() { Threads = 1 }, new Immediate<TilingOutcome>(seen.Add));
        Assert.Equal([SlideVerdict.Ok, SlideVerdict.NoTissue, SlideVerdict.TooCoarse, SlideVerdict.NotASlide, SlideVerdict.NoTissue],
            result.Outcomes.Select(o => o.Verdict));
        Assert.Equal(5, seen.Count);
        Assert.Contains("hold no whole patch", result.Outcomes[4].Reason);
        Assert.Equal(["a_good.tif"], result.Manifest.Table.Slides);
        Assert.Equal(4, result.Manifest.LeftOut.Count);
        Assert.All(result.Outcomes.Skip(1), outcome => Assert.Contains("no patches", outcome.ToString()));
    }

    [Fact]
    public void Enlarges_a_coarse_slide_only_when_asked_and_takes_one_a_little_coarser()
    {
        SlideFile coarse = new("c.tif", TestSlides.Stained(_folder.File("c.tif"), 800, 0, 0, 800, 800, 0.8));
        SlideFile close = new("d.tif", TestSlides.Stained(_folder.File("d.tif"), 800, 0, 0, 800, 800, 0.505));
        Assert.Equal(0, Tiler.Run([coarse], new()).Manifest.Table.Count);
        Assert.Equal(25, Tiler.Run([coarse], new() { Upsample = true }).Manifest.Table.Count);
        Assert.Equal(9, Tiler.Run([close], new()).Manifest.Table.Count);
    }

    [Fact]
    public void Writes_a_contact_sheet_of_three_panels()
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 1024, 128, 128, 700, 700);
        Tiler.Run([new("sub/a.tif", path)], new() { ContactSheetFolder = _folder.File("sheets/x")[..^2] });
        string sheet = Path.Combine(_folder.Path, "sheets", "sub_a.tif.png");
        (int width, int height) = PatchImage.ReadSize(sheet);
        Assert.Equal(((3 * 640) + 16, 640), (width, height));
    }

    [Theory]
    [InlineData(0, 0.5, 0.5)]
    [InlineData(256, 0, 0.5)]
    [InlineData(256, double.NaN, 0.5)]
    [InlineData(256, 0.5, 1.5)]
    public void Refuses_options_that_mean_nothing(int patch, double mpp, double tissue) =>
        Assert.Throws<Fault>(() => Tiler.Run([], new() { PatchSize = patch, Mpp = mpp, MinTissue = tissue }));

    [Fact]
    public void Real_slides_give_the_tissue_that_the_eye_sees()
    {
        IReadOnlyList<SlideFile> slides = SlideListing.List(TestData.Path("slides"));
        TilingResult result = Tiler.Run(slides, new() { Mpp = 2, PatchSize = 128 });
        Assert.Equal(SlideVerdict.NoMpp, Verdict("TCGA-CR-7395-01A-01-TS1.svs"));
        Assert.Equal(SlideVerdict.NoMpp, Verdict("C3L-00601-26.pyr.tif"));
        foreach (string section in (string[])["her2st_C2", "her2st_C3", "her2st_C4", "her2st_C5"])
            Assert.InRange(result.Outcomes.Single(o => o.Slide.Name.StartsWith(section, StringComparison.Ordinal)).Patches, 90, 125);

        SlideVerdict Verdict(string name) => result.Outcomes.Single(o => o.Slide.Name == name).Verdict;
    }

    private sealed class Immediate<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
