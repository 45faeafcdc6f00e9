using SSLP.Data.Tiling;
using SSLP.Evaluation.Probes;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>Regions, annotations and labels through the command line.</summary>
public sealed class AnnotatedSlidesTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-annotated-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Slides_and_ASAP_XML_in_labelled_manifest_out_and_judged()
    {
        string slides = At("slides"), tiles = At("tiles.sslp");
        Succeed("synth", "--out", slides, "--slides", "4", "--size", "1024", "--patch", "64");
        string[] names = [.. Directory.GetFiles(slides, "*.tif").Select(path => Path.GetFileNameWithoutExtension(path)!)
            .Order(StringComparer.Ordinal)];
        foreach (string name in names[..3])
            Write($"xml/{name}.xml", """
                <ASAP_Annotations><Annotations><Annotation Type="Polygon" PartOfGroup="Tumor"><Coordinates>
                <Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="1024" Y="0"/>
                <Coordinate Order="2" X="1024" Y="512"/><Coordinate Order="3" X="0" Y="512"/>
                </Coordinates></Annotation></Annotations></ASAP_Annotations>
                """);
        Sslp.Result tiled = Succeed("tile", "--slides", slides, "--out", tiles, "--patch", "64", "--annotations", At("xml"),
            "--label-share", "0.75", "--label-rest", "normal");
        Assert.Contains($"no annotation file: 1 slide, whose patches are all 'normal', by --label-rest: {names[3]}", tiled.Error,
            StringComparison.Ordinal);
        Assert.Contains("patches tumor", tiled.Error, StringComparison.Ordinal);
        using (var manifest = TileManifest.Open(tiles))
        {
            Assert.Equal(["normal", "tumor"], manifest.Table.Classes!);
            for (int i = 0; i < manifest.Table.Count; i++)
                Assert.Equal(manifest.Table.Row[i] < 8 && manifest.Table.SlideOf[i] < 3 ? "tumor" : "normal",
                    manifest.Table.Classes![manifest.Table.LabelOf[i]]);
        }
        Assert.NotEmpty(Judge("--tiles", tiles));

        // Points over the same patches say something else.
        ProbeResult[] byPoints = Judge("--tiles", tiles, "--labels", Path.Combine(slides, "labels.csv"));
        Assert.True(byPoints[0].Classes.Count > 2, string.Join(",", byPoints[0].Classes));
    }

    [Theory]
    [InlineData("--regions", "x", "says that already")]
    [InlineData("--coordinates", "x", "cut already")]
    public void An_option_that_would_do_nothing_is_refused(string option, string value, string says)
    {
        Sslp.Result result = Sslp.Run("probe", "knn", "--baseline", "colour", "--tiles", At("none.sslp"), option, value);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(says, result.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_are_refused_where_patches_carry_theirs_and_annotation_options_without_annotations()
    {
        Assert.Contains("patches.csv", Sslp.Run("probe", "knn", "--baseline", "colour", "--patches", _root, "--labels", "x.csv").Fault,
            StringComparison.Ordinal);
        Assert.Contains("--annotations", Sslp.Run("tile", "--slides", _root, "--out", At("t"), "--label-share", "0.3").Fault,
            StringComparison.Ordinal);
        Assert.Contains("1=normal",
            Sslp.Run("tile", "--slides", _root, "--out", At("t"), "--annotations", _root, "--mask-classes", "tumor").Fault,
            StringComparison.Ordinal);
    }

    private ProbeResult[] Judge(params string[] source) =>
        ProbeResults.Read(Succeed(["probe", "knn", "--baseline", "colour", "--json", .. source]).Output);

    private string At(string name) => Path.Combine(_root, name);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
    }

    private static Sslp.Result Succeed(params string[] arguments)
    {
        Sslp.Result result = Sslp.Run(arguments);
        Assert.True(result.ExitCode == 0, $"sslp {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result;
    }
}
