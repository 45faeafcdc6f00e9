using System.Text.Json;
using SSLP.Data.Files;

namespace SSLP.Bench.Jobs;

/// <summary>Reports of <c>sslp bench --json</c> as they lie on a disk.</summary>
/// <param name="Reports">In the order of their files' names.</param>
/// <param name="Notes">Files that hold none.</param>
public sealed record BenchReports(IReadOnlyList<BenchReport> Reports, IReadOnlyList<string> Notes)
{
    /// <summary>Their commits.</summary>
    public string Commits => string.Join(", ", Reports.Select(report => report.Commit).Distinct());

    /// <summary>Reads a file of one report or of a list, or every .json below a folder.</summary>
    /// <exception cref="Fault">There is no such path, or nothing at it is a report.</exception>
    public static BenchReports Read(string path)
    {
        bool isFolder = Directory.Exists(path);
        if (!isFolder && !File.Exists(path))
            throw new Fault(FaultKind.Input,
                $"'{path}' is not there; bench compare takes two files of 'sslp bench --json', or two folders.");
        string[] files = isFolder
            ? [.. Directory.EnumerateFiles(path, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)] : [path];
        var reports = new List<BenchReport>();
        var notes = new List<string>();
        foreach (string file in files)
        {
            if (ReadFile(file) is { Length: > 0 } some)
                reports.AddRange(some);
            else
                notes.Add($"left out: '{file}' is no report of sslp bench");
        }
        return reports.Count > 0 ? new(reports, notes)
            : throw new Fault(FaultKind.Input, $"'{path}' holds no report of 'sslp bench --json'.");
    }

    private static BenchReport[] ReadFile(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            using var text = JsonDocument.Parse(stream);
            BenchReport?[] read = text.RootElement.ValueKind == JsonValueKind.Array
                ? text.RootElement.Deserialize(BenchJson.Default.BenchReportArray) ?? []
                : [text.RootElement.Deserialize(BenchJson.Default.BenchReport)];
            return [.. read.OfType<BenchReport>().Where(IsWhole)];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>Fields that JSON left out are null here, whatever their types say.</summary>
    private static bool IsWhole(BenchReport report) =>
        report is { Job: not null, Machine: not null, Commit: not null, Shape: not null, OursMs: > 0 } && double.IsFinite(report.OursMs);
}
