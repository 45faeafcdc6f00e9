using SSLP.Bench.Jobs;
using SSLP.Cli.Verbs;
using Xunit;

namespace SSLP.Cli.Tests;

public sealed class BenchVerbTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-bench-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_job_of_any_shape_gives_json_that_a_gate_compares()
    {
        string[] shape = ["--queries", "5", "--rows", "300", "--width", "24", "--k", "3", "--threads", "1", "--dtype", "float32",
            "--device", "cpu", "--clusters", "3"];
        Sslp.Result ran = Sslp.Run(["bench", "knn", .. shape, "--json"]);
        Assert.Equal(0, ran.ExitCode);
        Assert.Contains("warning: bench knn does not look at --clusters.", ran.Error, StringComparison.Ordinal);
        File.WriteAllText(At("a.json"), ran.Output);
        BenchReport report = Assert.Single(BenchReports.Read(At("a.json")).Reports);
        Assert.Equal([5, 300, 24, 3], report.Shape.Values);
        Assert.Equal(("cpu", "float32"), (report.Device, report.Dtype));

        Assert.Equal(0, Sslp.Run("bench", "compare", At("a.json"), At("a.json")).ExitCode);
        string slower = System.Text.RegularExpressions.Regex.Replace(
            ran.Output, "(\"ours_ms\": )[0-9.eE+-]+", FormattableString.Invariant($"${{1}}{report.OursMs * 1.2:R}"));
        File.WriteAllText(At("b.json"), slower);
        Sslp.Result refused = Sslp.Run("bench", "compare", At("a.json"), At("b.json"), "--tolerance", "5%");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("1 of 1 jobs are slower by more than 5 %: knn (queries 5, rows 300", refused.Fault, StringComparison.Ordinal);
        Assert.Contains("| slower |", refused.Output, StringComparison.Ordinal);
        Assert.Equal(0, Sslp.Run("bench", "compare", At("a.json"), At("b.json"), "--tolerance", "25%").ExitCode);
        Assert.Contains("it takes a percentage", Sslp.Run("bench", "compare", At("a.json"), At("b.json"), "--tolerance", "5").Fault,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "--rows is 0", "bench", "knn", "--rows", "0")]
    [InlineData(2, "--dtype bfloat16 takes --device cuda", "bench", "loss", "--rows", "100", "--dtype", "bfloat16")]
    [InlineData(2, "bench", "bench")]
    [InlineData(1, "is not there", "bench", "compare", "/nowhere/a.json", "/nowhere/b.json")]
    public void What_means_nothing_is_one_sentence(int code, string names, params string[] arguments)
    {
        Sslp.Result result = Sslp.Run(arguments);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(names, result.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_job_says_which_options_it_looks_at() => Assert.Equal(BenchJobs.All.Keys.Order(), BenchVerb.UsedBy.Keys.Order());

    private string At(string name) => Path.Combine(_root, name);
}
