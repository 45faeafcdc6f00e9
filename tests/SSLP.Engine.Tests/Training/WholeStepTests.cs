using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Kernels;
using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>The whole training step with kernels=cuda: the embedded PTX on the machine, torch on the CPU.</summary>
public sealed class WholeStepTests(ITestOutputHelper output)
{
    /// <summary>What a fused sum rounds another way than a SIMD one grows with the steps; a rank that two kernels see swapped is a
    /// jump.</summary>
    private const double Tolerance = 1e-4;

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    public void Fifty_steps_have_the_losses_of_the_cpu_kernels(MethodKind method)
    {
        using var run = new MachineRun();
        TrainingOptions options = MachineRun.Small(method) with { LearningRate = double.Parse(Environment.GetEnvironmentVariable("LR") ?? "1e-5"), InputSize = int.Parse(Environment.GetEnvironmentVariable("IS") ?? "16") };
        IReadOnlyList<StepMetrics> expected = run.Train("cpu", options, KernelBackend.Cpu);
        IReadOnlyList<StepMetrics> actual = run.Train("cuda", options, KernelBackend.Cuda);
        output.WriteLine(DriverCounts.Of(run.Machine.Calls, actual.Count).ToString());
        Assert.Equal(50, actual.Count);
        double worst = 0;
        for (int i = 0; i < actual.Count; i++)
        {
            worst = Math.Max(worst, Math.Abs(expected[i].Loss - actual[i].Loss) / Math.Abs(expected[i].Loss));
            Assert.Equal((expected[i].SpatialSize, expected[i].NegativeSize), (actual[i].SpatialSize, actual[i].NegativeSize));
        }

        foreach (int i in (int[])[0, 1, 2, 3, 5, 8, 12, 16, 20, 30, 40, 49])
            output.WriteLine($"{expected[i].GradientNorm} {actual[i].GradientNorm} {i}: {expected[i].Loss} {actual[i].Loss} {Math.Abs(expected[i].Loss - actual[i].Loss) / expected[i].Loss:E1}");
        Assert.True(worst <= Tolerance, $"the losses differ by up to {worst:E2}");
        Assert.Null(run.Machine.Fault);
    }
}
