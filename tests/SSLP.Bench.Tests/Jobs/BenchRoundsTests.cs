using SSLP.Bench.Jobs;
using Xunit;

namespace SSLP.Bench.Tests.Jobs;

public sealed class BenchRoundsTests
{
    /// <summary>BenchmarkDotNet's host is one: it gets the calls that rounds would time, and the report is made of its medians.</summary>
    [Fact]
    public void A_jobs_ways_go_to_another_timer_as_they_are()
    {
        string[] names = [];
        BenchReport report = BenchJobs.All["augment"](new BenchOptions
        {
            Timer = ways =>
            {
                names = [.. ways.Select(way => way.Name)];
                Assert.All(ways, way => Assert.True(way.Run() > 0));
                return ways.Select((_, i) => 2.0 * (i + 1));
            },
        });
        Assert.Equal("ours", names[0]);
        Assert.Equal(5, names.Length);
        Assert.Equal(2, report.OursMs);
        Assert.Equal(names[1..3], report.Baselines.Select(baseline => baseline.Name));
        Assert.Equal([4.0, 6.0], report.Baselines.Select(baseline => baseline.Ms));
        Assert.Equal([2.0, 3.0], report.Baselines.Select(baseline => baseline.Speedup));
    }
}
