using System.Globalization;
using System.Text;
using SSLP.Evaluation.Sets;

namespace SSLP.Evaluation.Sweeps;

/// <summary>rows.jsonl → table.md: a line for every row of the plan that has a finished run, mean ± standard deviation over
/// seeds.</summary>
internal static class SweepTable
{
    private static readonly (string Heading, Func<SweepRow, double?> Of)[] Probes =
    [
        ("linear AUC", r => r.Linear?.Auc?.Value), ("linear balanced", r => r.Linear?.BalancedAccuracy.Value),
        ("linear accuracy", r => r.Linear?.Accuracy.Value), ("linear F1", r => r.Linear?.MacroF1.Value),
        ("kNN-20 AUC", r => r.Knn?.Auc?.Value), ("kNN-20 balanced", r => r.Knn?.BalancedAccuracy.Value),
        ("kNN-20 accuracy", r => r.Knn?.Accuracy.Value), ("kNN-20 F1", r => r.Knn?.MacroF1.Value),
    ];

    private static readonly (string Heading, Func<SweepRow, double?> Of)[] Sets =
    [
        ("own term", r => r.Ending?.Self), ("intra", r => OfSets(r)?.Intra), ("inter", r => OfSets(r)?.Inter),
        ("size of S", r => OfSets(r)?.SpatialSize),
        ("size of F", r => OfSets(r)?.FeatureSize), ("size of Q", r => r.Ending?.NegativeSize),
        ("F on other slides", r => OfSets(r)?.FeatureFromOtherSlides),
        ("purity of S", r => r.Purity?.Spatial), ("purity of F", r => r.Purity?.Feature), ("purity of Q", r => r.Purity?.Negatives),
        ("chance", r => r.Purity?.Chance), ("age of own row", r => r.Ages?.Own), ("age of S", r => r.Ages?.Spatial),
        ("young in S", r => r.Ages?.YoungSpatial),
    ];

    // Only SSLP has S and F; purities need labels of the patches that were trained on besides.
    private static SweepEnding? OfSets(SweepRow row) => row.Options.GetValueOrDefault("method") == "sslp" ? row.Ending : null;

    /// <param name="plan">Gives the order.</param>
    /// <param name="rows">Finished runs.</param>
    /// <param name="seeds">Asked for.</param>
    /// <param name="data">What was trained and judged on.</param>
    /// <param name="differences">Gives the paired table; null leaves it out.</param>
    public static string Markdown(
        SweepPlan plan, IReadOnlyList<SweepRow> rows, IReadOnlyList<int> seeds, string data, SweepDifferences? differences = null)
    {
        (SweepEntry Entry, SweepRow[] Runs)[] lines =
            [.. plan.Entries.Select(entry =>
                (entry, rows.Where(row => row.Name == entry.Name && (row.Seed is not int s || seeds.Contains(s))).ToArray()))
                .Where(line => line.Item2.Length > 0)];
        int wanted = plan.Entries.Sum(entry => entry.HasSeed ? seeds.Count : 1);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"{data}\n\n{lines.Sum(line => line.Runs.Length)} of {wanted} runs. {Whole(plan, rows, seeds)}" +
            $"Mean ± standard deviation over seeds. ");
        text.Append(CultureInfo.InvariantCulture,
            $"Set for all: {(plan.Common.Count > 0 ? string.Join(", ", plan.Common) : "nothing")}.\n\n");
        Append(text, lines, "minutes", Probes, r => r.Seconds / 60);
        if (differences is not null && Reference(plan) is { } reference)
            text.Append(differences.Markdown(
                reference, [.. lines.Select(line => (line.Entry, line.Runs.Where(run => run.Fault is null).ToArray()))]));
        text.Append("\nOwn term: self, or the one loss of a method that has no other. Losses and sizes are means over a run's last " +
            "steps; purities are shares of the anchor's class in the sets that the last bank gives; ages are steps since a bank row's " +
            "last update, of the order of the patches alone, and young rows those below a tenth of an epoch.\n\n");
        (SweepEntry Entry, SweepRow[] Runs)[] trained = [.. lines.Where(line => line.Entry.Baseline == SweepBaseline.None)];
        Append(text, trained, "steps", Sets, r => r.Steps);
        AppendPurities(text, trained);
        foreach (SweepRow failed in lines.SelectMany(line => line.Runs).Where(row => row.Fault is not null))
            text.Append(CultureInfo.InvariantCulture, $"\n{failed.Name}, seed {failed.Seed}: {failed.Fault}\n");
        return text.ToString();
    }

    /// <summary>Which seeds are in, where runs are left to do.</summary>
    private static string Whole(SweepPlan plan, IReadOnlyList<SweepRow> rows, IReadOnlyList<int> seeds)
    {
        SweepEntry[] seeded = [.. plan.Entries.Where(entry => entry.HasSeed)];
        (int Seed, int Done)[] done =
            [.. seeds.Select(seed => (seed, seeded.Count(entry => rows.Any(row => row.Name == entry.Name && row.Seed == seed))))];
        return done.All(each => each.Done == seeded.Length) ? string.Empty
            : $"Of {string.Join(", ", done.Select(each => $"seed {each.Seed} {Part(each.Done)}"))}. ";

        string Part(int count) => count == seeded.Length ? "all rows" : count == 0 ? "none" : $"{count} of {seeded.Length} rows";
    }

    /// <summary>F and Q at tenths of the run, mean over seeds; S is of the slides and does not change.</summary>
    private static void AppendPurities(StringBuilder text, (SweepEntry Entry, SweepRow[] Runs)[] lines)
    {
        (string Name, Func<SetPurity, double?> Of)[] sets = [("F", p => p.Feature), ("Q", p => p.Negatives)];
        string[] rows = [.. lines.SelectMany(line => sets.Select(set => Row(line.Entry, line.Runs, set.Name, set.Of))).OfType<string>()];
        if (rows.Length > 0)
            text.Append("\nPurity while training, mean over seeds, at tenths of the run; what S holds does not change.\n\n")
                .Append("| features | set | ")
                .AppendJoin(" | ", Enumerable.Range(1, PurityOverTraining.Most).Select(tenth => $"{10 * tenth} %"))
                .Append(" |\n|---|---|").Insert(text.Length, "---|", PurityOverTraining.Most).Append('\n').AppendJoin("", rows);

        static string? Row(SweepEntry entry, SweepRow[] runs, string name, Func<SetPurity, double?> of)
        {
            SweepRow[] good = [.. runs.Where(run => run.Fault is null)];
            double?[] means = [.. Enumerable.Range(1, PurityOverTraining.Most)
                .Select(tenth => good.Select(run => At(run, tenth)).Average())];
            return means.All(mean => mean is null) ? null : string.Create(CultureInfo.InvariantCulture,
                $"| {entry.Name} | {name} | {string.Join(" | ", means.Select(Number))} |\n");

            double? At(SweepRow run, int tenth) =>
                run.PurityOver?.FirstOrDefault(r => (long)r.Step * PurityOverTraining.Most / run.Steps == tenth) is { } reading
                    ? of(reading.Purity) : null;
        }

        static string Number(double? value) => value?.ToString("0.000", CultureInfo.InvariantCulture) ?? "–";
    }

    private static SweepEntry? Reference(SweepPlan plan) =>
        plan.Entries.FirstOrDefault(e => e.Name == "sslp") ?? plan.Entries.FirstOrDefault(e => e.Baseline == SweepBaseline.None);

    private static void Append(
        StringBuilder text, (SweepEntry Entry, SweepRow[] Runs)[] lines, string cost,
        (string Heading, Func<SweepRow, double?> Of)[] columns, Func<SweepRow, double> costOf)
    {
        text.Append("| features | seeds | ").AppendJoin(" | ", columns.Select(c => c.Heading)).Append($" | {cost} |\n");
        text.Append("|---|").Insert(text.Length, "---|", columns.Length + 2).Append('\n');
        foreach ((SweepEntry entry, SweepRow[] runs) in lines)
        {
            SweepRow[] good = [.. runs.Where(run => run.Fault is null)];
            string count = good.Length == runs.Length ? $"{good.Length}" : $"{good.Length}, {runs.Length - good.Length} failed";
            text.Append(CultureInfo.InvariantCulture, $"| {entry.Name} | {count} | ")
                .AppendJoin(" | ", columns.Select(c => Cell(good, c.Of)));
            text.Append(CultureInfo.InvariantCulture, $" | {(good.Length > 0 ? good.Average(costOf) : 0):0.#} |\n");
        }
    }

    private static string Cell(SweepRow[] runs, Func<SweepRow, double?> of)
    {
        double[] values = [.. runs.Select(of).OfType<double>()];
        if (values.Length == 0)
            return "–";
        double mean = values.Average();
        return values.Length == 1
            ? mean.ToString("0.000", CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture,
                $"{mean:0.000} ± {Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)):0.000}");
    }
}
