using System.Globalization;
using SSLP.Data.Files;
using SSLP.Engine.Runs;
using SSLP.Evaluation.Sweeps;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Sweeps;

public sealed class SweepRunnerTests : IDisposable
{
    private const string Rows = """
        common: { epochs: 2, batch_size: 8, input_size: 16, width: 16, threads: 1, checkpoint_every: 100 }
        rows:
          trained: { method: sslp, clusters: 2 }
          labels: { method: supervised }
          colour: { baseline: colour }
          first: { baseline: untrained }
        """;

    private static readonly int[] Seeds = [5, 6];

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-sweep-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_stop_in_the_middle_of_a_run_changes_no_row()
    {
        string rows = Rows.Replace("checkpoint_every: 100", "checkpoint_every: 1", StringComparison.Ordinal);
        IReadOnlyList<SweepRow> whole = Run("whole", Rows, [5]);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Run("parts", rows, [5], new StopAfter(9, stop)));
        int done = new SweepRows(Path.Combine(_root, "parts", "rows.jsonl")).All.Count;
        Assert.Equal(1, done); // 8 steps of the first row, then one of the second
        IReadOnlyList<SweepRow> parts = Run("parts", rows, [5]);
        Assert.Equal(4, whole.Count);
        Assert.Equal(whole.Select(Judged), parts.Select(Judged));
        Assert.False(Directory.Exists(Path.Combine(_root, "parts", "runs", "trained-5", "checkpoints")));
    }

    [Fact]
    public void A_row_says_what_was_run_and_what_came_out()
    {
        SweepRow row = Run("row", Rows, [5])[0];
        Assert.Equal(("sslp", "16", "5", 8), (row.Options["method"], row.Options["input_size"], row.Options["seed"], row.Steps));
        Assert.Contains("32 rows of 16", row.Method, StringComparison.Ordinal); // two of three slides: val is not trained on
        Assert.True(row.Seconds > 0 && row.Ending!.Self > 0 && row.Ending.SpatialSize > 2);
        Assert.Equal((32, 16), (row.Linear!.TrainPatches, row.Linear.TestPatches));
        Assert.Equal("k=20", row.Knn!.Setting);
        Assert.InRange(row.Purity!.Spatial!.Value, 0.5, 1);
    }

    [Fact]
    public void The_table_is_in_the_order_of_the_configuration_with_a_spread_over_seeds()
    {
        Assert.Equal(["trained 5", "labels 5", "colour ", "first 5", "trained 6", "labels 6", "first 6"],
            Run("table", Rows, Seeds).Select(r => $"{r.Name} {r.Seed}"));
        string[] lines = File.ReadAllLines(Path.Combine(_root, "table", "table.md"));
        Assert.Contains("7 of 7 runs", string.Join('\n', lines), StringComparison.Ordinal);
        string[] rows = [.. lines.Where(
            line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| features", StringComparison.Ordinal)
            && !line.StartsWith("| difference", StringComparison.Ordinal) && !line.Contains('−'))];
        Assert.Equal(["trained", "labels", "colour", "first", "trained", "labels", "trained", "trained"],
            rows.Select(line => line.Split('|')[1].Trim()));
        Assert.Contains("±", rows[0], StringComparison.Ordinal);
        Assert.DoesNotContain("±", rows[2], StringComparison.Ordinal);
        string[][] differences = [.. lines.Where(line => line.StartsWith("| trained −", StringComparison.Ordinal))
            .Select(line => line.Split(" | "))];
        Assert.Equal(["| trained − labels", "| trained − colour", "| trained − first"], differences.Select(cells => cells[0]));
        // Two seeds have an interval; one judged slide has none, so that nothing is shown.
        Assert.All(differences, cells =>
            Assert.True(cells[2].StartsWith('[') && cells[3] == "–" && cells[4] == "no", string.Join(" | ", cells)));
    }

    [Fact]
    public void A_table_of_some_seeds_says_which_are_in()
    {
        var plan = SweepPlan.Read(null, []);
        SweepRow[] rows = [.. plan.Entries.Where(e => e.HasSeed).Select(e => Done(e.Name, 1)), Done("sslp", 2), Done("self", 2)];
        Assert.Contains($"Of seed 1 all rows, seed 2 2 of {rows.Length - 2} rows, seed 3 none. Mean",
            SweepTable.Markdown(plan, rows, [1, 2, 3], ""), StringComparison.Ordinal);
        Assert.DoesNotContain("Of seed", SweepTable.Markdown(plan, rows, [1], ""), StringComparison.Ordinal);
    }

    [Fact]
    public void Purity_is_read_while_a_run_trains_and_a_stop_changes_no_reading()
    {
        const string One = "common: { epochs: 5, batch_size: 8, input_size: 16, width: 16, threads: 1 }\nrows:\n  sslp: { clusters: 2 }\n";
        SweepRow whole = Run("over", One, [5])[0];
        Assert.Equal(Enumerable.Range(1, 10).Select(tenth => 2 * tenth), whole.PurityOver!.Select(reading => reading.Step));
        Assert.Equal(whole.Purity, whole.PurityOver![^1].Purity);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Run("over-parts", One, [5], new StopAfter(7, stop)));
        Assert.Equal(whole.PurityOver, Run("over-parts", One, [5])[0].PurityOver!);
        Assert.Contains("| sslp | F | ", File.ReadAllText(Path.Combine(_root, "over", "table.md")), StringComparison.Ordinal);
        Assert.True(whole.Ages is { Own: > 1, Spatial: > 0, YoungSpatial: >= 0 }, $"{whole.Ages}");
    }

    [Fact]
    public void Sizes_of_the_sets_are_in_the_table_where_the_patches_have_no_labels()
    {
        SweepRow row = Run("sizes", Rows, [5])[0] with { Purity = null };
        var plan = SweepPlan.Read(Path.Combine(_root, "sizes.yaml"), []);
        string sets = SweepTable.Markdown(plan, [row], [5], "").Split("| size of S |")[1];
        Assert.Contains($"| {row.Ending!.SpatialSize.ToString("0.000", CultureInfo.InvariantCulture)} |", sets, StringComparison.Ordinal);
    }

    [Fact]
    public void A_finished_row_with_other_options_is_refused_with_the_difference()
    {
        Run("other", Rows, [5]);
        Fault fault = Assert.Throws<Fault>(() => Run("other", Rows.Replace("clusters: 2", "clusters: 3", StringComparison.Ordinal), [5]));
        Assert.Contains("clusters: 2 → 3", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_diverges_is_told_and_the_others_go_on()
    {
        IReadOnlyList<SweepRow> rows =
            Run("diverged", Rows.Replace("clusters: 2", "learning_rate: 100, weight_decay: 1, epochs: 9", StringComparison.Ordinal), [5]);
        Assert.Equal(4, rows.Count);
        Assert.Contains(" of 36 moved a weight: ", rows[0].Fault, StringComparison.Ordinal);
        Assert.Contains("trained, seed 5: Stopped before step ", File.ReadAllText(Path.Combine(_root, "diverged", "table.md")),
            StringComparison.Ordinal);
    }

    private static SweepRow Done(string name, int seed) => new()
    {
        Name = name,
        Seed = seed,
        Options = [],
        Method = name,
        FinishedUtc = DateTime.UnixEpoch,
        Version = "0",
        Commit = "0",
        Machine = "none",
    };

    private static (string, int?, int, double?, double, double, double?) Judged(SweepRow r) =>
        (r.Name, r.Seed, r.Steps, r.Ending?.Loss, r.Linear!.BalancedAccuracy.Value, r.Knn!.Auc!.Value, r.Purity?.Feature);

    private IReadOnlyList<SweepRow> Run(string name, string yaml, IReadOnlyList<int> seeds, StopAfter? stop = null)
    {
        string config = Path.Combine(_root, $"{name}.yaml"), folder = Path.Combine(_root, name);
        File.WriteAllText(config, yaml);
        using var source = new TestPatches(slides: 3, side: 4, patchSize: 16, labelled: true);
        new SweepRunner(SweepPlan.Read(config, []), SweepData.FromPatches(source), folder, _ => { }, _ => stop)
            .Run(seeds, stop?.Token ?? CancellationToken.None);
        return new SweepRows(Path.Combine(folder, "rows.jsonl")).All;
    }

    private sealed class StopAfter(int steps, CancellationTokenSource source) : IProgress<StepMetrics>
    {
        private int _seen;

        public CancellationToken Token => source.Token;

        public void Report(StepMetrics value)
        {
            if (++_seen == steps)
                source.Cancel();
        }
    }
}
