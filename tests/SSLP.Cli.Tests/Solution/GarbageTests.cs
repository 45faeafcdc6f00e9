using System.Text.Json;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

public sealed class GarbageTests
{
    private const long MostBytes = 16 << 20;

    /// <summary>Whatever the processor's cache: a run's memory is to be the same on every machine.</summary>
    [Fact]
    public void The_program_lets_16_MB_of_garbage_accumulate_and_no_more()
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "sslp.runtimeconfig.json")));
        Assert.Equal(MostBytes, config.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties")
            .GetProperty("System.GC.Gen0MaxBudget").GetInt64());
    }

    /// <summary>The runtime knows the setting by that name: this process was started with it, too.</summary>
    [Fact]
    public void The_runtime_heeds_it()
    {
        IEnumerable<string> variables = Environment.GetEnvironmentVariables().Keys.Cast<string>();
        Assert.SkipWhen(variables.Any(name => name.Contains("_GC", StringComparison.Ordinal)),
            "a variable of the environment sets the collector otherwise: unset DOTNET_GC…");
        Assert.Equal(MostBytes, Convert.ToInt64(GC.GetConfigurationVariables()["GCGen0MaxBudget"]));
        int before = GC.CollectionCount(0);
        for (long bytes = 0; bytes < 4 * MostBytes; bytes += 40_000)
            GC.KeepAlive(new byte[40_000]);
        Assert.InRange(GC.CollectionCount(0) - before, 3, int.MaxValue);
    }
}
