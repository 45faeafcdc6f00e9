using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Report;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Probes;

/// <summary>A run with the online probe.</summary>
public sealed class ProbedRunTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-probed-").FullName;

    private static readonly TrainingOptions Small = new()
    {
        Epochs = 2,
        BatchSize = 8,
        InputSize = 16,
        Width = 16,
        Threads = 2,
        ProbeEvery = 2
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    [InlineData(MethodKind.Supervised)]
    public void Probing_changes_nothing_of_what_is_learned(MethodKind method)
    {
        IReadOnlyList<StepMetrics> with = Train("with", Small with { Method = method }),
            without = Train("without", Small with { Method = method, ProbeEvery = 0 });
        Assert.Equal(12, with.Count);
        Assert.Equal(without.Select(m => (m.Step, m.Loss, m.Self, m.Intra, m.Inter)),
            with.Select(m => (m.Step, m.Loss, m.Self, m.Intra, m.Inter)));
        // Network with its batch statistics, optimizer, bank and queue, to the bit.
        Assert.Equal(Checksum("without"), Checksum("with"));
        Assert.All(with, m => Assert.Equal(m.Step % 2 == 0, m.ProbeAccuracy is >= 0 and <= 1 && m.ProbeBalancedAccuracy is not null
            && m.ProbeAuc is not null && m.ProbeSeconds > 0));
        Assert.All(without, m => Assert.Null(m.ProbeAccuracy));
    }

    [Fact]
    public void A_resumed_run_goes_on_with_the_same_set()
    {
        IReadOnlyList<StepMetrics> whole = Train("whole", Small);
        var stop = new CancellationTokenSource();
        Train("parts", Small, stop: stop, stopAfter: 5);
        IReadOnlyList<StepMetrics> parts = Train("parts", Small, resume: true);
        Assert.Equal(whole.Select(m => (m.Step, m.ProbeAccuracy, m.ProbeBalancedAccuracy, m.ProbeAuc)),
            parts.Select(m => (m.Step, m.ProbeAccuracy, m.ProbeBalancedAccuracy, m.ProbeAuc)));
        Assert.Equal(RunRecord.Load(Folder("whole").RunJson).Resolved["probe"], RunRecord.Load(Folder("parts").RunJson).Resolved["probe"]);
    }

    [Fact]
    public void Readings_are_in_TensorBoard_and_on_the_page()
    {
        IReadOnlyList<StepMetrics> steps = Train("shown", Small);
        byte[] events = [.. Directory.EnumerateFiles(Folder("shown").TensorBoard).SelectMany(File.ReadAllBytes)];
        foreach (string tag in (string[])["probe/accuracy", "probe/balanced_accuracy", "probe/auc"])
            Assert.True(events.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(tag)) > 0, tag);
        Assert.Contains("kNN on slides held out", ReportPage.Compose(new ReportInput { Title = "t", Steps = steps }),
            StringComparison.Ordinal);
        Assert.DoesNotContain("kNN",
            ReportPage.Compose(new ReportInput { Title = "t", Steps = [.. steps.Select(m => m with { ProbeAccuracy = null })] }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_of_others_may_judge()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using var labelled = new TestPatches(slides: 5, side: 4, patchSize: 16, labelled: true);
        using var job = new PretrainJob(Small with { MaxSteps = 2 }, Folder("others"), source, "test", resume: false, labelled,
            OnlineProbe.Factory);
        Assert.NotNull(job.Run(null, CancellationToken.None).Last!.ProbeAccuracy);
    }

    [Fact]
    public void Asked_for_without_labels_it_is_refused_before_anything_is_written()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        Fault fault = Assert.Throws<Fault>(
            () => new PretrainJob(Small, Folder("bare"), source, "test", resume: false, makeProbe: OnlineProbe.Factory));
        Assert.Contains("probe_every", fault.Message, StringComparison.Ordinal);
        Assert.Contains("--probe-labels", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder("bare").Root));
    }

    [Fact]
    public void A_supervised_run_says_that_it_learns_the_labels_that_judge_it()
    {
        Train("supervised", Small with { Method = MethodKind.Supervised, MaxSteps = 2 });
        Assert.Contains("learns from", RunRecord.Load(Folder("supervised").RunJson).Resolved["probe"], StringComparison.Ordinal);
        Train("sslp", Small with { MaxSteps = 2 });
        Assert.DoesNotContain("learns from", RunRecord.Load(Folder("sslp").RunJson).Resolved["probe"], StringComparison.Ordinal);
    }

    private string Checksum(string name)
    {
        using SafetensorsFile file = new Checkpoint(Folder(name), 1).OpenNewest()!.Value.File;
        return file.Metadata[SafetensorsFile.ChecksumKey];
    }

    private IReadOnlyList<StepMetrics> Train(string name, TrainingOptions options, bool resume = false,
        CancellationTokenSource? stop = null, int stopAfter = 0)
    {
        using IPatchSource source = new TestPatches(slides: 3, side: 4, patchSize: 16, bad: [5], labelled: true);
        using var job = new PretrainJob(options, Folder(name), source, "test", resume, makeProbe: OnlineProbe.Factory);
        job.Run(stop is null ? null : new StopAfter(stopAfter, stop), stop?.Token ?? CancellationToken.None);
        return MetricsLog.Read(Folder(name).Metrics);
    }

    private RunFolder Folder(string name) => new(Path.Combine(_root, name));

    private sealed class StopAfter(int steps, CancellationTokenSource source) : IProgress<StepMetrics>
    {
        public void Report(StepMetrics value)
        {
            if (value.Step == steps)
                source.Cancel();
        }
    }
}
