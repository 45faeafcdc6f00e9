using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using SSLP.Bench.Jobs;

namespace SSLP.Bench;

/// <summary>
/// The ways of one job under BenchmarkDotNet: the same scene and the same calls as <c>sslp bench</c> times, with BenchmarkDotNet's
/// statistics and count of allocations. Ways run one after the other here; <see cref="BenchRounds"/> runs them in turn.
/// </summary>
[MemoryDiagnoser]
public class WayBenchmark
{
    private const int TimedByThemselves = 9;

    // BenchmarkDotNet makes the instances; the job's ways are closures over its scene, in this process.
    private static IReadOnlyList<BenchWay> _ways = [];
    private BenchWay _chosen = new(string.Empty, () => 0);

    /// <summary>Names of the ways that BenchmarkDotNet can time.</summary>
    public static IEnumerable<string> Names => _ways.Where(way => !way.TimesItself).Select(way => way.Name);

    [ParamsSource(nameof(Names))]
    public string Way { get; set; } = string.Empty;

    [GlobalSetup]
    public void Choose() => _chosen = _ways.Single(way => way.Name == Way);

    [Benchmark]
    public double Run() => _chosen.Run();

    /// <summary>Medians in milliseconds, as a job asks for them.</summary>
    internal static IEnumerable<double> Medians(IReadOnlyList<BenchWay> ways)
    {
        _ways = ways;
        // In this process: a project that BenchmarkDotNet generates would not have libtorch beside it. Short, for a call takes 20 ms to
        // seconds.
        Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(3).WithIterationCount(9).WithIterationTime(TimeInterval.FromMilliseconds(200));
        Summary summary = BenchmarkRunner.Run<WayBenchmark>(DefaultConfig.Instance.AddJob(job));
        var medians = summary.Reports.ToDictionary(
            report => (string)report.BenchmarkCase.Parameters[nameof(Way)],
            report => (report.ResultStatistics?.Median ?? double.NaN) / 1e6);
        return ways.Select(way => way.TimesItself ? Own(way) : medians[way.Name]);
    }

    private static double Own(BenchWay way)
    {
        double[] times = [.. Enumerable.Range(0, TimedByThemselves).Select(_ => way.Run()).Order()];
        return times[TimedByThemselves / 2];
    }
}
