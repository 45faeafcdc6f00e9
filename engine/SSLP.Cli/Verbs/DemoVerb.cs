using System.CommandLine;
using System.Diagnostics;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Data.Synth;
using SSLP.Data.Tiling;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Report;
using SSLP.Kernels;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp demo</c>: synthetic slides → pretraining → probe against an untrained encoder → a page to look at.</summary>
internal static class DemoVerb
{
    private const int SlideCount = 8, Patch = 128;

    // Minutes, not days: small inputs, a head that starts spread (the plain linear one collapsed here), and a jitter that leaves a patch
    // nearer to itself than to its neighbours in colour.
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
        Option<string> outFolder = Inputs.Out("folder for slides, run and report.html");
        var command = new Command(
            "demo", "Slides in, encoder out, in a few minutes on two CPU cores: synth, pretrain, probe, report.") { outFolder };
        command.SetAction(parsed =>
        {
            long begun = Stopwatch.GetTimestamp();
            using EngineContext context = ContextOptions.Open(parsed);
            string root = Outputs.RequireFolder(parsed.GetRequiredValue(outFolder), "--out"), slides = Path.Combine(root, "slides");
            var run = new RunFolder(Path.Combine(root, "run"));

            Shell.Say($"1/4  {SlideCount} synthetic slides");
            SynthSlides.Write(
                slides, new SynthOptions { Slides = SlideCount, PatchSize = Patch }, threads: context.Workers.Workers, cancel: Shell.Stop);

            Shell.Say("2/4  tissue, patch grid, pretraining");
            var points = LabelledPoints.Read(Path.Combine(slides, SynthSlides.LabelsName));
            // The probes draw the same sides: nothing has seen what they judge, not even without its labels.
            HashSet<string> held = [.. ProbeSplit.Of(points.Table).Test.Select(points.Table.SlideName)];
            Shell.Say($"     {held.Count} slides are held out of pretraining to judge by: " +
                $"{string.Join(", ", held.Order(StringComparer.Ordinal))}");
            var cut = new TilingOptions { PatchSize = Patch, Mpp = Training.Mpp, ContactSheetFolder = run.Sheets };
            using TileManifest manifest = SourceOptions.TileSlides(
                slides, [.. SlideListing.List(slides).Where(slide => !held.Contains(slide.Name))], cut, context.Slides);
            manifest.Save(run.Tiles);
            using var patches = SlidePatches.FromManifest(manifest, runtime: context.Slides);
            PretrainRun.Execute(context, Training with { Threads = context.Settings.Threads, Kernels = context.Settings.Kernels }, run,
                patches, resume: Directory.Exists(run.Checkpoints));

            Shell.Say("3/4  probes, against an untrained network and colours");
            using var labelled = new LabelledGrid(patches, manifest, points);
            using var judged = SlidePatches.AtPoints(points, slides, Patch, Training.Mpp, runtime: context.Slides);
            ReportInput page = ReportVerb.Write(run, labelled, judged, run.Report, judge: true, title: "SSLP on synthetic slides");
            Console.WriteLine(ProbeTable.Text(page.Probes));

            Shell.Say($"4/4  {run.Report} (made in {Stopwatch.GetElapsedTime(begun):m\\:ss})");
            return 0;
        });
        return command;
    }
}
