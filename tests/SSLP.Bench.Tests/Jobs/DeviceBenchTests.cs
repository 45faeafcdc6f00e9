using SSLP.Bench.Jobs;
using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.Bench.Tests.Jobs;

/// <summary>The benches over a bank with the CUDA kernels, on a device that executes their texts on the host: each way once, for its
/// answer.</summary>
public sealed class DeviceBenchTests
{
    private static readonly BenchOptions Tiny = new()
    {
        Queries = 3,
        Rows = 70,
        Width = 16,
        K = 5,
        Clusters = 4,
        Iterations = 2,
        Threads = 1,
    };

    [Theory]
    [InlineData("knn", Precision.Float32)]
    [InlineData("knn", Precision.BFloat16)]
    [InlineData("loss", Precision.Float32)]
    [InlineData("sampling", Precision.Float32)]
    [InlineData("kmeans", Precision.Float32)]
    public void A_job_runs_on_a_device_beside_libtorch(string job, Precision dtype)
    {
        using var machine = new MachineDriver();
        double[] times = [];
        BenchReport report = BenchJobs.All[job](Tiny with
        {
            Device = DeviceKind.Cuda,
            Dtype = dtype,
            Driver = machine.Driver,
            Timer = ways => times = [.. ways.Select(way => way.Run())],
        });
        Assert.Equal(("cuda", dtype == Precision.BFloat16 ? "bfloat16" : "float32"), (report.Device, report.Dtype));
        Assert.True(times.Length > 1 && times.All(ms => ms > 0));
        Assert.Equal(times[0], report.OursMs);
        Assert.Contains(machine.Calls, call => call.Function == "cuLaunchKernel");
        Assert.Contains(report.Notes, note => note.Contains("the answer there", StringComparison.Ordinal));
        if (job == "knn" && dtype == Precision.Float32)
            Assert.Contains(report.Notes, note => note.StartsWith("15 of 15 rows", StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_job_has_no_kernel_for_is_refused_by_name()
    {
        Refused(Tiny with { Dtype = Precision.BFloat16 }, "knn", "--dtype bfloat16 takes --device cuda");
        Refused(Tiny with { K = 71 }, "knn", "--k is 71, but the bank has --rows 70");
        Refused(Tiny with { Device = DeviceKind.Cuda, Dtype = Precision.BFloat16 }, "kmeans", "leave --dtype away");
        Refused(Tiny with { Device = DeviceKind.Cuda }, "augment", "bench augment has no kernel on a device");
    }

    private static void Refused(BenchOptions options, string job, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<Fault>(() => BenchJobs.All[job](options)).Message, StringComparison.Ordinal);
}
