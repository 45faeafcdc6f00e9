using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Kernels;
using SSLP.PtxMachine.Driver;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Training;

/// <summary>What a step that stays on the device asks of the driver, and what it does when something is wrong: on the PTX machine, torch
/// on the CPU.</summary>
public sealed class DeviceTrainingTests(ITestOutputHelper output)
{
    /// <summary>Copies above this are a batch's; all others are numbers.</summary>
    private const long SmallBytes = 64 << 10;

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    public void A_step_sends_its_batch_once_waits_for_nothing_and_launches_forty_kernels_at_most(MethodKind method)
    {
        // Pixels of 64 px: a batch is above what counts as small.
        TrainingOptions options = MachineRun.Small(method) with { MaxSteps = 12 };
        using var run = new MachineRun();
        using var source = new TestPatches(slides: 2, side: 8, patchSize: 64);
        var steps = new CallsOfSteps(run.Machine);
        run.Train("counted", options, KernelBackend.Cuda, source, progress: steps);
        Assert.Equal(12, steps.Calls.Count);
        output.WriteLine($"{method}: {DriverCounts.Of(steps.Calls[5], 1)}");
        DriverCounts together = DriverCounts.Of([.. steps.Calls.SelectMany(calls => calls)], 12);
        output.WriteLine($"with clusterings: {together}");
        // Here every fourth step has a clustering before it.
        Assert.InRange(together.Launches, 1, 40);
        for (int told = 0; told < 11; told++)
        {
            // A step is told of when the one two behind it is about to be enqueued: these are the calls of the one in between. Before the
            // first step of an epoch all are waited for and the bank is clustered, which is no part of a step.
            if (told % 4 is 3 or 0)
                continue;
            DriverCall[] calls = steps.Calls[told];
            DriverCall[] up = [.. calls.Where(call => call.Function == "cuMemcpyHtoDAsync_v2")];
            Assert.Equal(32 * 64 * 64 * 3, Assert.Single(up, call => call.Bytes > SmallBytes).Bytes);
            Assert.Equal(2, up.Length);
            Assert.Equal(StepReport.Bytes, Assert.Single(calls, call => call.Function == "cuMemcpyDtoHAsync_v2").Bytes);
            Assert.DoesNotContain(calls, call => call.Function is "cuStreamSynchronize" or "cuEventSynchronize" or "cuCtxSynchronize");
            Assert.InRange(calls.Count(call => call.Function == "cuLaunchKernel"), 1, 40);
        }
    }

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.MoCoV2)]
    public void A_run_that_was_stopped_goes_on_with_the_same_losses(MethodKind method)
    {
        TrainingOptions options = MachineRun.Small(method) with { MaxSteps = 11, LearningRate = 0.01 };
        using var run = new MachineRun();
        IReadOnlyList<StepMetrics> whole = run.Train("whole", options, KernelBackend.Cuda);
        using var stop = new CancellationTokenSource();
        run.Train("parts", options, KernelBackend.Cuda, progress: new At(6, stop.Cancel), stop: stop.Token);
        IReadOnlyList<StepMetrics> parts = run.Train("parts", options, KernelBackend.Cuda, resume: true);
        Assert.Equal(11, parts.Count);
        Assert.Equal(whole.Select(m => (m.Step, m.Loss, m.GradientNorm)), parts.Select(m => (m.Step, m.Loss, m.GradientNorm)));
    }

    /// <summary>Weights so large that the features' length overflows: the step's features are no numbers, and nothing before it is
    /// wrong.</summary>
    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.MoCoV2)]
    public void A_step_of_features_that_are_no_numbers_moves_nothing_and_can_be_replayed(MethodKind method)
    {
        using var run = new MachineRun();
        using var source = new TestPatches(slides: 2, side: 8, patchSize: 16);
        var settings = new EngineSettings { Threads = 1, Kernels = KernelBackend.Cuda, Driver = run.Machine.Driver };
        using var context = new EngineContext(settings);
        TrainingOptions options = MachineRun.Small(method) with { MaxSteps = 11, Kernels = KernelBackend.Cuda };
        using (var job = new PretrainJob(options, run.Folder("nan"), source, "test", resume: false, context: context))
        {
            byte[][] before = [];
            void Plant()
            {
                using (no_grad())
                    job.Method.Encoder.Head.named_parameters().First().parameter.fill_(3e38f);
                before = StateOf(job.Method);
            }

            // Told of the fifth step, the host is about to enqueue the seventh.
            run.Machine.ForgetCalls();
            Fault fault = Assert.Throws<Fault>(() => job.Run(new At(5, Plant), CancellationToken.None));
            Assert.Equal(FaultKind.Diverged, fault.Kind);
            Assert.Contains("Stopped before step 7", fault.Message, StringComparison.Ordinal);
            Assert.Equal(6, job.Trainer.StepsDone);
            // The ninth was not sent: the seventh and the eighth are what the device did after the sixth, for nothing.
            Assert.Equal(8, run.Machine.Calls.Count(call => call.Function == "cuMemcpyHtoDAsync_v2" && call.Bytes == 32 * 16 * 16 * 3));
            // One array at a time: arrays of arrays are compared as objects, byte by byte, and these have 45 MB.
            foreach ((byte[] was, byte[] stayed) in before.Zip(StateOf(job.Method)))
                Assert.Equal(was, stayed);
        }

        using var replay = new StepReplay(run.Folder("nan").Diverged);
        replay.Set(["kernels=cpu"]);
        Assert.NotNull(replay.Run(source).First);
    }

    /// <summary>
    /// The rows that thresholds are sampled from point one way and all others the opposite: the sample says nothing true of the bank, and
    /// the lists come out too long or too short for what was planned.
    /// </summary>
    [Fact]
    public void A_step_whose_lists_do_not_fit_is_done_again_with_what_its_report_says()
    {
        using var run = new MachineRun();
        using var source = new TestPatches(slides: 1, side: 67, patchSize: 16);
        IReadOnlyList<StepMetrics> expected = Misled(run, source, KernelBackend.Cpu), actual = Misled(run, source, KernelBackend.Cuda);
        foreach ((StepMetrics cpu, StepMetrics cuda) in expected.Zip(actual))
        {
            Assert.Equal(cpu.Loss, cuda.Loss, 1e-4 * Math.Abs(cpu.Loss));
            Assert.Equal((cpu.SpatialSize, cpu.NegativeSize), (cuda.SpatialSize, cuda.NegativeSize));
        }
        // The second step is enqueued when the first one's report is read: both are done again, once or twice.
        Assert.InRange(run.Machine.Calls.Count(call => call.Subject == "Kernel_ReportStep"), 4, 12);
    }

    private static IReadOnlyList<StepMetrics> Misled(MachineRun run, TestPatches source, KernelBackend backend)
    {
        const int sampled = 1024; // of as many rows as there are patches
        TrainingOptions options = MachineRun.Small(MethodKind.Sslp) with { MaxSteps = 2, BatchSize = 8, Kernels = backend };
        using var context = new EngineContext(new EngineSettings { Threads = 1, Kernels = backend, Driver = run.Machine.Driver });
        using (var job = new PretrainJob(options, run.Folder($"misled {backend}"), source, "test", resume: false, context: context))
        {
            MemoryBank bank = ((FusedObjective)((Sslp)job.Method).Objective).Bank;
            HashSet<int> sample = [.. Enumerable.Range(0, sampled).Select(s => (int)((long)s * bank.RowCount / sampled))];
            float[] row = new float[bank.Width];
            for (int i = 0; i < bank.RowCount; i++)
            {
                row[0] = sample.Contains(i) ? -1 : 1;
                bank.LoadRows(i, row);
            }

            run.Machine.ForgetCalls();
            job.Run(null, CancellationToken.None);
        }

        return MetricsLog.Read(run.Folder($"misled {backend}").Metrics);
    }

    private static byte[][] StateOf(Method method)
    {
        using DisposeScope scope = NewDisposeScope();
        return
        [
            .. method.Encoder.state_dict().Select(pair => pair.Value.contiguous().bytes.ToArray()),
            .. method is Sslp { Objective: FusedObjective fused }
                ? new[] { MemoryMarshal.AsBytes(RowsOf(fused.Bank).AsSpan()).ToArray() } : [],
        ];
    }

    private static float[] RowsOf(MemoryBank bank)
    {
        float[] rows = new float[bank.RowCount * bank.Width];
        bank.SaveRows(0, rows);
        return rows;
    }

    /// <summary>The driver's calls of each step.</summary>
    private sealed class CallsOfSteps(MachineDriver machine) : IProgress<StepMetrics>
    {
        public List<DriverCall[]> Calls { get; } = [];

        public void Report(StepMetrics value)
        {
            Calls.Add(machine.Calls);
            machine.ForgetCalls();
        }
    }

    private sealed class At(int step, Action action) : IProgress<StepMetrics>
    {
        public void Report(StepMetrics value)
        {
            if (value.Step == step)
                action();
        }
    }
}
