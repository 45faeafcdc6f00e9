using SSLP.Bench.Jobs;
using Xunit;

namespace SSLP.Bench.Tests.Jobs;

public sealed class TrainBenchTests
{
    /// <summary>The names are a contract; how long a stage takes, no test says.</summary>
    [Fact]
    public void The_stages_of_a_step_are_measured_under_their_names()
    {
        BenchReport report = BenchJobs.All["train"](new BenchOptions
        {
            Queries = 8,
            Rows = 64,
            Side = 32,
            Width = 16,
            Threads = 1,
            Timer = ways =>
            {
                // Warm-ups are not looked at.
                for (int round = 0; round < 2; round++)
                    ways[0].Run();
                return ways.Select(way => way.Run());
            },
        });
        foreach (string stage in (string[])["wait for patches", "augment", "forward", "bank", "backward", "guard", "optimizer", "rest"])
            Assert.True(report.Measures![$"{stage}, ms a step"] > 0, stage);
        Assert.True(report.Measures!["readers' threads, read and decode, ms a step"] > 0);
        Assert.True(report.Measures["ranges a step"] > 8);
        Assert.Equal(16, report.Shape["width"]);
    }
}
