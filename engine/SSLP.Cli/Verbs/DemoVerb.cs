using System.CommandLine;
using System.Diagnostics;
using SSLP.Engine.Evaluation;
using SSLP.Engine.Export;
using SSLP.Engine.Model;
using SSLP.Engine.Report;
using SSLP.Engine.Runtime;
using SSLP.Engine.Synth;
using SSLP.Engine.Tiling;
using SSLP.Engine.Training;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp demo</c>: synthetic slides → pretraining → probe against an untrained encoder → a page to look at.</summary>
internal static class DemoVerb
{
    private const int SlideCount = 8, Patch = 128;

    // Minutes, not days: small inputs, a head that starts spread (the plain linear one collapsed here), and a jitter that leaves a patch nearer to
    // itself than to its neighbours in colour.
    private static readonly TrainingOptions Training = new()
    {
        Epochs = 12,
        BatchSize = 64,
        InputSize = 32,
        Patch = Patch,
        Mpp = 0.5,
        Seed = 1,
        Head = HeadKind.LinearNorm,
        LearningRate = 0.03,
        Augment = AugmentOptions.Sslp with
        {
            CropArea = (0.4f, 1f),
            Brightness = 0.2f,
            Contrast = 0.2f,
            Saturation = 0.2f,
            Hue = 0.05f,
            Grayscale = 0.1f,
        },
    };

    public static Command Create()
    {
        var outFolder = Inputs.Out("folder for slides, run and report.html");
        var command = new Command("demo", "Slides in, encoder out, in a few minutes on two CPU cores: synth, pretrain, probe, report.") { outFolder };
        command.SetAction(parsed =>
        {
            long begun = Stopwatch.GetTimestamp();
            TorchRuntime.Load();
            string root = parsed.GetRequiredValue(outFolder), slides = Path.Combine(root, "slides");
            var run = new RunFolder(Path.Combine(root, "run"));

            Shell.Say($"1/4  {SlideCount} synthetic slides");
            SynthSlides.Write(slides, new SynthOptions { Slides = SlideCount, PatchSize = Patch }, cancel: Shell.Stop);

            Shell.Say("2/4  tissue, patch grid, pretraining");
            var cut = new TilingOptions { PatchSize = Patch, Mpp = Training.Mpp, ContactSheetFolder = run.Sheets };
            using (TileManifest manifest = SourceOptions.TileSlides(slides, cut))
            using (SlidePatches patches = SlidePatches.FromManifest(manifest))
                PretrainRun.Execute(Training, run, patches, resume: Directory.Exists(run.Checkpoints));

            Shell.Say("3/4  probes");
            using var points = SlidePatches.AtPoints(LabelledPoints.Read(Path.Combine(slides, SynthSlides.LabelsName)), slides, Patch, Training.Mpp);
            Findings found = Judge(run, points);
            Console.WriteLine(ProbeTable.Text(found.Probes));

            Shell.Say("4/4  report");
            ReportPage.Write(run.Report, Page(run, points, found));
            Shell.Say($"{run.Report} (made in {Stopwatch.GetElapsedTime(begun):m\\:ss})");
            return 0;
        });
        return command;
    }

    private sealed record Findings(FeatureTable Trained, FeatureTable Untrained, IReadOnlyList<ProbeResult> Probes);

    /// <summary>The same probes on the trained encoder, on one with the weights it started from, and on mean colour.</summary>
    private static Findings Judge(RunFolder run, IPatchSource points)
    {
        using var pool = new WorkerPool();
        Device device = Devices.Select(Training.Device);
        (ResNet trained, EncoderDescription described) = Embedder.Load(run.Encoder, device, new EncoderUse(), allowMismatch: false);
        FeatureTable Embed(ResNet backbone, string name) =>
            Embedder.Run(backbone, described.Preprocessing, points, device, pool, new CountLine($"patches, {name}", points.Table.Count), Shell.Stop)
                .Features.Named(name);
        using ResNet untrained = Embedder.Untrained(Training.Arch, Training.Seed, device);
        using (trained)
        {
            FeatureTable[] features = [Embed(trained, "sslp"), Embed(untrained, "untrained"), HandMadeFeatures.MeanColour(points, Shell.Stop)];
            var probes = new List<ProbeResult>();
            foreach (FeatureTable table in features)
            {
                var task = new ProbeTask(table, ProbeSplit.Of(table.Patches));
                probes.Add(LinearProbe.Logistic(task));
                probes.Add(KnnProbe.Run(task, [20])[0]);
            }
            return new Findings(features[0], features[1], probes);
        }
    }

    private static ReportInput Page(RunFolder run, IPatchSource points, Findings found)
    {
        RunRecord record = RunRecord.Load(run.RunJson);
        return new ReportInput
        {
            Title = "SSLP on synthetic slides",
            Facts =
            [
                new("patches", record.Source), new("method", record.Resolved["method"]), new("steps", record.Resolved["steps"]),
                new("input", $"{Training.InputSize} px, batch {Training.BatchSize}"), new("head", $"{Training.HeadOrDefault}"), new("seed", $"{Training.Seed}"),
                new("version", string.Join(", ", record.Versions.Select(v => $"{v.Key} {v.Value}"))),
            ],
            Steps = MetricsLog.Read(run.Metrics),
            Probes = found.Probes,
            Spread = [new("sslp", SpreadStatistics.Of(found.Trained)), new("untrained", SpreadStatistics.Of(found.Untrained))],
            Features = found.Trained,
            Patches = points,
            ContactSheets = [.. Directory.EnumerateFiles(run.Sheets, "*.png").Order(StringComparer.Ordinal)],
            RadiusPatches = Training.Radius,
            Seed = (int)Training.Seed,
        };
    }
}
