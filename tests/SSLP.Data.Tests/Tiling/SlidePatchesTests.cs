using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class SlidePatchesTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0.5, 256)]
    [InlineData(0.5015, 256)]
    [InlineData(0.61, 128)]
    [InlineData(1.0, 128)]
    [InlineData(1.3, 96)]
    [InlineData(2.0, 64)]
    [InlineData(3.7, 50)]
    [InlineData(0.4, 128)]
    public void A_patch_shows_its_place_at_any_pixel_size(double mpp, int patchSize)
    {
        const int Width = 1250, Height = 1111;
        var grid = new SlideGrid(patchSize, mpp, 0.5, 0.5, Width, Height);
        string slide = TestSlides.Ramp(_folder.File("ramp.tif"), Width, Height, 0.5);
        (int Col, int Row)[] places = [(0, 0), (grid.Columns - 1, grid.Rows - 1), (grid.Columns / 2, 1)];
        using TileManifest manifest = Manifest(slide, grid, places);
        using var patches = SlidePatches.FromManifest(manifest);
        var errors = new List<(double X, double Y)>();
        for (int i = 0; i < manifest.Table.Count; i++)
        {
            byte[] rgb = Read(patches, i);
            double scale = mpp / 0.5;
            double x = (manifest.Table.Col[i] + 0.5) * patchSize * scale, y = (manifest.Table.Row[i] + 0.5) * patchSize * scale;
            errors.Add((RampPosition(rgb, 0) - x, RampPosition(rgb, 1) - y));
        }
        // Halving and JPEG round to whole grey levels, a bias that all patches share: 0.3 of a level, 1.5 px of the ramp.
        Assert.All(errors, error => Assert.True(Math.Max(Math.Abs(error.X), Math.Abs(error.Y)) < 1.5, $"{error}"));
        // What is left is the rounding of places, half a pixel either way, and noise.
        Assert.All(errors, error =>
            Assert.True(Math.Max(Math.Abs(error.X - errors[0].X), Math.Abs(error.Y - errors[0].Y)) < 0.75, $"{error} {errors[0]}"));
    }

    [Fact]
    public void Twice_the_stored_size_with_no_level_between_is_read_halved_at_the_same_place()
    {
        string path = TestSlides.Ramp(_folder.File("ramp.tif"), 200, 200, 0.5);
        using var slide = Slide.Open(path);
        Assert.Single(slide.Levels);
        var sampling = new PatchSampling(slide, 32, 2, 2);
        Assert.True(sampling.TakesStoredPixels);
        byte[] rgb = new byte[32 * 32 * 3];
        sampling.Read(slide, 64, 128, rgb);
        Assert.InRange(RampPosition(rgb, 0) - 96, -1.5, 1.5);
        Assert.InRange(RampPosition(rgb, 1) - 160, -1.5, 1.5);
    }

    [Theory]
    [InlineData(4, 4)]
    [InlineData(5, 4.5)]
    [InlineData(7, 3)]
    [InlineData(9, 2)]
    public void Patches_of_jpeg_2000_at_twice_a_levels_pixel_and_more_are_near_the_mean_of_its_pixels(double scale, double mostMean)
    {
        using var slide = Slide.Open(TestData.Path("slides", "TCGA-CR-7395-01A-01-TS1.svs"), SlideReader.Embedded);
        const int Side = 128;
        var sampling = new PatchSampling(slide, Side, scale, scale);
        Assert.Equal(1, sampling.Level);
        byte[] rgb = new byte[Side * Side * 3], expected = new byte[rgb.Length];
        sampling.Read(slide, 1600, 1200, rgb);
        (double x, double y) = LevelGeometry.Downsample(slide, 1);
        int width = (int)Math.Ceiling(Side * scale / x) + 1, left = (int)(1600 / x), top = (int)(1200 / y);
        byte[] region = new byte[width * width * 3];
        slide.ReadRegion(1, left, top, width, width, region);
        AreaFilter.Resample(region, width, new(Side, (1600 / x) - left, scale / x, width),
            new(Side, (1200 / y) - top, scale / y, width), expected);
        double mean = expected.Zip(rgb).Average(pair => Math.Abs(pair.First - pair.Second));
        Assert.True(mean <= mostMean, $"Mean difference {mean:F2}.");
    }

    [Fact]
    public void Points_are_patch_centres_and_what_lies_outside_is_white()
    {
        TestSlides.Ramp(_folder.File("ramp.tif"), 1000, 1000, 0.5);
        var points = LabelledPoints.Read(_folder.Text("p.csv", "slide,x,y,label", "ramp.tif,500.5,300.25,a", "ramp.tif,0,0,b"));
        using var patches = SlidePatches.AtPoints(points, _folder.Path, 64, 1);
        byte[] rgb = new byte[64 * 64 * 3];
        patches.Read(0, rgb);
        Assert.InRange(RampPosition(rgb, 0) - 500.5, -1, 1);
        Assert.InRange(RampPosition(rgb, 1) - 300.25, -1, 1);
        patches.Read(1, rgb);
        Assert.All(rgb[..(64 * 3)], value => Assert.Equal(255, value));
        Assert.InRange(rgb[((63 * 64) + 63) * 3], 0, 20);
    }

    [Fact]
    public void Many_threads_read_the_same_pixels_as_one_under_a_budget_of_one_slide()
    {
        SlideFile[] slides = [.. Enumerable.Range(0, 3)
            .Select(i => new SlideFile($"s{i}.tif", TestSlides.Stained(_folder.File($"s{i}.tif"), 1100, 40 * i, 0, 900, 1000)))];
        TilingResult result = Tiler.Run(slides, new() { PatchSize = 128 });
        using SlideRuntime one = new(new() { OpenSlides = 1 });
        using var patches = SlidePatches.FromManifest(result.Manifest, runtime: one);
        int n = result.Manifest.Table.Count;
        byte[][] alone = [.. Enumerable.Range(0, n).Select(i => Read(patches, i))];
        Assert.Equal(1, patches.OpenSlides);
        Parallel.For(0, 4 * n, i => Assert.Equal(alone[i * 37 % n], Read(patches, i * 37 % n)));
        Assert.Equal(1, patches.OpenSlides);
    }

    [Fact]
    public void A_slide_that_breaks_after_tiling_is_a_read_error_of_its_patches_only()
    {
        string good = TestSlides.Stained(_folder.File("a.tif"), 800, 0, 0, 800, 800),
            bad = TestSlides.Stained(_folder.File("b.tif"), 800, 0, 0, 800, 800);
        using TileManifest manifest = Tiler.Run([new("a.tif", good), new("b.tif", bad)], new()).Manifest;
        using var patches = SlidePatches.FromManifest(manifest);
        byte[] broken = File.ReadAllBytes(bad);
        broken.AsSpan(0, 64).Clear();
        File.WriteAllBytes(bad, broken);
        int last = manifest.Table.Count - 1;
        PatchReadException e = Assert.Throws<PatchReadException>(() => Read(patches, last));
        Assert.Equal((last, "b.tif"), (e.Patch, e.Slide));
        Assert.NotEmpty(Read(patches, 0));
    }

    [Fact]
    public void Refuses_a_slide_that_is_gone_or_another_file_and_finds_one_that_moved()
    {
        string path = TestSlides.Stained(_folder.File("a.tif"), 800, 0, 0, 800, 800);
        using TileManifest manifest = Tiler.Run([new("a.tif", path)], new()).Manifest;
        File.Move(path, _folder.File("elsewhere/a.tif"));
        Assert.Contains("is gone", Assert.Throws<Fault>(() => SlidePatches.FromManifest(manifest)).Message);
        SlidePatches.FromManifest(manifest, Path.Combine(_folder.Path, "elsewhere")).Dispose();
        File.AppendAllText(_folder.File("elsewhere/a.tif"), "x");
        Assert.Contains("Tile the slides again",
            Assert.Throws<Fault>(() => SlidePatches.FromManifest(manifest, Path.Combine(_folder.Path, "elsewhere"))).Message);
    }

    [Fact]
    public void Points_on_slides_that_are_too_coarse_or_missing_are_refused_by_name()
    {
        TestSlides.Ramp(_folder.File("ramp.tif"), 600, 600, 0.5);
        var points = LabelledPoints.Read(_folder.Text("p.csv", "slide,x,y,label", "ramp.tif,300,300,a"));
        Assert.Contains("--upsample", Assert.Throws<Fault>(() => SlidePatches.AtPoints(points, _folder.Path, 64, 0.25)).Message);
        SlidePatches.AtPoints(points, _folder.Path, 64, 0.25, upsample: true).Dispose();
        var lost = LabelledPoints.Read(_folder.Text("q.csv", "slide,x,y,label", "lost.tif,300,300,a"));
        Assert.Contains("lost.tif", Assert.Throws<Fault>(() => SlidePatches.AtPoints(lost, _folder.Path, 64, 1)).Message);
    }

    [Fact]
    public void The_points_of_the_real_sections_lie_on_tissue()
    {
        var points = LabelledPoints.Read(TestData.Path("labelled", "her2st", "spots.csv"));
        using var patches = SlidePatches.AtPoints(points, TestData.Path("slides"), 48, 2);
        int onTissue = Enumerable.Range(0, points.Table.Count).Count(i => Mean(Read(patches, i), 1) < 200);
        Assert.True(onTissue > 0.95 * points.Table.Count, $"{onTissue} of {points.Table.Count}");
    }

    private static byte[] Read(SlidePatches patches, int patch)
    {
        byte[] rgb = new byte[patches.PatchSize * patches.PatchSize * 3];
        patches.Read(patch, rgb);
        return rgb;
    }

    /// <summary>Centre of what a patch of the ramp shows, level-0 px.</summary>
    private static double RampPosition(byte[] rgb, int channel) => (Mean(rgb, channel) / TestSlides.RampSlope) + 0.5;

    private static double Mean(byte[] rgb, int channel)
    {
        double sum = 0;
        for (int i = channel; i < rgb.Length; i += 3)
            sum += rgb[i];
        return sum / (rgb.Length / 3);
    }

    private static TileManifest Manifest(string slide, SlideGrid grid, (int Col, int Row)[] places)
    {
        places = [.. places.OrderBy(place => place.Row).ThenBy(place => place.Col)];
        var entry = new ManifestSlide("ramp.tif", slide, new FileInfo(slide).Length, grid.Width, grid.Height, grid.SlideMppX,
            grid.SlideMppY, "test", places.Length);
        var table = new PatchTable(["ramp.tif"], new int[places.Length], places.Select(p => p.Col).ToArray(),
            places.Select(p => p.Row).ToArray());
        return new(new(grid.PatchSize, grid.Mpp, 0.5, true, [entry], []), table, null);
    }
}
