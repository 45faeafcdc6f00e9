using SSLP.Bench.Jobs;
using SSLP.Data.Synth;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Bench.Tests.Jobs;

/// <summary>The loading bench reads what synth writes, in every format; how fast, no test says.</summary>
[Collection(nameof(SoakBenchTests))]
public sealed class LoadingBenchTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(SynthFormat.Tiff, false, "Jpeg")]
    [InlineData(SynthFormat.Philips, false, "Jpeg")]
    [InlineData(SynthFormat.Jpeg2000, false, "Jpeg2000Rgb")]
    [InlineData(SynthFormat.Jpeg2000, true, "Jpeg2000Rgb")]
    public void Slides_of_every_format_are_read_beside_others(SynthFormat format, bool half, string compression)
    {
        string slides = _folder.File("slides/x")[..^2];
        SynthSlides.Write(slides, new() { Slides = 1, Size = 1600, Format = format });
        BenchReport report = LoadingBench.Run(new BenchOptions { Slides = slides, Half = half, Threads = 1, Rounds = 7 });
        Assert.True(report.Shape["patches"] > 0 && report.Shape["slides"] == 1);
        Assert.Equal(half ? 1 : 0, report.Shape["half"]);
        Assert.Contains($"in {compression} ", report.Notes[0], StringComparison.Ordinal);
        Assert.Contains(report.Baselines, baseline => baseline.Name.StartsWith("decoder, bare ", StringComparison.Ordinal));
        Assert.True(report.OursMs > 0 && report.FloorMs > 0);
        Assert.Equal(0, report.Measures!["allocated_bytes_per_batch"], 4096.0);
    }
}
