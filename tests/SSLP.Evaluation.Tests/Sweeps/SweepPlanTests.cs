using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Evaluation.Sweeps;
using Xunit;

namespace SSLP.Evaluation.Tests.Sweeps;

public sealed class SweepPlanTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void The_built_in_sweep_has_all_methods_and_the_ablation()
    {
        var plan = SweepPlan.Read(null, []);
        Assert.Equal(Enum.GetValues<MethodKind>().Order(), plan.Entries.Where(e => e.Baseline == SweepBaseline.None)
            .Select(e => e.OptionsFor(1).Method).Distinct().Order());
        Assert.Equal(4, plan.Entries.Count(e => e.Baseline != SweepBaseline.None));
        Assert.Equal((0, 0), Weights(plan, "self"));
        Assert.Equal((1, 0), Weights(plan, "self+intra"));
        Assert.Equal(2, Options(plan, "radius-2").Radius);
        Assert.Equal([0, 3], plan.Entries.Where(e => e.Name.StartsWith("auxiliary", StringComparison.Ordinal))
            .Select(e => e.OptionsFor(1).AuxiliaryAnchors));
    }

    [Fact]
    public void A_row_wins_over_set_and_set_over_common()
    {
        File.WriteAllText(_file, "common: { radius: 4, width: 32, epochs: 7 }\nrows:\n  a: { radius: 2 }\n  b: { method: mocov2 }\n");
        var plan = SweepPlan.Read(_file, ["radius=5", "width=64"]);
        Assert.Equal((2, 64, 7), (Options(plan, "a").Radius, Options(plan, "a").Width, Options(plan, "a").Epochs));
        Assert.Equal((5, 0.2), (Options(plan, "b").Radius, Options(plan, "b").Temperature)); // the method's own default
        Assert.Equal(9, plan.Entries[0].OptionsFor(9).Seed);
    }

    [Theory]
    [InlineData("rows:\n  a: { radus: 2 }\n", "'radius'")]
    [InlineData("rows:\n  a: { radius: far }\n", "line 2")]
    [InlineData("rows:\n  a: { baseline: wisdom }\n", "'wisdom'")]
    [InlineData("rows:\n  a: { mpp: 1 }\n", "mpp cannot differ")]
    [InlineData("rows:\n  a: 3\n", "takes a mapping")]
    [InlineData("rows:\n  a/b: { radius: 2 }\n", "name of a folder")]
    [InlineData("row:\n  a: { radius: 2 }\n", "'row'")]
    [InlineData("common: { seed: 3 }\nrows:\n  a: {}\n", "--seeds")]
    [InlineData("", "no 'rows'")]
    [InlineData("rows: [", "no YAML")]
    public void A_fault_in_the_file_is_named(string yaml, string named)
    {
        File.WriteAllText(_file, yaml);
        Fault fault = Assert.Throws<Fault>(() => SweepPlan.Read(_file, []));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
        Assert.Equal(FaultKind.Usage, fault.Kind);
    }

    /// <summary>Those that nobody has run yet, too.</summary>
    [Fact]
    public void Committed_configurations_are_read_and_committed_rows_are_of_them()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "SSLP.Engine.sln")))
            root = Path.GetDirectoryName(root)!;
        string[] files = Directory.GetFiles(Path.Combine(root, "bench", "results", "quality"), "*.yaml");
        Assert.True(files.Length >= 5, string.Join(", ", files));
        foreach (string file in files)
        {
            var plan = SweepPlan.Read(file, []);
            var rows = new SweepRows(Path.Combine(Path.ChangeExtension(file, null), "rows.jsonl"));
            Assert.All(rows.All, row => // refused where its options are others
                Assert.Same(row, rows.Find(plan.Entries.Single(entry => entry.Name == row.Name), row.Seed ?? 0)));
        }
    }

    private static TrainingOptions Options(SweepPlan plan, string name) => plan.Entries.Single(e => e.Name == name).OptionsFor(1);

    private static (double, double) Weights(SweepPlan plan, string name) =>
        (Options(plan, name).IntraWeight, Options(plan, name).InterWeight);
}
