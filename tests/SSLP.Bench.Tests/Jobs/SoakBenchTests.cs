using System.Globalization;
using SSLP.Bench.Jobs;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Bench.Tests.Jobs;

/// <summary>
/// Many batches of many slides. SSLP_SOAK_BATCHES sets how many batches (400 unless told; 10,000 take some minutes). Handles and memory are
/// the process's: no other test runs beside it.
/// </summary>
[CollectionDefinition(nameof(SoakBenchTests), DisableParallelization = true)]
public sealed class SoakBenchCollection;

/// <inheritdoc cref="SoakBenchCollection"/>
[Collection(nameof(SoakBenchTests))]
public sealed class SoakBenchTests : IDisposable
{
    /// <summary>What the system's allocator may keep or give back between two looks.</summary>
    private const double Slack = 48 << 20;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Memory_and_handles_stay_flat()
    {
        TestSlides.Ramp(_folder.File("a.tif"), 1100, 1100, 0.5);
        TestSlides.Stained(_folder.File("b.tif"), 1300, 100, 100, 900, 900);
        int batches = int.TryParse(Environment.GetEnvironmentVariable("SSLP_SOAK_BATCHES"), NumberStyles.None, CultureInfo.InvariantCulture,
            out int asked) ? asked : 400;
        BenchReport report = SoakBench.Run(new BenchOptions { Slides = _folder.Path, Batches = batches, SlideCount = 1000, Threads = 2 });
        Assert.Equal(1000, report.Shape["slides"]);
        Assert.Equal(0, report.Measures!["replaced_patches"]);
        Assert.InRange(report.Measures["resident_growth_bytes"], double.MinValue, Slack);
        // Two reading threads hold a slide each beyond the budget of open ones.
        Assert.All(report.Series!, row => Assert.InRange(row["open_slides"], 1, new SlideRuntimeOptions().OpenSlides + 2));
        // Handles of tests that ran before may still be closed by finalizers: only growth counts.
        double[] others = [.. report.Series!.Select(row => row["handles"] - row["open_slides"])];
        Assert.InRange(others[^(others.Length / 4)..].Max() - others[..(others.Length / 4)].Max(), double.MinValue, 8);
    }
}
