using System.Globalization;
using System.Text;

namespace SSLP.Bench.Jobs;

/// <summary>One job in both.</summary>
/// <param name="Job">Its name.</param>
/// <param name="Shape">Sizes, type and device.</param>
/// <param name="BeforeMs">Our time before.</param>
/// <param name="AfterMs">Our time after.</param>
/// <param name="ChangePercent">How much more it takes; below 0 where it is faster.</param>
/// <param name="IsSlower">It takes more than the tolerance allows.</param>
public sealed record BenchChange(string Job, string Shape, double BeforeMs, double AfterMs, double ChangePercent, bool IsSlower);

/// <summary>
/// Is a job slower than it was? Reports of before and after, matched by job, shape, type and device. What cannot be compared is named, and
/// fails the gate as a slower job does: a job that is missing, one of another shape, times of another machine.
/// </summary>
/// <param name="Before">Commits of the reports before.</param>
/// <param name="After">Commits of the reports after.</param>
/// <param name="TolerancePercent">What a job may take more.</param>
/// <param name="Jobs">What was compared.</param>
/// <param name="Failures">Why the gate is closed besides slower jobs, a sentence each.</param>
/// <param name="Notes">What a reader must know and what fails nothing.</param>
public sealed record BenchComparison(
    string Before, string After, double TolerancePercent, IReadOnlyList<BenchChange> Jobs, IReadOnlyList<string> Failures,
    IReadOnlyList<string> Notes)
{
    /// <summary>Nothing is slower beyond the tolerance and nothing is missing.</summary>
    public bool Passes => Failures.Count == 0 && !Jobs.Any(job => job.IsSlower);

    /// <summary>Compares reports.</summary>
    /// <param name="before">Of the state that is to be held.</param>
    /// <param name="after">Of the state that is judged.</param>
    /// <param name="tolerancePercent">What a job may take more, ≥ 0.</param>
    /// <param name="anyMachine">Times of different machines are compared as if they were of one.</param>
    public static BenchComparison Of(BenchReports before, BenchReports after, double tolerancePercent, bool anyMachine)
    {
        var jobs = new List<BenchChange>();
        var failures = new List<string>();
        List<string> notes = [.. before.Notes, .. after.Notes];
        if (before.Commits == after.Commits)
            notes.Add($"both are of commit {before.Commits}");
        foreach (IGrouping<string, BenchReport> own in before.Reports.GroupBy(Key))
        {
            BenchReport[] then = [.. own], now = [.. after.Reports.Where(report => Key(report) == own.Key)];
            string name = Named(then[0]);
            if (now.Length == 0)
                failures.Add(Missing(then[0], after));
            else if (then.Length > 1 || now.Length > 1)
                failures.Add($"{name} is there {then.Length} times before and {now.Length} times after: which belong together?");
            else if (Processor(then[0]) != Processor(now[0]) && !anyMachine)
                failures.Add($"{name} is of another machine: '{then[0].Machine}' before, '{now[0].Machine}' after");
            else
            {
                if (then[0].Machine != now[0].Machine)
                    notes.Add($"{name}: '{then[0].Machine}' before, '{now[0].Machine}' after");
                double change = 100 * (now[0].OursMs / then[0].OursMs - 1);
                jobs.Add(new(then[0].Job, ShapeOf(then[0]), then[0].OursMs, now[0].OursMs, change, change > tolerancePercent));
            }
        }
        HashSet<string> known = [.. before.Reports.Select(Key)];
        notes.AddRange(after.Reports.Where(report => !known.Contains(Key(report))).Select(report => $"{Named(report)} is new"));
        return new(before.Commits, after.Commits, tolerancePercent, jobs, failures, notes);
    }

    /// <summary>The comparison as Markdown.</summary>
    public string Text()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"before: commit {Before}; after: commit {After}; tolerance {TolerancePercent:0.##} %");
        text.AppendLine();
        text.AppendLine("| job | shape | before, ms | after, ms | change | |");
        text.AppendLine("|---|---|---|---|---|---|");
        foreach (BenchChange job in Jobs)
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {job.Job} | {job.Shape} | {job.BeforeMs:F2} | {job.AfterMs:F2} | {job.ChangePercent:+0.0;-0.0;0.0} % | " +
                $"{(job.IsSlower ? "slower" : "")} |");
        text.AppendLine();
        foreach (string failure in Failures)
            text.AppendLine(CultureInfo.InvariantCulture, $"- not compared: {failure}");
        foreach (string note in Notes)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {note}");
        return text.ToString();
    }

    /// <summary>Why the gate is closed, as a sentence.</summary>
    public string Verdict()
    {
        string[] slower = [.. Jobs.Where(job => job.IsSlower).OrderByDescending(job => job.ChangePercent)
            .Select(job => string.Create(CultureInfo.InvariantCulture, $"{job.Job} ({job.Shape}) by {job.ChangePercent:0.0} %"))];
        string[] reasons =
        [
            .. slower.Length > 0
                ? [string.Create(CultureInfo.InvariantCulture,
                    $"{slower.Length} of {Jobs.Count} jobs are slower by more than {TolerancePercent:0.##} %: {string.Join(", ", slower)}")]
                : Array.Empty<string>(),
            .. Failures.Count > 0 ? [$"{Failures.Count} cannot be compared: {string.Join("; ", Failures)}"] : Array.Empty<string>(),
        ];
        return $"{string.Join(". ", reasons)}.";
    }

    private static string Missing(BenchReport report, BenchReports after)
    {
        string[] others = [.. after.Reports.Where(other => other.Job == report.Job).Select(ShapeOf)];
        return others.Length == 0 ? $"{Named(report)} is missing after"
            : $"{report.Job} is of another shape: {ShapeOf(report)} before, {string.Join(" and ", others)} after";
    }

    private static string Named(BenchReport report) => $"{report.Job} ({ShapeOf(report)})";

    private static string ShapeOf(BenchReport report) =>
        $"{string.Join(", ", report.Shape.Select(size => $"{size.Key} {size.Value}"))}, {report.Dtype} on {report.Device}";

    private static string Key(BenchReport report) =>
        $"{report.Job}|{string.Join('|', report.Shape.OrderBy(size => size.Key, StringComparer.Ordinal))}|{report.Dtype}|{report.Device}";

    /// <summary>A machine without the runtime's version, which may be newer and is a thing to know, not another machine.</summary>
    private static string Processor(BenchReport report) =>
        report.Machine.LastIndexOf(", .NET", StringComparison.Ordinal) is > 0 and int runtime ? report.Machine[..runtime] : report.Machine;
}
