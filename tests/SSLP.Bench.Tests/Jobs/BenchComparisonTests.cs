using System.Text.Json;
using SSLP.Bench.Jobs;
using SSLP.Data.Files;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Bench.Tests.Jobs;

public sealed class BenchComparisonTests : IDisposable
{
    private const string Machine = "EPYC, 2 cores, 2 threads, Vector512, .NET 10.0.0";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(104.9, true)]
    [InlineData(105.1, false)]
    [InlineData(50, true)]
    public void A_job_passes_up_to_the_tolerance(double afterMs, bool passes)
    {
        BenchComparison compared = Compare([Report("knn", 100)], [Report("knn", afterMs) with { Commit = "new" }]);
        Assert.Equal(passes, compared.Passes);
        BenchChange change = Assert.Single(compared.Jobs);
        Assert.Equal(afterMs - 100, change.ChangePercent, 1e-9);
        Assert.Equal(("old", "new"), (compared.Before, compared.After));
        if (!passes)
            Assert.Contains("1 of 1 jobs are slower by more than 5 %: knn (queries 8, rows 100, float32 on cpu) by 5.1 %",
                compared.Verdict(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_compared_is_named_and_closes_the_gate()
    {
        BenchReport here = Report("knn", 1);
        Refused([here, Report("loss", 1)], [here], "loss (queries 8, rows 100, float32 on cpu) is missing after");
        Refused([here], [Report("knn", 1, rows: 50)], "knn is of another shape: queries 8, rows 100");
        Refused([here], [here with { Dtype = "bfloat16" }], "bfloat16 on cpu after");
        Refused([here], [here with { Machine = "Xeon, 64 cores" }], "is of another machine: 'EPYC");
        Refused([here, here], [here], "is there 2 times before and 1 times after");
        Assert.True(BenchComparison.Of(Set(here), Set(here with { Machine = "Xeon, 64 cores" }), 5, anyMachine: true).Passes);
    }

    [Fact]
    public void What_changes_no_answer_is_a_note()
    {
        BenchComparison compared = Compare(
            [Report("knn", 1)], [Report("knn", 1) with { Machine = Machine.Replace("10.0.0", "10.0.1", StringComparison.Ordinal) },
                Report("loss", 1)]);
        Assert.True(compared.Passes);
        Assert.Contains(compared.Notes, note => note.Contains(".NET 10.0.1' after", StringComparison.Ordinal));
        Assert.Contains(compared.Notes, note => note.EndsWith("is new", StringComparison.Ordinal));
        Assert.Contains("both are of commit old", compared.Notes);
    }

    [Fact]
    public void Reports_are_read_from_a_file_a_list_and_a_folder()
    {
        string one = Write("a/knn.json", JsonSerializer.Serialize(Report("knn", 1), BenchJson.Default.BenchReport));
        Write("a/b/more.json", JsonSerializer.Serialize([Report("loss", 2), Report("augment", 3)], BenchJson.Default.BenchReportArray));
        Write("a/other.json", "{\"a\": 1}");
        Write("a/broken.json", "{");
        Assert.Equal("knn", Assert.Single(BenchReports.Read(one).Reports).Job);
        var all = BenchReports.Read(_folder.File("a/x")[..^2]);
        Assert.Equal(["augment", "knn", "loss"], all.Reports.Select(report => report.Job).Order(StringComparer.Ordinal));
        Assert.Equal(2, all.Notes.Count);
        Assert.Contains("is not there", Assert.Throws<Fault>(() => BenchReports.Read(_folder.File("none.json"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("holds no report", Assert.Throws<Fault>(() => BenchReports.Read(_folder.File("a/other.json"))).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Reports of before there were types and devices in them.</summary>
    [Fact]
    public void An_earlier_report_is_of_float32_on_the_cpu()
    {
        string earlier = Write("old.json", """
            {"job": "knn", "machine": "m", "commit": "c", "shape": {"rows": 3}, "ours_ms": 1, "floor_ms": 1, "share_of_floor": 1,
            "peak_bytes": 0, "baselines": [], "notes": []}
            """);
        BenchReport report = Assert.Single(BenchReports.Read(earlier).Reports);
        Assert.Equal(("cpu", "float32"), (report.Device, report.Dtype));
    }

    private static void Refused(BenchReport[] before, BenchReport[] after, string sentence)
    {
        BenchComparison compared = Compare(before, after);
        Assert.False(compared.Passes);
        Assert.Contains(sentence, compared.Verdict(), StringComparison.Ordinal);
    }

    private static BenchComparison Compare(BenchReport[] before, BenchReport[] after) =>
        BenchComparison.Of(Set(before), Set(after), 5, anyMachine: false);

    private static BenchReports Set(params BenchReport[] reports) => new(reports, []);

    private static BenchReport Report(string job, double ms, int rows = 100) => new(
        job, Machine, "old", new Dictionary<string, long> { ["queries"] = 8, ["rows"] = rows }, ms, 1, 1 / ms, 0, [], []);

    private string Write(string name, string text)
    {
        string file = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return file;
    }
}
