using System.Globalization;
using System.Text;
using SSLP.Engine.Options;
using SSLP.Evaluation.Probes;

namespace SSLP.Evaluation.Sweeps;

/// <summary>
/// Every row against one of them, and rows that differ in one option against each other, paired: by seed (Student's t over seeds) and by
/// patient or slide (bootstrap). A difference is called shown only where both intervals leave out zero; with one seed or
/// one unit there is no interval, and nothing is shown.
/// </summary>
/// <param name="judged">The scores of a row's run by a probe ("linear", "knn"); null where there are none.</param>
internal sealed class SweepDifferences(Func<SweepRow, string, JudgedPatches?> judged)
{
    // Student's t, two-sided 95 %, by degrees of freedom from 1.
    private static readonly double[] T =
        [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
            2.093, 2.086];

    /// <summary>The table, or nothing where fewer than two rows are judged.</summary>
    /// <param name="reference">What all others are taken from: the row 'sslp', else the first that is trained.</param>
    /// <param name="lines">Rows of the plan with their good runs, in its order.</param>
    public string Markdown(SweepEntry reference, IReadOnlyList<(SweepEntry Entry, SweepRow[] Runs)> lines)
    {
        (SweepEntry Entry, SweepRow[] Runs)[] others = [.. lines.Where(line => line.Entry != reference)];
        SweepRow[] ours = lines.FirstOrDefault(line => line.Entry == reference).Runs ?? [];
        var text = new StringBuilder();
        foreach ((SweepEntry entry, SweepRow[] runs) in others)
            Append(text, $"{reference.Name} − {entry.Name}", ours, runs);
        for (int later = 1; later < others.Length; later++)
            foreach ((SweepEntry entry, SweepRow[] runs) in others[..later].Where(line => DifferInOne(line.Entry, others[later].Entry)))
                Append(text, $"{others[later].Entry.Name} − {entry.Name}", others[later].Runs, runs);
        return text.Length == 0 ? string.Empty :
            $"""

            Differences of AUC, paired: in brackets the 95 % interval over seeds (Student's t), then over the judged patients or slides
            (bootstrap of both ways at once, mean over seeds).
            *Shown* is a difference whose two intervals leave out zero; what is not is not shown, whatever its mean.

            | difference | linear AUC | over seeds | over units | shown | kNN-20 AUC | over seeds | over units | shown |
            |---|---|---|---|---|---|---|---|---|
            {text}
            """;
    }

    private const string None = "–";

    private void Append(StringBuilder text, string name, SweepRow[] ours, SweepRow[] theirs)
    {
        string[] cells = [.. new[] { "linear", "knn" }.SelectMany(probe => Cells(ours, theirs, probe))];
        if (cells.Any(cell => cell != None))
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {string.Join(" | ", cells)} |\n");
    }

    // An ablation by one step: self + intra has one option other than self.
    private static bool DifferInOne(SweepEntry one, SweepEntry other)
    {
        if (one.Baseline != SweepBaseline.None || other.Baseline != SweepBaseline.None)
            return false;
        Dictionary<string, string> ours = OptionTable.ToText(one.OptionsFor(0)), theirs = OptionTable.ToText(other.OptionsFor(0));
        return one.OptionsFor(0).Method == other.OptionsFor(0).Method
            && ours.Count(option => theirs.GetValueOrDefault(option.Key) != option.Value) == 1;
    }

    private string[] Cells(SweepRow[] ours, SweepRow[] theirs, string probe)
    {
        (SweepRow One, SweepRow Other)[] pairs =
            [.. ours.SelectMany(one => theirs.Where(other => other.Seed is null || other.Seed == one.Seed).Select(other => (one, other)))];
        double[] differences = [.. pairs.Select(pair => Auc(pair.One, probe) - Auc(pair.Other, probe)).OfType<double>()];
        if (differences.Length == 0)
            return [None, None, None, None];
        double mean = differences.Average();
        Estimate seeds = OverSeeds(differences), units = OverUnits(pairs, probe) ?? new(mean, null, null);
        return [Signed(mean), Interval(seeds), Interval(units), LeavesOutZero(seeds) && LeavesOutZero(units) ? "yes" : "no"];
    }

    /// <summary>Mean and 95 % interval of a mean of differences.</summary>
    internal static Estimate OverSeeds(double[] differences)
    {
        double mean = differences.Average();
        if (differences.Length < 2)
            return new(mean, null, null);
        double deviation = Math.Sqrt(differences.Sum(d => (d - mean) * (d - mean)) / (differences.Length - 1));
        double half = (differences.Length - 1 <= T.Length ? T[differences.Length - 2] : 1.96) * deviation / Math.Sqrt(differences.Length);
        return new(mean, mean - half, mean + half);
    }

    private Estimate? OverUnits((SweepRow One, SweepRow Other)[] pairs, string probe)
    {
        List<(MetricScorer, MetricScorer)> scorers = [];
        string[]? units = null;
        foreach ((SweepRow one, SweepRow other) in pairs)
        {
            if (judged(one, probe) is not { } a || judged(other, probe) is not { } b
                || !a.Labels.AsSpan().SequenceEqual(b.Labels) || !a.Units.AsSpan().SequenceEqual(b.Units)
                    || (units ??= a.Units).Length != a.Units.Length)
                return null; // made before scores were kept, or not on the same patches
            scorers.Add((new(a.Labels, a.Scores, a.Classes), new(b.Labels, b.Scores, b.Classes)));
        }
        return units is null ? null : SlideBootstrap.AucDifference(scorers, units);
    }

    private static double? Auc(SweepRow row, string probe) => (probe == "linear" ? row.Linear : row.Knn)?.Auc?.Value;

    private static bool LeavesOutZero(Estimate e) => e is { Low: > 0 } or { High: < 0 };

    private static string Signed(double value) => value.ToString("+0.000;−0.000;0.000", CultureInfo.InvariantCulture);

    private static string Interval(Estimate e) => e is { Low: double low, High: double high } ? $"[{Signed(low)}, {Signed(high)}]" : None;
}
