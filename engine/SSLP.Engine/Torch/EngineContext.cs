using SSLP.Data.Files;
using SSLP.Engine.Stages;
using SSLP.Interop.Cuda;
using SSLP.Interop.Slides;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Torch;

/// <summary>What a host chooses once for all that it does.</summary>
public sealed record EngineSettings
{
    /// <summary>CPU threads of the kernels and of libtorch; 0: one a processor.</summary>
    public int Threads { get; init; }

    /// <summary>Which implementation of the kernels.</summary>
    public KernelBackend Kernels { get; init; } = KernelBackend.Cpu;

    /// <summary>How the CUDA kernels score.</summary>
    public DeviceScores Scores { get; init; }

    /// <summary>Width of the CPU kernels' vectors; null: the widest that the processor accelerates. All give the same bits.</summary>
    public InstructionSet? Isa { get; init; }

    /// <summary>The CUDA driver that the kernels use; null: the system's.</summary>
    public CudaDriver? Driver { get; init; }

    /// <summary>Who decodes JPEG tiles.</summary>
    public JpegChoice Jpeg { get; init; }

    /// <summary>
    /// How often a waiting thread of libtorch's OpenMP looks before it sleeps (libgomp's GOMP_SPINCOUNT); null: libgomp's own number, some
    /// ten milliseconds' worth. Of meaning to the process's first context, on Linux: libgomp reads it once, when it loads.
    /// </summary>
    public int? WaitSpins { get; init; }

    /// <summary>The lib folder of a Python torch; empty: the build's own libtorch.</summary>
    public string Libtorch { get; init; } = string.Empty;

    /// <summary>A tool that is shown the stages of training and reading as ranges; null: none.</summary>
    public Nvtx? Nvtx { get; init; }

    /// <summary>Records the stages of training and reading; null: nobody does.</summary>
    internal StageRecorder? Recorder { get; init; }
}

/// <summary>
/// What a process shares, opened by its host: worker threads, kernels, slide caches and decoders, libtorch. Two of them in one process do
/// not disturb each other: what libtorch holds for the whole process, its thread count and its generator, is set where it is used and given
/// back.
/// </summary>
public sealed class EngineContext : IDisposable
{
    // libtorch has one default generator a process, and networks draw their first weights from it.
    private static readonly Lock Generator = new();

    private readonly IWorkers? _hosts;
    private readonly Lazy<WorkerPool> _workers;
    private readonly Lazy<SlideRuntime> _slides;

    /// <summary>Loads libtorch.</summary>
    /// <param name="settings">What the host chose.</param>
    /// <param name="workers">The host's own threads, which stay the host's; null: as many of the context's own as the settings say.</param>
    /// <exception cref="Fault">It does not load; or threads were asked for beside the host's, of another number.</exception>
    public EngineContext(EngineSettings? settings = null, IWorkers? workers = null)
    {
        Settings = settings ?? new();
        if (workers is not null && Settings.Threads != 0 && Settings.Threads != workers.Workers)
            throw new Fault(FaultKind.Usage, $"threads is {Settings.Threads}, but the host brings {workers.Workers}; give one of the two.");
        _hosts = workers;
        if (Settings.Threads is < 0 or > WorkerPool.MostWorkers)
            throw new Fault(FaultKind.Usage, $"threads is {Settings.Threads}; it takes a whole number from 0 to {WorkerPool.MostWorkers}.");
        if (Settings.WaitSpins is { } spins)
            OpenMp.SetSpins(spins);
        TorchRuntime.Load(Settings.Libtorch);
        _workers = new(() => new WorkerPool(Settings.Threads));
        Stages = StageWatch.Of(Settings.Recorder, Settings.Nvtx);
        _slides = new(() => OpenSlides(Settings.Jpeg, Stages));
    }

    /// <summary>What it was opened with.</summary>
    public EngineSettings Settings { get; }

    /// <summary>Who is told the stages of what this context does; null: nobody.</summary>
    internal StageWatch? Stages { get; }

    /// <summary>Threads of the kernels.</summary>
    public IWorkers Workers => _hosts ?? _workers.Value;

    /// <summary>Caches and decoders of slides.</summary>
    /// <exception cref="Fault">The JPEG decoder that was asked for is not on this machine.</exception>
    public SlideRuntime Slides => _slides.Value;

    /// <summary>What slides share, for work that needs no more of a context; the caller disposes it.</summary>
    /// <param name="jpeg">Who decodes JPEG tiles.</param>
    /// <param name="watch">Is told when tiles are decoded; null: nobody.</param>
    /// <exception cref="Fault">The decoder is not on this machine.</exception>
    public static SlideRuntime OpenSlides(JpegChoice jpeg, IReadWatch? watch = null)
    {
        try
        {
            return new SlideRuntime(new SlideRuntimeOptions { Jpeg = jpeg, Watch = watch });
        }
        catch (ArgumentException missing)
        {
            throw new Fault(FaultKind.Usage, missing.Message, missing);
        }
    }

    /// <summary>The kernels on this context's threads; the caller disposes them.</summary>
    /// <param name="note">Why kernels=auto took the CPU's, as a sentence for the user; null where it did not.</param>
    /// <param name="network">Where the network runs, and CUDA kernels with it; null: nowhere, or on the CPU.</param>
    /// <param name="isAlone">No other process trains with this one; several keep the bank on their CPUs.</param>
    /// <exception cref="Fault">CUDA kernels were asked for and cannot run here.</exception>
    public KernelSet OpenKernels(out string? note, Device? network = null, bool isAlone = true)
    {
        note = null;
        if (Settings.Kernels != KernelBackend.Auto)
            return Open(Settings.Kernels, network);
        (KernelSet? device, string? why) = isAlone ? TryDevice(network ?? CPU) : (null, "several processes keep the bank on their CPUs");
        if (device is not null)
            return device;
        note = $"kernels=auto takes the CPU's kernels: {why?.TrimEnd('.')}.";
        return Open(KernelBackend.Cpu, network);
    }

    /// <summary>The CUDA kernels where they can be had and are right; else why not.</summary>
    private (KernelSet? Kernels, string? Why) TryDevice(Device network)
    {
        if (!(Settings.Driver ?? CudaDriver.System).TryLoad(out string? reason))
            return (null, reason);
        KernelSet kernels;
        try
        {
            kernels = Open(KernelBackend.Cuda, network);
        }
        catch (Fault refused)
        {
            return (null, refused.Message);
        }

        string? wrong = KernelBridge.AreOn(kernels, network) ? DeviceSelfTest.Run(kernels) : $"the network runs on {network}";
        if (wrong is null)
            return (kernels, null);
        kernels.Dispose();
        return (null, wrong);
    }

    private KernelSet Open(KernelBackend backend, Device? network)
    {
        var options = new KernelOptions
        {
            Backend = backend,
            Scores = Settings.Scores,
            Isa = Settings.Isa,
            Device = network is null ? 0 : Devices.NumberOf(network),
        };
        try
        {
            return new KernelSet(options, Workers, Settings.Driver);
        }
        catch (Exception refused) when (refused is InvalidOperationException or ArgumentException)
        {
            throw new Fault(FaultKind.Device, refused.Message, refused);
        }
    }

    /// <summary>Whether the CUDA kernels compute what the CPU's do, on small fresh inputs; the driver compiles them for it.</summary>
    /// <param name="kernels">Of this context.</param>
    /// <returns>A sentence that names the operation, its kernels and what to do; null where they do, or were taken by kernels=auto, which
    /// has looked.</returns>
    internal string? KernelsAtFault(KernelSet kernels) =>
        Settings.Kernels == KernelBackend.Cuda && DeviceSelfTest.Run(kernels) is { } sentence ? $"{sentence} Take kernels=cpu." : null;

    /// <summary>From here on libtorch's operations run on as many threads as this context's kernels.</summary>
    public void Enter() => UseThreads(Workers);

    /// <summary>
    /// From here on libtorch's operations run on as many threads as these workers are. libtorch keeps one number a process, so whoever
    /// computes says its own first; a sum over other threads would have other bits.
    /// </summary>
    internal static void UseThreads(IWorkers workers)
    {
        if (get_num_threads() != workers.Workers)
            set_num_threads(workers.Workers);
    }

    /// <summary>Makes something that draws from libtorch's generator, as a function of the seed alone; the generator is then as it
    /// was.</summary>
    /// <param name="seed">Of the draws.</param>
    /// <param name="make">What draws.</param>
    public static T Seeded<T>(long seed, Func<T> make)
    {
        lock (Generator)
        {
            using Tensor before = random.get_rng_state();
            try
            {
                random.manual_seed(seed);
                return make();
            }
            finally
            {
                random.set_rng_state(before);
            }
        }
    }

    public void Dispose()
    {
        if (_slides.IsValueCreated)
            _slides.Value.Dispose();
        if (_workers.IsValueCreated)
            _workers.Value.Dispose();
    }
}
