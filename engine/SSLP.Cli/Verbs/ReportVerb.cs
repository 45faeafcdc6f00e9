using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Report;
using SSLP.Interop.Slides;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp report</c>: a run as one page to look at.</summary>
internal static class ReportVerb
{
    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "RUN, the folder of the run", HelpName = "RUN", Required = true };
        Option<string?> patches = Inputs.PatchesFolder();
        var tiles = new Option<string?>(
            "--tiles")
        { Description = "manifest of sslp tile; RUN/tiles.sslp where pretrain cut the slides itself", HelpName = "FILE" };
        var slides = new Option<string?>("--slides") { Description = "folder that the slides are in now", HelpName = "DIR" };
        var labels = new Option<string?>("--labels")
        {
            Description = "with slides: CSV of slide,x,y,label[,split] to judge by",
            HelpName = "CSV"
        };
        var outFile = new Option<string?>("--out") { Description = "the page; RUN/report.html if not given", HelpName = "FILE" };
        Option<bool> splitPatches = Inputs.SplitPatches(), sharedPatients = Inputs.SharedPatients();
        var command = new Command("report", "Write a run's report.html: curves, the method's sets, feature maps, probes; it opens offline.")
        {
            run, patches, tiles, slides, labels, splitPatches, sharedPatients, outFile,
        };
        var anonymity = new Anonymity();
        anonymity.AddTo(command);
        command.SetAction(parsed =>
        {
            var folder = new RunFolder(parsed.GetRequiredValue(run));
            string? manifestFile = parsed.GetValue(tiles)
                ?? (parsed.GetValue(patches) is null && File.Exists(folder.Tiles) ? folder.Tiles : null);
            if (parsed.GetValue(patches) is not null && (manifestFile ?? parsed.GetValue(slides) ?? parsed.GetValue(labels)) is not null)
                throw new Fault(FaultKind.Usage, "report takes --patches, or --tiles and --slides with --labels.");
            if (manifestFile is null && (parsed.GetValue(slides) ?? parsed.GetValue(labels)) is not null)
                throw new Fault(FaultKind.Usage,
                    $"'{folder.Tiles}' is not there: name the manifest that the run was trained on with --tiles.");
            using EngineContext context = ContextOptions.Open(parsed);
            string path = parsed.GetValue(outFile) is { } given ? Outputs.RequireFile(given, "--out") : folder.Report;
            var split = new ProbeSplitOptions(parsed.GetValue(splitPatches), parsed.GetValue(sharedPatients));
            anonymity.Begin(parsed, null, manifestFile);
            if (manifestFile is not null)
            {
                using var manifest = TileManifest.Open(manifestFile);
                WriteSlides(context.Slides, folder, manifest, parsed.GetValue(slides), parsed.GetValue(labels), path, split, anonymity);
            }
            else
            {
                using PatchFolder? source = parsed.GetValue(patches) is { } images
                    ? SourceOptions.OpenFolder(images, needsCoordinates: false, mpp: null) : null;
                Write(folder, source is null ? null : anonymity.Of(source), null, path, judge: true, split: split);
            }
            return 0;
        });
        return command;
    }

    /// <summary>Writes the page of a run and says where it is.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="patches">Its patches, or null.</param>
    /// <param name="judged">Labelled patches to judge by where they are others.</param>
    /// <param name="path">The page.</param>
    /// <param name="judge">Judge the features by probes.</param>
    /// <param name="title">The page's heading.</param>
    /// <param name="split">What the probes' sides may be.</param>
    /// <returns>What the page shows.</returns>
    public static ReportInput Write(RunFolder folder, IPatchSource? patches, IPatchSource? judged, string path, bool judge,
        string? title = null, ProbeSplitOptions? split = null)
    {
        using var report = new RunReport(folder, new RunReportOptions { Judge = judge, Split = split ?? new() }, Shell.Say, Shell.Stop);
        ReportInput input = report.Gather(
            title ?? $"Run {Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Root)))}", patches, judged);
        if (ReportPage.Write(path, input) is { } kept)
            Shell.Warn(kept);
        foreach (string note in input.Notes)
            Shell.Warn(note);
        Shell.Say($"report: {path}");
        return input;
    }

    /// <summary>The grid for sets and maps; for the probes a patch around each point, as probe cuts it.</summary>
    private static void WriteSlides(SlideRuntime runtime, RunFolder folder, TileManifest manifest, string? slides, string? labels,
        string path, ProbeSplitOptions split, Anonymity names)
    {
        using var grid = SlidePatches.FromManifest(manifest, slides, runtime: runtime);
        if (labels is null)
        {
            Write(folder, names.Of(grid), null, path, judge: true, split: split);
            return;
        }
        var points = LabelledPoints.Read(labels);
        string where = slides ?? Path.GetDirectoryName(manifest.Slides[0].Path)!;
        using var labelled = new LabelledGrid(grid, manifest, points);
        using var judged = SlidePatches.AtPoints(points, where, manifest.PatchSize, manifest.Mpp, upsample: true,
            runtime: runtime);
        Write(folder, names.Of(labelled), names.Of(judged), path, judge: true, split: split);
    }
}
