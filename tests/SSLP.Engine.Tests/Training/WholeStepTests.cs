using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Kernels;
using Xunit;

namespace SSLP.Engine.Tests.Training;

/// <summary>The whole training step with kernels=cuda: the embedded PTX on the machine, torch on the CPU.</summary>
public sealed class WholeStepTests(ITestOutputHelper output)
{
    /// <summary>
    /// A sum in another order differs by 1e-8 in the first loss, and a fresh network in training makes more of it in every step, whatever
    /// computes the kernels. The learning rate of these runs is small so that it is the kernels that are compared.
    /// </summary>
    private const double Tolerance = 1e-4;

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    public void Fifty_steps_have_the_losses_of_the_cpu_kernels(MethodKind method)
    {
        using var run = new MachineRun();
        TrainingOptions options = MachineRun.Small(method) with { MaxSteps = 50 };
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

        Assert.True(worst <= (method == MethodKind.Sslp ? 1e-3 : Tolerance), $"the losses differ by up to {worst:E2}");
        Assert.Null(run.Machine.Fault);
    }
}
