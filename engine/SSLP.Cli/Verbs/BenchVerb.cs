using System.CommandLine;
using System.Text.Json;
using SSLP.Bench.Jobs;
using SSLP.Engine.Torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp bench</c>: ours beside what a user would pick instead, in one run.</summary>
internal static class BenchVerb
{
    public static Command Create()
    {
        var defaults = new BenchOptions();
        var job = new Argument<string>("JOB") { Description = string.Join(" | ", BenchJobs.All.Keys) };
        job.AcceptOnlyFromAmong([.. BenchJobs.All.Keys]);
        Option<int?> queries = new("--queries")
        {
            Description = "queries or anchors of a call, B (128 in sampling, 64 in train, else 256)",
            HelpName = "N"
        };
        Option<int> rows = Size("--rows", "rows of the bank, N", defaults.Rows);
        Option<int> width = Size("--width", "width of a row, D", defaults.Width);
        Option<int?> k = new("--k")
        {
            Description = "nearest rows to a query (20 in knn), nearest keys and negatives (4096 in sampling)",
            HelpName = "N"
        };
        Option<int> clusters = Size("--clusters", "centres (kmeans)", defaults.Clusters);
        Option<int> iterations = Size("--iterations", "assignments (kmeans)", defaults.Iterations);
        Option<int> rounds = Size("--rounds", "timed rounds, 7 or more", defaults.Rounds);
        Option<string?> slides = new(
            "--slides")
        {
            Description = "a slide, or a folder of slides (loading, soak; train, in place of patches in memory)",
            HelpName = "DIR"
        };
        Option<int> side = Size("--side", "side of a patch and of the network's input, px (train)", defaults.Side);
        Option<int> batches = Size("--batches", "batches to read (soak)", defaults.Batches);
        Option<int> slideCount = Size("--slide-count", "slides to list, the folder's again and again (soak), or made up (manifest)",
            defaults.SlideCount);
        Option<string?> library = new("--library")
        {
            Description = "libsslp-data or libsslp: the same search through sslp.h besides (knn)",
            HelpName = "FILE",
        };
        Option<bool> offGrid = new("--off-grid") { Description = "patches across four tiles each (loading)" };
        Option<bool> half = new("--half") { Description = "patches at half the resolution of the finest level (loading)" };
        Option<bool> json = Inputs.Json();
        var command = new Command("bench", "Time a job beside what a user would pick instead, with the floor that this machine allows.")
        {
            job, queries, rows, width, k, clusters, iterations, rounds, slides, library, offGrid, half, side, batches, slideCount, json,
        };
        command.SetAction(parsed =>
        {
            using EngineContext context = ContextOptions.Open(parsed);
            string name = parsed.GetRequiredValue(job);
            bool sampling = name == "sampling";
            BenchReport report = BenchJobs.All[name](new BenchOptions
            {
                Queries = parsed.GetValue(queries) ?? (sampling ? 128 : name == "train" ? 64 : defaults.Queries),
                Rows = parsed.GetValue(rows),
                Width = parsed.GetValue(width),
                K = parsed.GetValue(k) ?? (sampling ? 4096 : defaults.K),
                Clusters = parsed.GetValue(clusters),
                Iterations = parsed.GetValue(iterations),
                Rounds = parsed.GetValue(rounds),
                Threads = context.Settings.Threads,
                SlideRuntime = new() { Jpeg = context.Settings.Jpeg },
                Slides = parsed.GetValue(slides),
                Library = parsed.GetValue(library),
                Batches = parsed.GetValue(batches),
                SlideCount = parsed.GetValue(slideCount),
                OffGrid = parsed.GetValue(offGrid),
                Side = parsed.GetValue(side),
                Half = parsed.GetValue(half),
            });
            Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(report, BenchJson.Default.BenchReport)
                : BenchTable.Text(report));
            return 0;
        });
        return command;
    }

    private static Option<int> Size(string name, string what, int value) =>
        new(name) { Description = what, HelpName = "N", DefaultValueFactory = _ => value };
}
