using System.Globalization;
using System.Text;
using SSLP.Data.Files;

namespace SSLP.Evaluation.Probes;

/// <summary>Probe results as text: aligned columns for a terminal, or Markdown.</summary>
public static class ProbeTable
{
    private static readonly string[] Heads = ["features", "probe", "setting", "accuracy", "balanced", "macro F1", "AUC",
        "test patches / slides"];

    /// <summary>A header, a rule and a line for every result; 95 % intervals in brackets, over patients or slides, or over patches where
    /// that is said.</summary>
    public static string Text(IReadOnlyList<ProbeResult> results)
    {
        string[][] rows = [Heads, .. results.Select(Cells)];
        int[] widths = [.. Enumerable.Range(0, Heads.Length).Select(column => rows.Max(row => row[column].Length))];
        StringBuilder text = new();
        foreach (string[] row in rows)
        {
            text.AppendJoin("  ", row.Select((cell, column) => cell.PadRight(widths[column])));
            while (text[^1] == ' ')
                text.Length--;
            text.Append('\n');
            if (ReferenceEquals(row, rows[0]))
                text.AppendJoin("  ", widths.Select(width => new string('-', width))).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A confusion matrix for every result: a line a true class, a column a predicted one.</summary>
    public static string Confusion(IReadOnlyList<ProbeResult> results)
    {
        StringBuilder text = new();
        foreach (ProbeResult r in results)
        {
            int first = r.Classes.Max(name => name.Length),
                width = Math.Max(first, r.Confusion.Max(row => row.Max()).ToString(CultureInfo.InvariantCulture).Length) + 2;
            text.Append('\n').Append($"{r.Probe} {r.Setting}: true class by line, found by column\n").Append(' ', first)
                .AppendJoin("", r.Classes.Select(name => name.PadLeft(width))).Append('\n');
            for (int truth = 0; truth < r.Classes.Count; truth++)
                text.Append(r.Classes[truth].PadRight(first))
                    .AppendJoin("", r.Confusion[truth].Select(count => count.ToString(CultureInfo.InvariantCulture).PadLeft(width)))
                    .Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The headings of <see cref="Cells"/>.</summary>
    public static IReadOnlyList<string> Headings => Heads;

    /// <summary>One result, cell by cell.</summary>
    public static string[] Cells(ProbeResult r) =>
        [r.Features, r.Probe, r.Setting, Format(r.Accuracy), Format(r.BalancedAccuracy), Format(r.MacroF1), r.Auc is null ? "–"
            : Format(r.Auc), Judged(r)];

    /// <summary>What the intervals rest on, said where it is not slides.</summary>
    private static string Judged(ProbeResult r) => r.Unit switch
    {
        "patches" => $"{Counted.Patches(r.TestPatches)}, not slides",
        "patients" => $"{r.TestPatches} / {r.TestSlides} of {r.TestUnits} patients",
        _ => $"{r.TestPatches} / {r.TestSlides}",
    };

    private static string Format(Estimate e) => e is { Low: double low, High: double high }
        ? string.Create(CultureInfo.InvariantCulture, $"{e.Value:0.000} [{low:0.000}, {high:0.000}]")
        : e.Value.ToString("0.000", CultureInfo.InvariantCulture);
}
