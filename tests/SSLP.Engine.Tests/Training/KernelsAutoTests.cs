using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Kernels;
using SSLP.PtxMachine.Driver;
using SSLP.Tests.Shared;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Training;

/// <summary>kernels=auto: the CUDA kernels where they can have the network's device and are right there, else the CPU's and why.</summary>
public sealed class KernelsAutoTests
{
    [Fact]
    public void Right_kernels_on_the_network_s_device_are_taken_and_said_in_run_json()
    {
        using var run = new MachineRun();
        (RunRecord record, string? note, _) = Train(run, "auto");
        Assert.Null(note);
        Assert.Equal(("auto", "cuda"), (record.Option("kernels"), record.Result("kernels")));
        Assert.Equal(("cpu", "cpu"), (record.Option("device"), record.Result("device")));
        Assert.Contains(run.Machine.Calls, call => call.Subject == "Kernel_ReportStep");
    }

    [Fact]
    public void A_wrong_kernel_is_named_and_the_cpu_s_are_taken()
    {
        using var run = new MachineRun(new MachineDriver(edit: text =>
            text.Contains(".entry Kernel_MeanClusters(", StringComparison.Ordinal)
                ? text.Replace("div.rn.f64", "mul.rn.f64", StringComparison.Ordinal) : text));
        IReadOnlyList<StepMetrics> expected =
            run.Train("cpu", MachineRun.Small(MethodKind.Sslp) with { MaxSteps = 5 }, KernelBackend.Cpu);
        (RunRecord record, string? note, IReadOnlyList<StepMetrics> steps) = Train(run, "wrong");
        Assert.StartsWith(
            "kernels=auto takes the CPU's kernels: The CUDA kernels compute k-means otherwise", note, StringComparison.Ordinal);
        Assert.Contains("MeanClusters", note, StringComparison.Ordinal);
        Assert.Equal("cpu", record.Result("kernels"));
        Assert.Equal(expected.Select(m => m.Loss), steps.Select(m => m.Loss));
    }

    [Fact]
    public void A_network_elsewhere_and_several_processes_take_the_cpu_s_kernels()
    {
        // As a card, whose memory is not the host's.
        using var machine = new MachineDriver(isOnHost: false);
        using var context = new EngineContext(
            new EngineSettings { Threads = 1, Kernels = KernelBackend.Auto, Driver = machine.Driver });
        string? note;
        using (KernelSet apart = context.OpenKernels(out note, CPU))
            Assert.Equal(KernelBackend.Cpu, apart.Backend);
        Assert.Contains("the network runs on cpu", note, StringComparison.Ordinal);
        using (KernelSet together = context.OpenKernels(out note, new Device(TorchSharp.DeviceType.CUDA, 0)))
            Assert.Equal(KernelBackend.Cuda, together.Backend);
        Assert.Null(note);
        using (KernelSet second = context.OpenKernels(out note, new Device(TorchSharp.DeviceType.CUDA, 1)))
            Assert.Equal(KernelBackend.Cpu, second.Backend);
        Assert.Contains("CUDA device 1 was asked for; the driver has 1", note, StringComparison.Ordinal);
        using (KernelSet several = context.OpenKernels(out note, CPU, isAlone: false))
            Assert.Equal(KernelBackend.Cpu, several.Backend);
        Assert.Contains("several processes keep the bank on their CPUs", note, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_is_no_implementation() =>
        Assert.Contains("cpu, cuda or reference", Assert.Throws<ArgumentException>(() => new KernelSet(KernelBackend.Auto)).Message,
            StringComparison.Ordinal);

    private static (RunRecord Record, string? Note, IReadOnlyList<StepMetrics> Steps) Train(MachineRun run, string name)
    {
        TrainingOptions options = OptionTable.Set(
            MachineRun.Small(MethodKind.Sslp) with { MaxSteps = 5 }, "kernels", "auto", "a test");
        using var source = new TestPatches(slides: 2, side: 8, patchSize: 16);
        using var context = new EngineContext(options.Engine with { Driver = run.Machine.Driver });
        string? note;
        using (var job = new PretrainJob(options, run.Folder(name), source, "test", resume: false, context: context))
        {
            note = job.KernelsNote;
            Assert.Equal(note is null ? KernelBackend.Cuda : KernelBackend.Cpu, job.Kernels);
            job.Run(null, CancellationToken.None);
        }

        return (RunRecord.Load(run.Folder(name).RunJson), note, MetricsLog.Read(run.Folder(name).Metrics));
    }
}
