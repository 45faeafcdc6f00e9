using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Statistics;
using SSLP.Engine.Training;
using SSLP.Engine.Watch;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Watch;

public sealed class CollapseTests : IDisposable
{
    private const int Width = 16;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-collapse-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_collapsed_bank_has_rank_spread_entropy_and_gap_of_nothing()
    {
        float[] one = Rows(1, (_, _) => 1);
        var s = CollapseSigns.Of(
            new ComparedFeatures(Width, Repeat(one, 64), Repeat(one, 64), Repeat(one, 512), AreLearned: true,
                NegativeSampling.SemiHard, 0.2));
        Assert.Equal((1, 0, 0), (Math.Round(s.EffectiveRank, 6), Math.Round(s.Spread, 4), Math.Round(s.Gap, 4)));
        string? warning = Warn(s);
        Assert.Contains("spread is 0.000", warning);
        Assert.Contains("effective rank is 1.0 of 16", warning);
        Assert.Contains("head=linearnorm", warning);
    }

    [Fact]
    public void A_uniform_bank_is_healthy()
    {
        float[] features = Rows(64, (_, _) => 0), keys = Rows(512, (_, _) => 0, seed: 2);
        var s = CollapseSigns.Of(
            new ComparedFeatures(Width, features, features, keys, AreLearned: true, NegativeSampling.SemiHard, 0.2));
        Assert.InRange(s.EffectiveRank, 12, 16);
        Assert.InRange(s.Spread, 0.9, 1);
        Assert.InRange(s.NeighbourEntropy, 0.85, 1);
        // Unit vectors at random in 16 dimensions are about N(0, ¼) alike; the semi-hard ones lie 1.3 to 2.3 deviations up.
        Assert.InRange(s.Gap, 0.4, 0.7);
        Assert.Null(Warn(s));
    }

    [Fact]
    public void Two_clusters_are_spread_and_have_one_dimension()
    {
        float[] features = Rows(64, (row, d) => d == row % 2 ? 30 : 0), keys = Rows(512, (row, d) => d == row % 2 ? 30 : 0, seed: 2);
        var s = CollapseSigns.Of(new ComparedFeatures(Width, features, features, keys, AreLearned: true));
        Assert.InRange(s.EffectiveRank, 1, 2);
        Assert.True(s.Spread > new CollapseWatch(Options, 100).LeastSpread);
        string? warning = Warn(s);
        Assert.Contains("effective rank", warning);
        Assert.DoesNotContain("spread", warning);
    }

    [Fact]
    public void Keys_that_are_everyones_nearest_are_seen_once_the_bank_is_learned()
    {
        // All features lean to one side, and eight keys lie there.
        float[] features = Rows(64, (_, d) => d == 0 ? 3 : 0), keys = Rows(512, (row, d) => d == 0 ? (row < 8 ? 20 : -3) : 0, seed: 2);
        var s = CollapseSigns.Of(new ComparedFeatures(Width, features, features, keys, AreLearned: true));
        Assert.True(s.NeighbourEntropy < 0.5, $"{s.NeighbourEntropy}");
        Assert.Contains("everyone's nearest", Warn(s));
        Assert.Null(Warn(s, learned: false));
    }

    [Fact]
    public void Views_compared_with_each_other_leave_their_own_out()
    {
        float[] features = Rows(32, (_, _) => 0);
        var s = CollapseSigns.Of(new ComparedFeatures(Width, features, features, [], AreLearned: true));
        Assert.InRange(s.Gap, 0.9, 1.1); // 1 less the mean of all others
        Assert.True(s.NeighbourEntropy > 0.8);
    }

    [Fact]
    public void It_warns_once_for_a_stretch_and_not_for_a_moment()
    {
        var watch = new CollapseWatch(Options, totalSteps: 1000);
        CollapseSigns good = new(Width, 9, 0.8, 0.9, 0.3), bad = good with { Spread = 0.01 };
        Assert.All((int[])[10, 20], step => Assert.Null(watch.Add(step, bad, true)));
        Assert.Null(watch.Add(30, good, true));
        // three readings, but not 5 % of 1000 steps
        Assert.All((int[])[40, 50, 60, 70, 80], step => Assert.Null(watch.Add(step, bad, true)));
        Assert.False(watch.IsCollapsed);
        Assert.Contains("since step 40", watch.Add(90, bad, true));
        Assert.Null(watch.Add(100, bad, true));
        Assert.True(watch.IsCollapsed);
        Assert.Null(watch.Add(110, good, true));
        Assert.False(watch.IsCollapsed);
    }

    [Fact]
    public void What_is_not_a_number_is_bad() => Assert.Contains("effective rank", Warn(new CollapseSigns(Width, double.NaN, 1, 1, 1)));

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    [InlineData(MethodKind.Supervised)]
    public void Watching_changes_nothing_of_what_is_learned(MethodKind method)
    {
        TrainingOptions options = Options with { Method = method, MaxSteps = 8, ClusterEvery = 4 };
        IReadOnlyList<StepMetrics> with = Train("with", options with { WatchEvery = 2 }),
            without = Train("without", options with { WatchEvery = 0 });
        Assert.Equal(8, with.Count);
        Assert.Equal(without.Select(m => (m.Step, m.Loss)), with.Select(m => (m.Step, m.Loss)));
        bool compares = method != MethodKind.Supervised;
        Assert.All(with, m => Assert.Equal(compares && m.Step % 2 == 0, m.Spread is not null));
        Assert.All(without, m => Assert.Null(m.Spread));
    }

    [Fact]
    public void A_run_that_collapses_warns_and_stops_with_a_checkpoint_where_that_is_asked_for()
    {
        TrainingOptions options = Collapsing with { StopOnCollapse = true };
        Fault fault = Assert.Throws<Fault>(() => Train("stopped", options));
        Assert.Equal(FaultKind.Diverged, fault.Kind);
        IReadOnlyList<StepMetrics> steps = MetricsLog.Read(Folder("stopped").Metrics);
        Assert.Contains(steps[^1].Alarm!, fault.Message, StringComparison.Ordinal);
        Assert.EndsWith($"step-{steps[^1].Step:D9}.safetensors", Assert.Single(new Checkpoint(Folder("stopped"), 1).All()),
            StringComparison.Ordinal);
        // It goes on where it is told to, and does not warn of the same stretch again.
        IReadOnlyList<StepMetrics> all = Train("stopped", options with { StopOnCollapse = false }, resume: true);
        Assert.Equal(Collapsing.MaxSteps, all.Count);
        Assert.Single(all, m => m.Alarm is not null);
    }

    [Fact]
    public void A_healthy_run_does_not_warn()
    {
        IReadOnlyList<StepMetrics> steps = Train("healthy", Collapsing with { Head = HeadKind.LinearNorm, LearningRate = 0.03 });
        Assert.All(steps, m => Assert.Null(m.Alarm));
        Assert.Contains(steps, m => m.Spread > 0.3);
    }

    private static readonly TrainingOptions Options = new() { Epochs = 2, BatchSize = 8, InputSize = 16, Width = Width, Threads = 1 };

    private static readonly TrainingOptions Collapsing =
        new()
        {
            Epochs = 100,
            MaxSteps = 60,
            BatchSize = 16,
            InputSize = 16,
            Width = Width,
            Threads = 1,
            LearningRate = 0.3,
            WatchEvery = 5,
            KeepCheckpoints = 1
        };

    private static string? Warn(CollapseSigns signs, bool learned = true)
    {
        var watch = new CollapseWatch(Options, 10);
        Assert.Null(watch.Add(1, signs, learned));
        Assert.Null(watch.Add(2, signs, learned));
        return watch.Add(3, signs, learned);
    }

    /// <summary>Unit rows: Gaussian about a mean.</summary>
    private static float[] Rows(int count, Func<int, int, float> mean, int seed = 1)
    {
        Random random = new(seed);
        float[] rows = [.. Enumerable.Range(0, count * Width).Select(i =>
            mean(i / Width, i % Width)
            + (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
        for (int row = 0; row < count; row++)
        {
            Span<float> r = rows.AsSpan(row * Width, Width);
            System.Numerics.Tensors.TensorPrimitives.Divide(r, System.Numerics.Tensors.TensorPrimitives.Norm<float>(r), r);
        }
        return rows;
    }

    private static float[] Repeat(float[] row, int count) => [.. Enumerable.Repeat(row, count).SelectMany(r => r)];

    private IReadOnlyList<StepMetrics> Train(string name, TrainingOptions options, bool resume = false)
    {
        using IPatchSource source = new TestPatches(slides: 2, side: 8, patchSize: 16, labelled: true);
        using var job = new PretrainJob(options, Folder(name), source, "test", resume);
        job.Run(null, CancellationToken.None);
        return MetricsLog.Read(Folder(name).Metrics);
    }

    private RunFolder Folder(string name) => new(Path.Combine(_root, name));
}
