using SSLP.Data.Files;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

public sealed class SlideRegionsTests : IDisposable
{
    private const string Square = """{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[512,0],[512,512],[0,512],[0,0]],[[100,100],[200,100],[200,200],[100,200],[100,100]]]},"properties":{"classification":{"name":"Tumor"}}}""";
    private const string Ignored = """{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[0,0],[256,0],[256,256],[0,256],[0,0]]]]},"properties":{"classification":{"name":"ignore*"}}}""";
    private const string Line = """{"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[9,9]]},"properties":null}""";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Takes_what_lies_in_a_region_by_half_and_not_in_its_hole()
    {
        SlideRegions regions = Regions($$"""{"type":"FeatureCollection","features":[{{Square}},{{Line}}]}""");
        Assert.True(regions.Takes(256, 256, 512, 512));
        Assert.True(regions.Takes(400, 300, 600, 400));
        Assert.False(regions.Takes(500, 300, 700, 400));
        Assert.False(regions.Takes(110, 110, 190, 190));
    }

    [Fact]
    public void Leaves_out_ignored_regions_and_takes_all_else_when_nothing_is_included()
    {
        SlideRegions both = Regions($"[{Square},{Ignored}]"), only = Regions($"[{Ignored}]");
        Assert.False(both.Takes(0, 0, 256, 256));
        Assert.True(both.Takes(256, 256, 512, 512));
        Assert.False(only.Takes(0, 0, 256, 256));
        Assert.True(only.Takes(5000, 5000, 5256, 5256));
    }

    [Theory]
    [InlineData("this is no json")]
    [InlineData("""{"type":"FeatureCollection"}""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[[[0,0],[1]]]}}]""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[]}}]""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[[["a",0],[1,1],[2,2]]]}}]""")]
    public void Names_a_file_that_holds_no_polygons(string text) =>
        Assert.Contains("a.geojson", Assert.Throws<Fault>(() => Regions(text)).Message);

    [Fact]
    public void The_tiler_keeps_to_them_slide_by_slide_and_goes_on_past_a_bad_file()
    {
        SlideFile[] slides = [.. ((string[])["a.tif", "b.tif", "c.tif"]).Select(name => new SlideFile(name, TestSlides.Stained(_folder.File(name), 1024, 0, 0, 1024, 1024)))];
        _folder.Text("regions/a.geojson", $"[{Square}]");
        _folder.Text("regions/b.tif.geojson", "nothing");
        TilingResult result = Tiler.Run(slides, new() { RegionsFolder = Path.Combine(_folder.Path, "regions") });
        Assert.Equal([4, 0, 16], result.Outcomes.Select(outcome => outcome.Patches));
        Assert.Equal(SlideVerdict.BadRegions, result.Outcomes[1].Verdict);
    }

    private SlideRegions Regions(string json) => SlideRegions.Read(_folder.Text("a.geojson", json));
}
