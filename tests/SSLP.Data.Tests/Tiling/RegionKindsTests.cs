using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

/// <summary>Region files in forms that programs beside QuPath and ASAP give them: the left half is 32 patches, all but it 68.</summary>
public sealed class RegionKindsTests : IDisposable
{
    private static readonly (int X, int Y)[] Half = [(230, 230), (768, 230), (768, 1306), (230, 1306)];

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"classification\":{\"name\":\"Ignore*\"},", "{\"objectType\":\"annotation\"}", 68)]
    [InlineData("\"classification\":\"Ignore*\",", "null", 68)]
    [InlineData("\"classification\":{\"name\":\"Tumor\"},", "{}", 32)]
    [InlineData("\"classification\":{\"name\":\"Ignore*\"},", "{\"classification\":{\"name\":\"Tumor\"}}", 32)]
    public void A_class_beside_the_properties_is_read_where_they_have_none(string beside, string properties, int patches) =>
        Assert.Equal(patches, Tile("S1.geojson", "[{\"type\":\"Feature\"," + beside
            + "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[["
            + string.Join(',', Half.Select(point => $"[{point.X},{point.Y}]")) + "]]},\"properties\":" + properties + "}]").Patches);

    [Theory]
    [InlineData("Polygon", "Tumor", 32)]
    [InlineData("polygon", "Tumor", 32)]
    [InlineData("Polygon", "Ignore", 68)]
    [InlineData("Polygon", "Artifacts", 68)]
    [InlineData("Polygon", "Exclusion", 68)]
    public void ASAPs_types_and_groups_mean_the_same_in_any_letters(string type, string group, int patches) =>
        Assert.Equal(patches, Tile("S1.xml", $"""
            <?xml version="1.0"?><ASAP_Annotations><Annotations><Annotation Name="A" Type="{type}" PartOfGroup="{group}"><Coordinates>
            """ + string.Concat(Half.Select((point, i) => $"<Coordinate Order=\"{i}\" X=\"{point.X}\" Y=\"{point.Y}\" />"))
            + "</Coordinates></Annotation></Annotations></ASAP_Annotations>").Patches);

    private TilingOutcome Tile(string name, string text)
    {
        _folder.Text("regions/" + name, text);
        SlideFile slide = new("S1.tif", TestSlides.Stained(_folder.File("slides/S1.tif"), 1536, 230, 230, 1076, 1076));
        return Tiler.Run([slide], new() { PatchSize = 128, MinTissue = 0.01, RegionsFolder = Path.Combine(_folder.Path, "regions") })
            .Outcomes[0];
    }
}
