using System.CommandLine;
using System.Text.Json;
using SSLP.Bench.Jobs;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp bench</c>: ours beside what a user would pick instead, in one run.</summary>
internal static class BenchVerb
{
    // Sizes and switches that a job looks at; one that is given and not looked at is said.
    internal static readonly Dictionary<string, string[]> UsedBy = new()
    {
        ["knn"] = ["--queries", "--rows", "--width", "--k", "--device", "--dtype", "--library", "--rounds"],
        ["loss"] = ["--queries", "--rows", "--width", "--device", "--dtype", "--rounds"],
        ["sampling"] = ["--queries", "--rows", "--width", "--k", "--device", "--dtype", "--rounds"],
        ["kmeans"] = ["--rows", "--width", "--clusters", "--iterations", "--device", "--rounds"],
        ["augment"] = ["--queries", "--side", "--rounds"],
        ["loading"] = ["--slides", "--off-grid", "--half", "--rounds"],
        ["soak"] = ["--slides", "--batches", "--slide-count"],
        ["manifest"] = ["--rows", "--slide-count"],
        ["train"] = ["--queries", "--rows", "--width", "--side", "--slides", "--device", "--dtype", "--rounds"],
    };

    public static Command Create()
    {
        var defaults = new BenchOptions();
        var job = new Argument<string>("JOB") { Description = string.Join(" | ", BenchJobs.All.Keys) };
        job.AcceptOnlyFromAmong([.. BenchJobs.All.Keys]);
        Option<int?> queries = Own(
            "--queries", "queries or anchors of a call, B (256; 128 in sampling), batch (64 in train), patches (64 in augment)");
        Option<int> rows = Size("--rows", "rows of the bank, N; patches (train, manifest)", defaults.Rows);
        Option<int> width = Size("--width", "width of a row, D", defaults.Width);
        Option<int?> k = Own("--k", "nearest rows to a query (20 in knn), nearest keys and negatives (4096 in sampling)");
        Option<string> device = OneOf("--device", "where it is computed: cpu, or the kernels and libtorch of a CUDA device", "cpu", "cuda");
        Option<string> dtype = OneOf(
            "--dtype", "what is scored in (bfloat16 on cuda), or the backbone is trained in", "float32", "bfloat16");
        Option<int> clusters = Size("--clusters", "centres (kmeans)", defaults.Clusters);
        Option<int> iterations = Size("--iterations", "assignments (kmeans)", defaults.Iterations);
        Option<int> rounds = Size("--rounds", "timed rounds, 7 or more", defaults.Rounds);
        Option<string?> slides = new(
            "--slides")
        {
            Description = "a slide, or a folder of slides (loading, soak; train, in place of patches in memory)",
            HelpName = "DIR"
        };
        Option<int?> side = Own("--side", "side of the network's input, px (96 in train, 224 in augment)");
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
            job, queries, rows, width, k, device, dtype, clusters, iterations, rounds, slides, library, offGrid, half, side, batches,
            slideCount, json,
        };
        command.Add(BenchCompareVerb.Create());
        command.SetAction(parsed =>
        {
            using EngineContext context = ContextOptions.Open(parsed);
            string name = parsed.GetRequiredValue(job);
            WarnOfUnused(parsed, name, [queries, rows, width, k, device, dtype, clusters, iterations, rounds, slides, library, offGrid,
                half, side, batches, slideCount]);
            BenchReport report = BenchJobs.All[name](new BenchOptions
            {
                Queries = parsed.GetValue(queries) ?? 0,
                Rows = parsed.GetValue(rows),
                Width = parsed.GetValue(width),
                K = parsed.GetValue(k) ?? 0,
                Device = parsed.GetValue(device) == "cuda" ? DeviceKind.Cuda : DeviceKind.Cpu,
                Dtype = parsed.GetValue(dtype) == "bfloat16" ? Precision.BFloat16 : Precision.Float32,
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
                Side = parsed.GetValue(side) ?? 0,
                Half = parsed.GetValue(half),
            });
            Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(report, BenchJson.Default.BenchReport)
                : BenchTable.Text(report));
            return 0;
        });
        return command;
    }

    private static void WarnOfUnused(ParseResult parsed, string job, Option[] options)
    {
        string[] unused = [.. options.Where(option => parsed.GetResult(option) is { Implicit: false })
            .Select(option => option.Name).Except(UsedBy[job])];
        if (unused.Length > 0)
            Shell.Warn($"bench {job} does not look at {string.Join(", ", unused)}.");
    }

    private static Option<int> Size(string name, string what, int value)
    {
        Option<int> size = new(name) { Description = what, HelpName = "N", DefaultValueFactory = _ => value };
        size.Validators.Add(given => RefuseBelowOne(name, given));
        return size;
    }

    /// <summary>A size of which each job has its own default.</summary>
    private static Option<int?> Own(string name, string what)
    {
        Option<int?> size = new(name) { Description = what, HelpName = "N" };
        size.Validators.Add(given => RefuseBelowOne(name, given));
        return size;
    }

    private static void RefuseBelowOne(string name, System.CommandLine.Parsing.OptionResult given)
    {
        if (given.Tokens is [var token] && int.TryParse(token.Value, out int n) && n < 1)
            given.AddError($"{name} is {n}; it takes a whole number from 1 on.");
    }

    private static Option<string> OneOf(string name, string what, params string[] values)
    {
        Option<string> choice = new(name)
        {
            Description = what,
            HelpName = string.Join(" | ", values),
            DefaultValueFactory = _ => values[0],
        };
        choice.AcceptOnlyFromAmong(values);
        return choice;
    }
}
