using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>The whole training step with kernels=cuda: the embedded PTX on the machine, torch on the CPU.</summary>
public sealed class WholeStepTests(ITestOutputHelper output)
{
    /// <summary>Relative, of a step whose F is the same.</summary>
    private const double Tolerance = 1e-4;

    /// <summary>
    /// Of a step where a near tie was decided otherwise: the views are made on the device, the same but for rounding (1e-6), and a row that
    /// is in F by as little as that may be out of it. One row in some 600 of a step, and few steps.
    /// </summary>
    private const double ToleranceOfTies = 1e-3;

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    public void Fifty_steps_have_the_losses_of_the_cpu_kernels(MethodKind method)
    {
        using var run = new MachineRun();
        TrainingOptions options = MachineRun.Small(method) with { MaxSteps = 50 };
        IReadOnlyList<StepMetrics> expected = run.Train("cpu", options, KernelBackend.Cpu);
        IReadOnlyList<StepMetrics> actual = run.Train("cuda", options, KernelBackend.Cuda);
        DriverCounts counts = DriverCounts.Of(run.Machine.Calls, actual.Count);
        output.WriteLine(counts.ToString());
        Assert.Equal(50, actual.Count);
        Assert.InRange(counts.Launches, 1, 40);
        Assert.Equal(
            expected.Select(m => (m.SpatialSize, m.NegativeSize)), actual.Select(m => (m.SpatialSize, m.NegativeSize)));
        int ties = 0;
        foreach ((StepMetrics cpu, StepMetrics cuda) in expected.Zip(actual))
        {
            double apart = Math.Abs(cpu.Loss - cuda.Loss) / Math.Abs(cpu.Loss);
            double rows = Math.Abs(cpu.FeatureSize - cuda.FeatureSize) * options.BatchSize;
            ties += rows > 0 ? 1 : 0;
            Assert.InRange(rows, 0, 2);
            Assert.True(apart <= (rows > 0 ? ToleranceOfTies : Tolerance), $"step {cpu.Step}: the losses differ by {apart:E2}");
        }
        Assert.InRange(ties, 0, 10);
        Assert.Null(run.Machine.Fault);
    }
}
