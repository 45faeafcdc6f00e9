using System.Text.Json;
using SSLP.Evaluation.Features;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>
/// Slides that are no plain TIFF pyramids, through the command line: audit → tile → pretrain → embed, by the embedded reader alone.
/// </summary>
public sealed class OtherScannersTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-scanners-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("philips", "philips")]
    [InlineData("jpeg2000", "aperio")]
    public void What_synth_writes_goes_through_every_verb(string format, string vendor)
    {
        string slides = At("slides");
        Succeed("synth", "--out", slides, "--slides", "2", "--size", "1100", "--patch", "64", "--format", format);
        JsonElement[] audited = Audit(slides, "--deep", "--patch", "64");
        Assert.Equal(2, audited.Length);
        Assert.All(audited, slide =>
        {
            Assert.Equal(("ok", vendor, "Embedded"), (Text(slide, "verdict"), Text(slide, "format"), Text(slide, "reader")));
            Assert.Equal(0.5, slide.GetProperty("mpp_x").GetDouble(), 4);
            Assert.Equal(0, slide.GetProperty("tiles_damaged").GetInt64());
        });
        int expected = audited.Sum(slide => slide.GetProperty("patches").GetInt32());
        Assert.Equal(expected, TileTrainEmbed(slides, "--patch", "64", "--mpp", "0.5"));
    }

    [Fact]
    public void A_real_jpeg2000_slide_without_a_pixel_size_goes_through_every_verb_when_one_is_assumed()
    {
        string slide = TestData.Path("slides", "TCGA-CR-7395-01A-01-TS1.svs");
        Sslp.Result unknown = Sslp.Run("audit", slide, "--json");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("--assume-mpp", unknown.Output, StringComparison.Ordinal);

        JsonElement audited = Assert.Single(Audit(slide, "--patch", "128", "--mpp", "2", "--assume-mpp", "0.5"));
        Assert.Equal(("ok", "Embedded", "assumed"), (Text(audited, "verdict"), Text(audited, "reader"), Text(audited, "mpp_source")));
        Assert.Equal(audited.GetProperty("patches").GetInt32(),
            TileTrainEmbed(slide, "--patch", "128", "--mpp", "2", "--assume-mpp", "0.5"));
    }

    /// <summary>Two steps, then the features of all patches; returns how many those are.</summary>
    private int TileTrainEmbed(string slides, params string[] cut)
    {
        string tiles = At("tiles.sslp"), run = At("run"), features = At("features.h5");
        Succeed(["tile", "--slides", slides, "--out", tiles, .. cut]);
        Succeed("pretrain", "--tiles", tiles, "--out", run, "--set", "max_steps=2", "--set", "batch_size=8", "--set", "input_size=32",
            "--set", "width=16");
        Assert.Equal(2, File.ReadLines(Path.Combine(run, "metrics.jsonl")).Count());
        Succeed("embed", "--encoder", Path.Combine(run, "encoder.safetensors"), "--tiles", tiles, "--out", features);
        FeatureTable table = FeatureFile.ReadHdf5(features);
        Assert.All(table.Values, value => Assert.True(float.IsFinite(value)));
        return table.Count;
    }

    private static JsonElement[] Audit(params string[] arguments) =>
        [.. Succeed(["audit", "--json", .. arguments]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];

    private static string Text(JsonElement record, string key) => record.GetProperty(key).ToString();

    private string At(string name) => Path.Combine(_root, name);

    private static Sslp.Result Succeed(params string[] arguments)
    {
        Sslp.Result result = Sslp.Run(arguments);
        Assert.True(result.ExitCode == 0,
            $"sslp {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}{result.Output}");
        return result;
    }
}
