using SSLP.Data.Files;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Sweeps;
using Xunit;

namespace SSLP.Evaluation.Tests.Sweeps;

public sealed class SweepDifferencesTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void An_interval_over_seeds_is_Students()
    {
        Estimate three = SweepDifferences.OverSeeds([0.01, 0.02, 0.03]);
        Assert.Equal(0.02, three.Value, 12);
        Assert.Equal(0.02 - 4.303 * 0.01 / Math.Sqrt(3), three.Low!.Value, 9);
        Assert.Equal(0.02 + 4.303 * 0.01 / Math.Sqrt(3), three.High!.Value, 9);
        Assert.Null(SweepDifferences.OverSeeds([0.5]).Low);
    }

    [Fact]
    public void A_difference_over_units_is_paired()
    {
        // Ten patients of four patches; the one way ranks all of them right, the other is right on a random half.
        var random = new Random(1);
        int[] labels = [.. Enumerable.Range(0, 40).Select(i => i % 2)];
        string[] units = [.. Enumerable.Range(0, 40).Select(i => $"patient {i / 4}")];
        MetricScorer right = Scorer(labels, i => labels[i]),
            noisy = Scorer(labels, i => random.NextDouble() < 0.5 ? labels[i] : random.NextDouble());
        Estimate same = SlideBootstrap.AucDifference([(noisy, noisy)], units)!;
        Assert.Equal((0.0, 0.0, 0.0), (same.Value, same.Low!.Value, same.High!.Value));
        Estimate better = SlideBootstrap.AucDifference([(right, noisy)], units)!;
        Assert.Equal(right.Score().Auc!.Value - noisy.Score().Auc!.Value, better.Value, 12);
        Assert.True(better.Low > 0 && better.Low <= better.Value && better.Value <= better.High, better.ToString());
        Assert.Null(SlideBootstrap.AucDifference([(right, noisy)], [.. units.Select(_ => "one")])!.Low);
    }

    [Fact]
    public void Rows_that_differ_in_one_option_are_compared_besides_those_with_the_reference()
    {
        var plan = SweepPlan.Read(null, []);
        ProbeResult Scored(double auc) => new("p", "", "", "", 1, 1, 1, 1, new(auc, null, null), new(auc, null, null), new(auc, null, null),
            new(auc, null, null), [], []);
        (SweepEntry entry, SweepRow[])[] lines = plan.Entries.Select((entry, i) => (entry, new[] { 1, 2, 3 }.Select(seed => new SweepRow
        {
            Name = entry.Name,
            Seed = entry.HasSeed ? seed : null,
            Options = [],
            Method = "",
            FinishedUtc = DateTime.UnixEpoch,
            Version = "",
            Commit = "",
            Machine = "",
            Linear = Scored(0.01 * i),
        }).Take(entry.HasSeed ? 3 : 1).ToArray())).ToArray();
        string[] rows = [.. new SweepDifferences((_, _) => null).Markdown(plan.Entries.First(e => e.Name == "sslp"), lines).Split('\n')
            .Where(line => line.Contains('−') && line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Split('|')[1].Trim())];
        Assert.Equal(
            [.. plan.Entries.Where(e => e.Name != "sslp").Select(e => $"sslp − {e.Name}"), "self+intra − self",
                "auxiliary-3 − auxiliary-0", "negatives-hardest − negatives-random"], rows);
    }

    [Fact]
    public void Scores_come_back_as_they_were_written()
    {
        var judged = new JudgedPatches([0, 1, 2], ["a,b", "\"c\"", "d"], [0.1f, 1f / 3, float.Epsilon, 1, 2, 3, -1e-30f, 0, 7], 3);
        judged.Write(_file);
        JudgedPatches read = JudgedPatches.Read(_file)!;
        Assert.Equal((judged.Classes, true, true, true), (read.Classes, judged.Labels.SequenceEqual(read.Labels),
            judged.Units.SequenceEqual(read.Units), judged.Scores.SequenceEqual(read.Scores)));
        File.WriteAllText(_file, "label,unit,score_0\nno row");
        Assert.Contains("no scores", Assert.Throws<Fault>(() => JudgedPatches.Read(_file)).Message, StringComparison.Ordinal);
        Assert.Null(JudgedPatches.Read(_file + ".none"));
    }

    private static MetricScorer Scorer(int[] labels, Func<int, double> score) =>
        new(labels, [.. Enumerable.Range(0, labels.Length).SelectMany(i => new[] { 0f, (float)score(i) })], 2);
}
