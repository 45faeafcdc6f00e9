using System.IO.Compression;
using System.Text;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

/// <summary>Region files in all the shapes they are met in: the whole slide is 100 patches, its left half 32, all but that half
/// 68.</summary>
public sealed class RegionFilesTests : IDisposable
{
    private const string Coordinates = "[[[230,230],[768,230],[768,1306],[230,1306],[230,230]]]";
    private const string Polygon = """{"type":"Polygon","coordinates":""" + Coordinates + "}";
    private const string Feature = """{"type":"Feature","id":"6423a977","geometry":""" + Polygon
        + ""","properties":{"objectType":"annotation","classification":{"name":"Tumor","color":[200,0,0]}}}""";
    private const string Collection = """{"type":"FeatureCollection","features":[""" + Feature + "]}";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0-control-left-half", 32)]
    [InlineData("2-json-extension", 32)]
    [InlineData("3-zip", 32)]
    [InlineData("5-single-feature", 32)]
    [InlineData("6-empty-collection", 0)]
    [InlineData("8-null-geometry", 32)]
    [InlineData("11-ignore-as-string", 68)]
    public void Reported_files_give_what_was_drawn(string folder, int patches)
    {
        IReadOnlyList<SlideFile> slides = SlideListing.List(TestData.Path("reported", "regions", "slides"));
        TilingResult result = Tiler.Run(slides, Options(TestData.Path("reported", "regions", folder)));
        Assert.Equal(patches, result.Manifest.Table.Count);
        if (patches == 0)
            Assert.Contains("names no area", result.Outcomes[0].Reason, StringComparison.Ordinal);
        if (folder.StartsWith("8-", StringComparison.Ordinal))
            Assert.Contains("1 without geometry", result.Outcomes[0].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Collection, 32)]
    [InlineData("[" + Feature + "]", 32)]
    [InlineData(Feature, 32)]
    [InlineData(Polygon, 32)]
    [InlineData("""{"type":"GeometryCollection","geometries":[""" + Polygon + """,{"type":"Point","coordinates":[1,2]}]}""", 32)]
    [InlineData("""[{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[""" + Polygon + """]},"properties":{}}]""", 32)]
    [InlineData("""[{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[""" + Coordinates
        + """]},"properties":null}]""", 32)]
    [InlineData("[" + Feature
        + """,{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[9999,0],[9999,9999],[0,9999]]]},"""
        + """ "properties":{"objectType":"detection"}}]""", 32)]
    [InlineData("[" + Feature
        + """,{"type":"Feature","id":"PathCellObject","geometry":"""
        + """{"type":"Polygon","coordinates":[[[0,0],[9999,0],[9999,9999],[0,9999]]]}}]""", 32)]
    [InlineData("[" + Feature + """,{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[]}},null]""", 32)]
    public void Every_shape_of_GeoJSON_is_read(string json, int patches) => Assert.Equal(patches, Tile(json).Patches);

    [Theory]
    [InlineData("""{"name":"Ignore*"}""")]
    [InlineData("""{"names":["Ignore*"]}""")]
    [InlineData("""{"names":["Stroma","Ignore*"]}""")]
    [InlineData("\"Ignore*\"")]
    [InlineData("\"ignore\"")]
    [InlineData("\"{ \\\"name\\\": \\\"Ignore*\\\", \\\"color\\\": [ 180, 180, 180 ] }\"")]
    [InlineData("\"{'name': 'Ignore*', 'color': None}\"")]
    [InlineData("[\"Ignore*\"]")]
    public void A_class_that_says_ignore_is_understood_in_every_form(string classification) =>
        Assert.Equal(68, Tile(Classed(classification)).Patches);

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\"None\"")]
    [InlineData("{}")]
    [InlineData("""{"name":null}""")]
    [InlineData("5")]
    [InlineData("\"Region*\"")]
    public void Any_other_class_and_none_is_a_region(string classification) => Assert.Equal(32, Tile(Classed(classification)).Patches);

    [Theory]
    [InlineData("""{"colour":[1,2,3]}""", "colour")]
    [InlineData("\"{ name Ignore }\"", "name Ignore")]
    [InlineData("true", "true")]
    public void A_class_that_can_not_be_understood_is_named_and_nothing_is_cut(string classification, string named)
    {
        TilingOutcome outcome = Tile(Classed(classification));
        Assert.Equal((0, SlideVerdict.BadRegions), (outcome.Patches, outcome.Verdict));
        Assert.Contains(named, outcome.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"FeatureCollection","features":[]}""")]
    [InlineData("[]")]
    [InlineData("""[{"type":"Feature","geometry":{"type":"Point","coordinates":[300,300]},"properties":{}}]""")]
    [InlineData("""[{"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[9,9]]},"properties":{}}]""")]
    [InlineData("""[{"type":"Feature","geometry":null,"properties":{}}]""")]
    [InlineData("""[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[]},"properties":{}}]""")]
    [InlineData("""[{"type":"Feature","geometry":{"type":"Circle","coordinates":[]},"properties":{}}]""")]
    public void A_file_without_area_cuts_nothing_and_says_so(string json)
    {
        TilingOutcome outcome = Tile(json);
        Assert.Equal(0, outcome.Patches);
        Assert.Contains("names no area", outcome.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_QuPath_writes_and_JSON_has_not_is_read_and_a_place_that_is_none_is_named()
    {
        const string Measured = """[{"type":"Feature","geometry":""" + Polygon
            + ""","properties":{"name":"a \"NaN\" -Infinity","measurements":{"Area":NaN,"Low":-Infinity,"High":Infinity}}}]""";
        Assert.Equal(32, Tile(Measured).Patches);
        const string NoPlace = """[{"geometry":{"type":"Polygon","coordinates":[[[0,0],[NaN,1],[2,2]]]}}]""";
        Assert.Contains("[null,1]", Tile(NoPlace).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("label")]
    [InlineData("Class name")]
    public void Ignore_under_a_name_that_is_no_class_is_named_and_nothing_is_cut(string property)
    {
        TilingOutcome outcome = Tile(
            """[{"type":"Feature","geometry":""" + Polygon + ""","properties":{" """.TrimEnd() + property + "\":\"Ignore*\"}}]");
        Assert.Equal(0, outcome.Patches);
        Assert.Contains($"'{property}' is 'Ignore*'", outcome.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_outline_of_two_points_is_counted_and_the_others_are_read()
    {
        TilingOutcome outcome = Tile(
            "[" + Feature + """,{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[5,5]]]}}]""");
        Assert.Equal(32, outcome.Patches);
        Assert.Contains("1 of fewer than three points", outcome.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Python_writes_classes_as_text_in_tables_and_NaN_in_measurements()
    {
        Python.SkipUnless("json");
        _folder.Text("regions/S1.geojson", Python.Run("""
            import json, sys
            half = json.loads(sys.argv[1])
            # A table's rows: columns of objects were turned into text on their way through a file.
            rows = [{'id': '0', 'type': 'Feature', 'properties': {'objectType': 'annotation', 'area': float('nan'),
                     'classification': json.dumps({'name': 'Ignore*', 'color': [180, 180, 180]})}, 'geometry': half},
                    {'id': '1', 'type': 'Feature', 'properties': {'objectType': 'annotation', 'area': 1.5, 'classification': None},
                     'geometry': None}]
            print(json.dumps({'type': 'FeatureCollection', 'name': 'S1',
                              'crs': {'type': 'name', 'properties': {'name': 'urn:ogc:def:crs:OGC:1.3:CRS84'}},
                              'features': rows}))
            """, Polygon));
        TilingOutcome outcome = Tiler.Run([Slide("S1.tif")], Options()).Outcomes[0];
        Assert.Equal(68, outcome.Patches);
        Assert.Contains("1 without geometry", outcome.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("this is no json")]
    [InlineData("""{"type":"FeatureCollection"}""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[[[0,0],[1]]]}}]""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}}]""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[[["a",0],[1,1],[2,2]]]}}]""")]
    [InlineData("""[{"geometry":{"type":"Polygon","coordinates":[[[1e999,0],[1,1],[2,2]]]}}]""")]
    [InlineData("<svg/>")]
    public void Names_a_file_that_holds_no_polygons(string text)
    {
        TilingOutcome outcome = Tile(text);
        Assert.Equal(SlideVerdict.BadRegions, outcome.Verdict);
        Assert.Contains("S1.geojson", outcome.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("S1.json")]
    [InlineData("S1.tif.geojson")]
    [InlineData("S1.GeoJSON")]
    [InlineData("S1.geojson.gz")]
    [InlineData("S1.json.gz")]
    [InlineData("S1.zip")]
    [InlineData("S1.geojson.zip")]
    [InlineData("project/S1.geojson")]
    public void The_file_of_a_slide_is_found_under_each_of_its_names(string name)
    {
        using (FileStream file = File.Create(_folder.File("regions/" + name)))
        {
            if (name.EndsWith(".zip", StringComparison.Ordinal))
            {
                using var zip = new ZipArchive(file, ZipArchiveMode.Create);
                using (Stream fork = zip.CreateEntry("__MACOSX/._S1.geojson").Open())
                    fork.WriteByte(1);
                using Stream entry = zip.CreateEntry("S1.geojson").Open();
                entry.Write(Encoding.UTF8.GetBytes(Collection));
            }
            else if (name.EndsWith(".gz", StringComparison.Ordinal))
            {
                using var packed = new GZipStream(file, CompressionLevel.Fastest);
                packed.Write(Encoding.UTF8.GetBytes(Collection));
            }
            else
                file.Write(Encoding.UTF8.GetBytes(Collection));
        }
        _folder.Text("regions/._S1.geojson", "not this");
        _folder.Text("regions/S1.geojson.lock", "");
        Assert.Equal(32, Tiler.Run([Slide("S1.tif")], Options()).Outcomes[0].Patches);
    }

    [Fact]
    public void A_byte_order_mark_and_UTF_16_are_no_obstacle()
    {
        foreach (Encoding encoding in (Encoding[])[new UTF8Encoding(true), Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            File.WriteAllText(_folder.File("regions/S1.geojson"), Collection, encoding);
            Assert.Equal(32, Tiler.Run([Slide("S1.tif")], Options()).Outcomes[0].Patches);
        }
    }

    [Fact]
    public void A_slide_without_region_file_is_left_out_by_name_or_taken_when_asked()
    {
        _folder.Text("regions/S1.geojson", Collection);
        _folder.Text("regions/S9.geojson", Collection);
        SlideFile[] slides = [Slide("S1.tif"), Slide("S2.tif")];
        TilingResult strict = Tiler.Run(slides, Options());
        Assert.Equal([32, 0], strict.Outcomes.Select(outcome => outcome.Patches));
        Assert.Contains("--regions-optional", strict.Outcomes[1].Reason, StringComparison.Ordinal);
        Assert.Contains("S9.geojson", Assert.Single(strict.Notes), StringComparison.Ordinal);
        TilingResult optional = Tiler.Run(slides, Options() with { RegionsOptional = true });
        Assert.Equal([32, 100], optional.Outcomes.Select(outcome => outcome.Patches));
        Assert.Contains(optional.Notes, note => note.Contains("S2.tif", StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_that_two_slides_share_is_refused_and_a_path_tells_them_apart()
    {
        SlideFile[] slides = [Slide("a/S1.tif"), Slide("b/S1.tif")];
        _folder.Text("regions/S1.geojson", Collection);
        TilingResult result = Tiler.Run(slides, Options());
        Assert.All(result.Outcomes, outcome => Assert.Contains("any of the slides called S1", outcome.Reason, StringComparison.Ordinal));
        File.Delete(_folder.File("regions/S1.geojson"));
        _folder.Text("regions/a/S1.geojson", Collection);
        Assert.Equal([32, 0], Tiler.Run(slides, Options()).Outcomes.Select(outcome => outcome.Patches));
    }

    [Fact]
    public void Two_files_of_one_slide_are_refused_and_the_others_go_on()
    {
        _folder.Text("regions/S1.geojson", Collection);
        _folder.Text("regions/S1.json", Collection);
        _folder.Text("regions/S2.geojson", Collection);
        TilingResult result = Tiler.Run([Slide("S1.tif"), Slide("S2.tif")], Options());
        Assert.Equal([0, 32], result.Outcomes.Select(outcome => outcome.Patches));
        Assert.Contains("S1.json", result.Outcomes[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void QuPath_counts_from_the_bounds_of_a_slide_and_a_flag_from_its_corner()
    {
        string slide = TestData.Path("reported", "bounds", "slides", "leica-bounds.scn");
        try
        {
            Interop.Slides.Slide.Open(slide).Dispose();
        }
        catch (SlideException e) when (e.Fault is SlideFault.OpenSlideMissing or SlideFault.UnsupportedFormat)
        {
            Assert.Skip("needs OpenSlide: on Debian, apt install libopenslide0");
        }
        IReadOnlyList<SlideFile> slides = SlideListing.List(slide);
        TilingResult qupath = Tiler.Run(slides, Options(TestData.Path("reported", "bounds", "regions-as-qupath")));
        TilingResult corner = Tiler.Run(
            slides, Options(TestData.Path("reported", "bounds", "regions-absolute")) with { RegionOrigin = RegionOrigin.Slide });
        Assert.NotEqual(0, qupath.Manifest.Table.Count);
        Assert.Equal(corner.Manifest.Table.Col.ToArray(), qupath.Manifest.Table.Col.ToArray());
        Assert.Equal(corner.Manifest.Table.Row.ToArray(), qupath.Manifest.Table.Row.ToArray());
        Assert.Contains("(1000, 2000)", qupath.Outcomes[0].Reason, StringComparison.Ordinal);
    }

    private static string Classed(string classification) =>
        """[{"type":"Feature","geometry":""" + Polygon + ""","properties":{"objectType":"annotation","classification":"""
        + classification + "}}]";

    private TilingOutcome Tile(string json)
    {
        _folder.Text("regions/S1.geojson", json);
        return Tiler.Run([Slide("S1.tif")], Options()).Outcomes[0];
    }

    private TilingOptions Options(string? folder = null) =>
        new() { PatchSize = 128, MinTissue = 0.01, RegionsFolder = folder ?? Path.Combine(_folder.Path, "regions") };

    private SlideFile Slide(string name) => new(name, TestSlides.Stained(_folder.File("slides/" + name), 1536, 230, 230, 1076, 1076));
}
