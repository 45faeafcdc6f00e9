using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Evaluation.Report;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Report;

/// <summary>What the report at a run's end allocates by rows of the bank, beside what the run's plan says of it.</summary>
public sealed class ReportMemoryTests : IDisposable
{
    // Slides of 32 × 32 patches.
    private const int Side = 32, FewSlides = 192, ManySlides = 768;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-report-memory-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Gathering_allocates_a_row_what_the_plan_says()
    {
        // Every row is a class of its own: the most classes that there can be, as planned.
        var options = new TrainingOptions
        {
            MaxSteps = 1,
            BatchSize = 8,
            InputSize = 16,
            Width = 8,
            Threads = 2,
            Negatives = 64,
            NearestKeys = 8,
            WatchEvery = 0,
        };
        (long few, long fewPlanned) = Gather(options, FewSlides);
        (long many, long manyPlanned) = Gather(options, ManySlides);
        // A slide has names, hashed three times, and 32 rows in the index: 4 kB, as many as one more number for each of its patches.
        long planned = manyPlanned - fewPlanned;
        Assert.InRange(many - few, planned, planned + (Side * Side * sizeof(int) * (ManySlides - FewSlides)));
    }

    /// <summary>A slide of more patches than are asked about is cut to a piece around its middle.</summary>
    [Fact]
    public void A_large_slide_is_shown_in_part()
    {
        var options = new TrainingOptions { MaxSteps = 1, BatchSize = 8, InputSize = 16, Width = 8, Threads = 2, WatchEvery = 0 };
        var folder = new RunFolder(Path.Combine(_root, "large"));
        using var source = new TestPatches(slides: 2, side: 9, patchSize: 16);
        using (var job = new PretrainJob(options, folder, source, "test", resume: false))
            job.Run(null, TestContext.Current.CancellationToken);
        using var report = new RunReport(folder, new RunReportOptions { MostPatches = 9, MostAnchors = 2, Judge = false });
        ReportInput input = report.Gather("t", source);
        PatchTable shown = input.Features!.Patches;
        Assert.Equal(9, shown.Count);
        // The 9 × 9 grid's middle one and the eight around it.
        Assert.All(Enumerable.Range(0, 9), i => Assert.Equal((3 + (i % 3), 3 + (i / 3)), (shown.Col[i], shown.Row[i])));
        Assert.Contains(input.Notes, note => note.Contains("around the middle of a slide with more than 9.", StringComparison.Ordinal));
    }

    /// <summary>Managed bytes that the gathering thread allocates, and what the plan says that the report holds of such memory.</summary>
    private (long Allocated, long Planned) Gather(TrainingOptions options, int slides)
    {
        var folder = new RunFolder(Path.Combine(_root, $"{slides}"));
        using var source = new TestPatches(slides, Side, patchSize: 16);
        using (var job = new PretrainJob(options, folder, source, "test", resume: false))
            job.Run(null, TestContext.Current.CancellationToken);
        var gathered = new RunReportOptions { MostPatches = Side * Side, MostAnchors = 16, Judge = false };
        using var report = new RunReport(folder, gathered);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ReportInput input = report.Gather("t", source);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(16, input.Sets!.Asked);
        Assert.Equal(Side * Side, input.Features!.Count); // one slide, whole
        long rows = source.Table.Count;
        var plan = RunPlan.Of(options, (int)rows, 16);
        // The labels of one clustering, the classes without what making them takes, the index, the ranks, and what only the report has.
        return (allocated, (Line("labels") / 2) + ((Line("rows by class") - (8 * rows)) / 2) + Line("spatial index")
            + Line("places of the drawn ranks") + Line("report at the end: 4·N"));

        long Line(string begins) => plan.Memory.Single(b => b.What.StartsWith(begins, StringComparison.Ordinal)).Bytes;
    }
}
