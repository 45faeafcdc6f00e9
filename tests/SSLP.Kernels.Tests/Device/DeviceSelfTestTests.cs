using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The test that training begins with on a device, on the PTX machine.</summary>
public sealed class DeviceSelfTestTests
{
    [Theory]
    [InlineData(DeviceScores.Float32)]
    [InlineData(DeviceScores.BFloat16)]
    public void Right_kernels_pass(DeviceScores scores) => Assert.Null(Run(text => text, scores));

    /// <summary>One word of one text is another: what a driver's compiler might make of it.</summary>
    [Theory]
    [InlineData("MeanClusters", "div.rn.f64", "mul.rn.f64", "k-means")]
    [InlineData("SumSlices", "add.rn.f32", "sub.rn.f32", "the bank step")]
    [InlineData("UpdateBank", "sqrt.rn.f32", "rcp.rn.f32", "the bank's update")]
    public void A_wrong_kernel_is_named(string kernel, string right, string wrong, string operation)
    {
        string? sentence = Run(text =>
        {
            if (!text.Contains($".entry Kernel_{kernel}(", StringComparison.Ordinal))
                return text;
            Assert.Contains(right, text, StringComparison.Ordinal);
            return text.Replace(right, wrong, StringComparison.Ordinal);
        });
        Assert.NotNull(sentence);
        Assert.Contains($" {operation} ", sentence, StringComparison.Ordinal);
        Assert.Contains(kernel, sentence, StringComparison.Ordinal);
    }

    private static string? Run(Func<string, string> edit, DeviceScores scores = DeviceScores.Float32)
    {
        using var machine = new MachineDriver(edit: edit);
        using var kernels = new KernelSet(
            new KernelOptions { Backend = KernelBackend.Cuda, Threads = 1, Scores = scores }, driver: machine.Driver);
        return DeviceSelfTest.Run(kernels);
    }
}
