using SSLP.Engine.Runs;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>Slides in, encoder out, through the command line: synth → tile → pretrain → resume → embed → probe → export.</summary>
public sealed class WholeJobTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-job-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Slides_in_encoder_out()
    {
        string slides = At("slides"), tiles = At("tiles.sslp"), run = At("run"), encoder = At("run/encoder.safetensors");
        Succeed("synth", "--out", slides, "--slides", "4", "--size", "640", "--patch", "64");
        Succeed("tile", "--slides", slides, "--out", tiles, "--patch", "64", "--mpp", "0.5", "--coordinates", At("coordinates"), "--pixels",
            At("pixels"));
        Assert.Equal(4, Directory.GetFiles(At("coordinates"), "*.h5").Length);
        Assert.Equal(4, Directory.GetFiles(At("tiles-sheets"), "*.png").Length);
        string[] options = ["--set", "batch_size=32", "--set", "input_size=16", "--set", "checkpoint_every=5", "--set", "probe_every=3",
            "--probe-labels", Path.Combine(slides, "labels.csv")];
        Succeed(["pretrain", "--tiles", tiles, "--out", run, "--set", "epochs=2", .. options]);
        IReadOnlyList<StepMetrics> steps = MetricsLog.Read(new RunFolder(run).Metrics);
        Assert.True(steps[^1].FeatureSize > 0 && steps[^1].SpatialSize > 0);
        Assert.All(steps, m => Assert.Equal(m.Step % 3 == 0, m.ProbeAccuracy is not null));
        Succeed(["pretrain", "--tiles", tiles, "--out", run, "--set", "epochs=2", "--resume", .. options]);

        string page = File.ReadAllText(new RunFolder(run).Report);
        Assert.Contains("The method's sets", page, StringComparison.Ordinal);
        Assert.Contains("kNN on slides held out", page, StringComparison.Ordinal);
        Assert.DoesNotContain("What the features are worth", page, StringComparison.Ordinal);
        Succeed("report", "--run", run, "--tiles", tiles, "--labels", Path.Combine(slides, "labels.csv"), "--out", At("judged.html"));
        page = File.ReadAllText(At("judged.html"));
        foreach (string heading in (string[])["What the features are worth", "Training", "The method's sets", "Feature maps of slides",
            "Map of patches"])
            Assert.Contains($"<h2>{heading}</h2>", page, StringComparison.Ordinal);
        Assert.Equal(2, Sslp.Run("report", "--run", run, "--slides", slides).ExitCode);

        Succeed("embed", "--encoder", encoder, "--tiles", tiles, "--out", At("features.h5"));
        FeatureTable features = FeatureFile.ReadHdf5(At("features.h5"));
        foreach (string[] same in (string[][])[["--patches", At("pixels")], ["--slides", slides, "--coordinates", At("coordinates")]])
        {
            Succeed(["embed", "--encoder", encoder, "--out", At("same.h5"), "--allow-mismatch", .. same]);
            Assert.Equal(features.Count, FeatureFile.ReadHdf5(At("same.h5")).Count);
        }
        Assert.Equal(512, features.Width);
        Assert.All(features.Values, v => Assert.True(float.IsFinite(v)));

        string json = Succeed("probe", "linear", "--encoder", encoder, "--slides", slides, "--labels", Path.Combine(slides, "labels.csv"),
            "--json").Output;
        ProbeResult[] results = ProbeJson.Read(json);
        Assert.Equal(4, results.Length); // learned by both ways, hand-made, both side by side
        Assert.All(results, r => Assert.InRange(r.Accuracy.Value, 0.0, 1.0));

        ProbeResult tuned = Assert.Single(ProbeJson.Read(Succeed(
            "probe", "finetune", "--encoder", encoder, "--slides", slides, "--labels", Path.Combine(slides, "labels.csv"), "--label-share",
            "0.1", "--epochs", "1", "--json").Output));
        Assert.Equal("labels=10% epochs=1", tuned.Setting);
        Assert.InRange(tuned.TrainPatches, 1, results[0].TrainPatches / 5);
        Assert.Equal(results[0].TestPatches, tuned.TestPatches);
        Assert.Equal(2, Sslp.Run("probe", "finetune", "--encoder", encoder, "--slides", slides, "--label-share", "2").ExitCode);

        Succeed("export", "--encoder", encoder, "--format", "safetensors", "--out", At("copy.safetensors"));
        Sslp.Result refused = Sslp.Run("embed", "--encoder", encoder, "--slides", slides, "--mpp", "1", "--out", At("g.h5"));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("--allow-mismatch", refused.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Libtorch_comes_from_another_folder_when_told()
    {
        string native = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native");
        Assert.SkipUnless(File.Exists(Path.Combine(native, "libtorch_cpu.so")), "needs the Linux libtorch of the build");
        string lib = Directory.CreateDirectory(At("torch/lib")).FullName;
        foreach (string file in Directory.GetFiles(native, "*.so*").Where(f => !f.Contains("LibTorchSharp", StringComparison.Ordinal)))
            File.CreateSymbolicLink(Path.Combine(lib, Path.GetFileName(file)), file);
        Sslp.Result doctor = Sslp.Run([("SSLP_LIBTORCH", lib)], "doctor");
        Assert.Equal(0, doctor.ExitCode);
        Assert.Contains(lib, doctor.Output.Replace("\n", string.Empty, StringComparison.Ordinal)
            .Replace(" ", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_root, name);

    private static Sslp.Result Succeed(params string[] arguments)
    {
        Sslp.Result result = Sslp.Run(arguments);
        Assert.True(result.ExitCode == 0, $"sslp {string.Join(' ', arguments)} ended with {result.ExitCode}: {result.Error}");
        return result;
    }
}
