using BitMiracle.LibTiff.Classic;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tiling;

/// <summary>Classes of patches from what was drawn: 64 patches of 128 px on a slide of 1,024 px that is all tissue.</summary>
public sealed class AnnotationsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CAMELYONs_XML_gives_tumour_with_exclusions_in_it_and_normal_around()
    {
        // Columns 0 to 3 of rows 0 and 1 are tumour, but for the exclusion over column 1; a second tumour covers a quarter of patch (7, 7).
        Annotate(Asap(("_0", "Polygon", 0, 0, 512, 256), ("_2", "Spline", 128, 0, 256, 256), ("_1", "Polygon", 896, 896, 960, 960)));
        using TileManifest manifest = Tile().Manifest;
        Assert.Equal(["normal", "tumor"], manifest.Table.Classes!);
        Assert.Equal([(0, 0), (2, 0), (3, 0), (0, 1), (2, 1), (3, 1)], Of(manifest, "tumor"));
        Assert.Equal(57, Of(manifest, "normal").Length);
        Assert.Equal([(7, 7)], Of(manifest, null));
        Assert.Equal(0.25f, manifest.LabelShares[63]);
        Assert.Equal(1f, manifest.LabelShares[0]);
    }

    [Theory]
    [InlineData("Tumor", "Exclusion")]
    [InlineData("tumor", "exclusion")]
    public void The_groups_of_the_test_slides_mean_the_same(string tumour, string exclusion)
    {
        Annotate(Asap((exclusion, "Polygon", 128, 0, 256, 256), (tumour, "Polygon", 0, 0, 512, 256)));
        using TileManifest manifest = Tile().Manifest;
        Assert.Equal([(0, 0), (2, 0), (3, 0), (0, 1), (2, 1), (3, 1)], Of(manifest, "tumor"));
    }

    [Fact]
    public void Groups_of_other_projects_are_classes_and_2_is_a_hole_in_CAMELYONs_naming_only()
    {
        Annotate(Asap(("stroma", "Rectangle", 0, 0, 128, 128), ("_2", "Polygon", 128, 0, 256, 128), ("None", "Polygon", 256, 0, 384, 128),
            ("stroma", "Dot", 400, 0, 400, 0)));
        TilingResult result = Tile();
        Assert.Equal([(0, 0)], Of(result.Manifest, "stroma"));
        Assert.Equal([(1, 0)], Of(result.Manifest, "_2"));
        Assert.Equal(62, Of(result.Manifest, null).Length);
        Assert.Contains("1 of type Dot", result.Outcomes[0].Reason, StringComparison.Ordinal);
        Assert.Contains("1 annotations have no class", result.Outcomes[0].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><ASAP_Annotations>&a;</ASAP_Annotations>", "DTD")]
    [InlineData("<Annotations><Annotation/></Annotations>", "ASAP_Annotations")]
    [InlineData("<ASAP_Annotations><Annotations>", "S1.xml")]
    [InlineData("<ASAP_Annotations><Annotations/></ASAP_Annotations>", "names no area")]
    [InlineData("<ASAP_Annotations><Annotation Type=\"Polygon\" PartOfGroup=\"_0\"><Coordinate Order=\"0\" X=\"a\" " +
        "Y=\"1\"/></Annotation></ASAP_Annotations>", "no number")]
    public void XML_that_can_not_be_understood_or_trusted_is_refused_by_name(string xml, string named)
    {
        Annotate(xml);
        TilingOutcome outcome = Tile().Outcomes[0];
        Assert.Equal((0, SlideVerdict.BadRegions), (outcome.Patches, outcome.Verdict));
        Assert.Contains(named, outcome.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_patch_has_the_class_that_covers_the_asked_share_of_it()
    {
        _folder.Text("a/S1.geojson", """
            [{"geometry":{"type":"Polygon","coordinates":[[[0,0],[512,0],[512,512],[0,512]]]},
              "properties":{"classification":{"name":"stroma"}}},
             {"geometry":{"type":"Polygon","coordinates":[[[0,0],[96,0],[96,128],[0,128]]]},"properties":{"classification":"tumour"}},
             {"geometry":{"type":"Polygon","coordinates":[[[512,0],[640,0],[640,128],[512,128]]]},
              "properties":{"classification":"Ignore*"}}]
            """);
        using TileManifest half = Tile().Manifest, most = Tile(new() { LabelShare = 0.8 }).Manifest;
        Assert.Equal([(0, 0)], Of(half, "tumour"));
        Assert.Equal(15, Of(half, "stroma").Length);
        Assert.Empty(Of(most, "tumour"));
        Assert.Equal(0.75f, most.LabelShares[0]);
        // What is ignored is not the rest.
        using TileManifest rest = Tile(new() { LabelRest = "other" }).Manifest;
        Assert.Equal([(4, 0)], Of(rest, null));
        Assert.Equal(47, Of(rest, "other").Length);
    }

    [Fact]
    public void Slides_without_a_file_have_no_class_unless_the_rest_has_one_and_are_named()
    {
        Annotate(Asap(("Tumor", "Polygon", 0, 0, 512, 256)));
        SlideFile other = Slide("S2.tif");
        TilingResult result = Tile(null, other);
        Assert.Equal(64, Of(result.Manifest, null).Length);
        Assert.Contains("S2.tif", Assert.Single(result.Notes), StringComparison.Ordinal);
        TilingResult normal = Tile(new() { LabelRest = "normal" }, other);
        Assert.Equal(56 + 64, Of(normal.Manifest, "normal").Length);
        Assert.Contains("all 'normal'", Assert.Single(normal.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, true, Compression.LZW)]
    [InlineData(4, true, Compression.ADOBE_DEFLATE)]
    [InlineData(8, false, Compression.NONE)]
    [InlineData(3, false, Compression.LZW)]
    public void A_mask_gives_the_class_of_its_values_at_any_downsample(int downsample, bool tiled, Compression compression)
    {
        // Value 2 over columns 0 to 3 of rows 0 and 1, value 1 elsewhere but in row 7.
        WriteMask("a/S1_mask.tif", 1024 / downsample, tiled, compression, (x, y) => y >= 0.875 ? 0 : x < 0.5 && y < 0.25 ? 2 : 1);
        using TileManifest manifest =
            Tile(new() { MaskClasses = new Dictionary<int, string> { [2] = "tumor" }, LabelShare = 0.9 }).Manifest;
        Assert.Equal([(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1), (2, 1), (3, 1)], Of(manifest, "tumor"));
        Assert.Equal(48, Of(manifest, "1").Length);
        Assert.Equal(8, Of(manifest, null).Length);
    }

    [Fact]
    public void A_mask_of_another_shape_or_kind_is_refused_by_name()
    {
        WriteMask("a/S1.tif", 1024, tiled: true, Compression.LZW, (_, _) => 1, height: 700);
        Assert.Contains("no downsample", Tile().Outcomes[0].Reason, StringComparison.Ordinal);
        WriteMask("a/S1.tif", 1024, tiled: false, Compression.LZW, (x, y) => (int)(x * 255));
        Assert.Contains("picture", Tile().Outcomes[0].Reason, StringComparison.Ordinal);
        File.WriteAllText(_folder.File("a/S1.tif"), "no TIFF");
        Assert.Contains("S1.tif", Tile().Outcomes[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_manifest_keeps_classes_and_shares_and_one_without_them_is_as_it_was()
    {
        Annotate(Asap(("Tumor", "Polygon", 0, 0, 512, 224)));
        using TileManifest labelled = Tile().Manifest, plain = Tiler.Run([Slide("S1.tif")], new() { PatchSize = 128 }).Manifest;
        labelled.Save(_folder.File("labelled.sslp"));
        plain.Save(_folder.File("plain.sslp"));
        using var opened = TileManifest.Open(_folder.File("labelled.sslp"));
        Assert.Equal(labelled.Table.LabelOf, opened.Table.LabelOf);
        Assert.Equal(labelled.Table.Classes!, opened.Table.Classes!);
        Assert.Equal(labelled.LabelShares, opened.LabelShares);
        Assert.Equal(0.75f, opened.LabelShares[8]);
        byte[] bytes = File.ReadAllBytes(_folder.File("plain.sslp"));
        int header = BitConverter.ToInt32(bytes, 12);
        Assert.Equal(1, BitConverter.ToInt32(bytes, 8));
        Assert.Equal(64 + header + (64 * 12), bytes.Length);
        string json = System.Text.Encoding.UTF8.GetString(bytes, 64, header).TrimEnd();
        Assert.EndsWith("\"left_out\":[]}", json, StringComparison.Ordinal);
        byte[] damaged = File.ReadAllBytes(_folder.File("labelled.sslp"));
        damaged[^1] ^= 1;
        File.WriteAllBytes(_folder.File("labelled.sslp"), damaged);
        Assert.Contains("damaged", Assert.Throws<Fault>(() => TileManifest.Open(_folder.File("labelled.sslp"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Patches_written_out_carry_class_and_share()
    {
        Annotate(Asap(("Tumor", "Polygon", 0, 0, 512, 224)));
        using TileManifest manifest = Tile().Manifest;
        using var patches = SlidePatches.FromManifest(manifest);
        PatchExport.Write(patches, _folder.File("out/x")[..^2], shares: manifest.LabelShares.ToArray());
        string[] lines = File.ReadAllLines(_folder.File("out/patches.csv"));
        Assert.Equal("file,slide,col,row,label,split,share", lines[0]);
        Assert.Equal("S1.tif/0_1.png,S1.tif,0,1,tumor,,0.75", lines[9]);
        using var folder = PatchFolder.Open(Path.Combine(_folder.Path, "out"));
        Assert.Equal(["normal", "tumor"], folder.Table.Classes!);
    }

    private static (int Col, int Row)[] Of(TileManifest manifest, string? name)
    {
        PatchTable table = manifest.Table;
        int label = name is null ? PatchTable.None : table.Classes!.ToList().IndexOf(name);
        return [.. Enumerable.Range(0, table.Count).Where(i => table.LabelOf[i] == label && (name is null || label >= 0))
            .Select(i => (table.Col[i], table.Row[i]))];
    }

    private void Annotate(string xml) => _folder.Text("a/S1.xml", xml);

    private TilingResult Tile(TilingOptions? options = null, params SlideFile[] more) =>
        Tiler.Run([Slide("S1.tif"), .. more],
            (options ?? new()) with { PatchSize = 128, AnnotationsFolder = Path.Combine(_folder.Path, "a") });

    private SlideFile Slide(string name) => new(name, TestSlides.Stained(_folder.File("slides/" + name), 1024, 0, 0, 1024, 1024));

    /// <summary>Rectangles as ASAP writes outlines; corners out of order, since Order says the order.</summary>
    private static string Asap(params (string Group, string Type, int Left, int Top, int Right, int Bottom)[] areas) =>
        "<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n<Annotations>" + string.Concat(areas.Select((a, i) =>
            $"""
            <Annotation Name="Annotation {i}" Type="{a.Type}" PartOfGroup="{a.Group}" Color="#F4FA58"><Coordinates>
            <Coordinate Order="1" X="{a.Right}.0" Y="{a.Top}" /><Coordinate Order="0" X="{a.Left}" Y="{a.Top}" />
            <Coordinate Order="3" X="{a.Left}" Y="{a.Bottom},0" /><Coordinate Order="2" X="{a.Right}" Y="{a.Bottom}" />
            </Coordinates></Annotation>
            """)) + """
            </Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#00ff00"><Attributes /></Group></AnnotationGroups>
            </ASAP_Annotations>
            """;

    private void WriteMask(string name, int side, bool tiled, Compression compression, Func<double, double, int> value, int? height = null)
    {
        int rows = height ?? side;
        using var tiff = Tiff.Open(_folder.File(name), "w");
        tiff.SetField(TiffTag.IMAGEWIDTH, side);
        tiff.SetField(TiffTag.IMAGELENGTH, rows);
        tiff.SetField(TiffTag.BITSPERSAMPLE, 8);
        tiff.SetField(TiffTag.SAMPLESPERPIXEL, 1);
        tiff.SetField(TiffTag.PHOTOMETRIC, Photometric.MINISBLACK);
        tiff.SetField(TiffTag.COMPRESSION, compression);
        if (!tiled)
        {
            tiff.SetField(TiffTag.ROWSPERSTRIP, 16);
            for (int y = 0; y < rows; y++)
                tiff.WriteScanline([.. Enumerable.Range(0, side).Select(x => (byte)value((double)x / side, (double)y / rows))], y);
            return;
        }
        tiff.SetField(TiffTag.TILEWIDTH, 112);
        tiff.SetField(TiffTag.TILELENGTH, 96);
        for (int top = 0; top < rows; top += 96)
            for (int left = 0; left < side; left += 112)
                tiff.WriteTile([.. Enumerable.Range(0, 112 * 96)
                    .Select(i => (byte)value((double)(left + (i % 112)) / side, (double)(top + (i / 112)) / rows))], left, top, 0, 0);
    }
}
