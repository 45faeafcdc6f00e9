using System.Globalization;
using System.Text;

namespace SSLP.Bench.Jobs;

/// <summary>A <see cref="BenchReport"/> as the Markdown table that is committed under bench/results.</summary>
public static class BenchTable
{
    public static string Text(BenchReport report)
    {
        var text = new StringBuilder();
        string shape = string.Join(", ", report.Shape.Select(size => $"{size.Key} {size.Value}"));
        text.AppendLine(CultureInfo.InvariantCulture, $"{report.Job}: {shape}, {report.Dtype} on {report.Device}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{report.Machine}; commit {report.Commit}");
        text.AppendLine();
        text.AppendLine("| way | ms | ours is faster by |");
        text.AppendLine("|---|---|---|");
        text.AppendLine(CultureInfo.InvariantCulture, $"| floor | {report.FloorMs:F2} | ({report.ShareOfFloor:P0} of it reached) |");
        text.AppendLine(CultureInfo.InvariantCulture, $"| ours | {report.OursMs:F2} | |");
        foreach (BenchBaseline baseline in report.Baselines)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {baseline.Name} | {baseline.Ms:F2} | {baseline.Speedup:F2}× |");
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Memory beyond the bank: at most {report.PeakBytes / 1048576.0:F1} MB.");
        if (report.Measures is { } measures)
            AppendTable(text, [measures]);
        if (report.Series is { } series)
            AppendTable(text, series);
        foreach (string note in report.Notes)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {note}");
        return text.ToString();
    }

    private static void AppendTable(StringBuilder text, IReadOnlyList<IReadOnlyDictionary<string, double>> rows)
    {
        string[] names = [.. rows[0].Keys];
        text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", names)} |");
        text.AppendLine(CultureInfo.InvariantCulture, $"|{string.Concat(names.Select(_ => "---|"))}");
        foreach (IReadOnlyDictionary<string, double> row in rows)
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {string.Join(" | ", names.Select(name => row[name].ToString("0.###", CultureInfo.InvariantCulture)))} |");
        text.AppendLine();
    }
}
