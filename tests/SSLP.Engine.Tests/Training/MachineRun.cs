using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Kernels;
using SSLP.PtxMachine.Driver;
using SSLP.Tests.Shared;

namespace SSLP.Engine.Tests.Training;

/// <summary>Training runs with the CUDA kernels on the PTX machine and torch on the CPU, and the same with the CPU's kernels.</summary>
internal sealed class MachineRun : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-machine-").FullName;

    public MachineRun(MachineDriver? machine = null) => Machine = machine ?? new MachineDriver();

    public MachineDriver Machine { get; }

    /// <summary>A small network, batch and bank: 128 patches of 16 px on two slides, 4 steps an epoch.</summary>
    public static TrainingOptions Small(MethodKind method) => TrainingOptions.DefaultsOf(method) with
    {
        Epochs = 100,
        MaxSteps = 50,
        BatchSize = 32,
        InputSize = 16,
        Width = 16,
        Threads = 1,
        Device = DeviceKind.Cpu,
        LearningRate = 1e-6,
        Temperature = 0.5,
        Clusters = 4,
        ClusterRuns = 2,
        Queue = 64,
        WatchEvery = 0,
        CheckpointMinutes = 0,
    };

    public RunFolder Folder(string name) => new(Path.Combine(_root, name));

    /// <summary>The lines of a run's metrics.</summary>
    public IReadOnlyList<StepMetrics> Train(
        string name, TrainingOptions options, KernelBackend backend, IPatchSource? patches = null, bool resume = false,
        IProgress<StepMetrics>? progress = null, CancellationToken stop = default)
    {
        using var own = new TestPatches(slides: 2, side: 8, patchSize: 16);
        using var context = new EngineContext(new EngineSettings { Threads = 1, Kernels = backend, Driver = Machine.Driver });
        TrainingOptions chosen = options with { Kernels = backend };
        using (var job = new PretrainJob(chosen, Folder(name), patches ?? own, "test", resume, context: context))
        {
            Machine.ForgetCalls();
            job.Run(progress, stop);
        }

        return MetricsLog.Read(Folder(name).Metrics);
    }

    public void Dispose()
    {
        Machine.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
