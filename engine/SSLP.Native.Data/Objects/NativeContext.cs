using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Interop.Cuda;
using SSLP.Interop.Slides;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>
/// What a host opens first: threads, kernels, slide caches, its log and its allocator. Two of them know nothing of each other.
/// </summary>
internal sealed unsafe class NativeContext : NativeObject
{
    private readonly delegate* unmanaged[Cdecl]<void*, int, byte*, void> _log;
    private readonly void* _logUser;
    private readonly Lazy<KernelSet> _kernels;
    private readonly CudaDriver? _driver;
    private readonly Lock _logging = new();
    private readonly Lock _cancelling = new();
    private readonly HashSet<CancellationTokenSource> _running = [];
    private readonly Dictionary<Type, IDisposable> _parts = [];

    /// <param name="options">The host's.</param>
    /// <param name="driver">The CUDA driver; null: the system's.</param>
    public NativeContext(SslpContextOptions* options, CudaDriver? driver = null)
        : base("context", isExclusive: false)
    {
        _driver = driver;
        _log = options->Log;
        _logUser = options->LogUser;
        if (options->Allocate == null != (options->Release == null))
            throw new MisuseException(Status.Usage, "allocate and release go together: give both or neither.");
        Memory = new(options->Allocate, options->Release, options->MemoryUser);
        if (options->Threads is < 0 or > WorkerPool.MostWorkers)
            throw new Fault(FaultKind.Usage, $"threads is {options->Threads}; it takes a whole number from 0 to {WorkerPool.MostWorkers}.");
        if (options->ParallelFor != null && options->Threads < 1)
            throw new MisuseException(Status.Usage, "parallel_for needs threads: how many workers the host's own threads are.");
        Threads = options->Threads > 0 ? options->Threads : Environment.ProcessorCount;
        HostWorkers = options->ParallelFor == null ? null : new(options->ParallelFor, options->ParallelUser, Threads);
        Backend = options->Kernels switch
        {
            0 => KernelBackend.Cpu,
            1 => KernelBackend.Reference,
            2 => KernelBackend.Cuda,
            int other => throw new MisuseException(Status.Usage, $"kernels is {other}; it takes 0 (cpu), 1 (reference) or 2 (cuda)."),
        };
        if (options->Device < 0 || (options->Device > 0 && Backend != KernelBackend.Cuda))
            throw new MisuseException(Status.Usage,
                $"device is {options->Device}; it is the number of a CUDA device, of kernels 2 (cuda).");
        Device = options->Device;
        Scores = Abi.Choice<DeviceScores>(options->Scores, "scores");
        if (Scores != DeviceScores.Float32 && Backend != KernelBackend.Cuda)
            throw new MisuseException(Status.Usage, $"scores is {options->Scores}; it is of kernels 2 (cuda).");
        Libtorch = Abi.TextOrNull(options->Libtorch) ?? string.Empty;
        var runtime = new SlideRuntimeOptions();
        Slides = new(options->TileCacheBytes < 0 ? runtime : runtime with { TileCacheBytes = options->TileCacheBytes });
        _kernels = new(OpenKernels);
    }

    /// <summary>CPU threads, at least 1.</summary>
    public int Threads { get; }

    public KernelBackend Backend { get; }

    /// <summary>Number of the CUDA device.</summary>
    public int Device { get; }

    /// <summary>How the CUDA kernels score.</summary>
    public DeviceScores Scores { get; }

    /// <summary>The host's own threads; null where it brings none.</summary>
    public HostWorkers? HostWorkers { get; }

    /// <summary>The lib folder of a Python torch, or empty.</summary>
    public string Libtorch { get; }

    public HostMemory Memory { get; }

    public SlideRuntime Slides { get; }

    public KernelSet Kernels => _kernels.Value;

    /// <summary>The kernels' device, for a call on its memory.</summary>
    /// <exception cref="MisuseException">These kernels have none.</exception>
    public CudaComputeDevice OnDevice => Kernels.Compute ?? throw new MisuseException(Status.Usage,
        $"The call is on memory of a CUDA device, and this context's kernels are {Backend.ToString().ToLowerInvariant()}: "
        + $"open one with kernels 2 (cuda).");

    public override CurrentContext KeepCurrent() => Backend == KernelBackend.Cuda ? (_driver ?? CudaDriver.System).KeepCurrent() : default;

    /// <summary>The context of the kernels' device held once more, by what may outlive this; null where they have none.</summary>
    public CudaContext? RetainDevice() => Kernels.Compute is null ? null : CudaContext.Retain(Device, _driver);

    /// <summary>What a library above this one keeps with the context: made once, disposed with it.</summary>
    public T Part<T>(Func<T> make)
        where T : class, IDisposable
    {
        lock (_parts)
        {
            if (!_parts.TryGetValue(typeof(T), out IDisposable? part))
                _parts[typeof(T)] = part = make();
            return (T)part;
        }
    }

    /// <summary>Tells the host's log a sentence; nothing where it has none.</summary>
    public void Warn(string sentence)
    {
        if (_log == null)
            return;
        nint text = Marshal.StringToCoTaskMemUTF8(sentence);
        try
        {
            lock (_logging)
                _log(_logUser, 1, (byte*)text);
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    /// <summary>Work that <see cref="Cancel"/> ends.</summary>
    public T Cancellable<T>(Func<CancellationTokenSource, T> work)
    {
        using var stop = new CancellationTokenSource();
        lock (_cancelling)
            _running.Add(stop);
        try
        {
            return work(stop);
        }
        finally
        {
            lock (_cancelling)
                _running.Remove(stop);
        }
    }

    public override void Cancel()
    {
        lock (_cancelling)
        {
            foreach (CancellationTokenSource stop in _running)
                stop.Cancel();
        }
    }

    public override void Dispose()
    {
        foreach (IDisposable part in _parts.Values)
            part.Dispose();
        if (_kernels.IsValueCreated)
            _kernels.Value.Dispose();
        Slides.Dispose();
        Memory.FreeAll();
    }

    private KernelSet OpenKernels()
    {
        try
        {
            var asked = new KernelOptions { Backend = Backend, Threads = Threads, Device = Device, Scores = Scores };
            return new KernelSet(asked, HostWorkers, _driver);
        }
        catch (Exception refused) when (refused is InvalidOperationException or ArgumentException)
        {
            throw new Fault(FaultKind.Device, refused.Message, refused);
        }
    }
}
