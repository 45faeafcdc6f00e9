using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>The implementations of the kernels.</summary>
public enum KernelBackend
{
    /// <summary>Plain loops in float64: the meaning of each kernel. For tests and for settling an argument; slow.</summary>
    Reference,

    /// <summary>SIMD on dedicated threads.</summary>
    Cpu,

    /// <summary>
    /// An NVIDIA device through its driver. Never chosen unasked: the kernels' texts are executed by tests on a machine of the PTX ISA, and
    /// have not been seen on a device.
    /// </summary>
    Cuda,

    /// <summary>
    /// The CUDA kernels where they can have the network's device and agree with the CPU's there, else the CPU's. A host resolves it before
    /// it opens a <see cref="KernelSet"/>.
    /// </summary>
    Auto,
}

/// <summary>Which implementation of the kernels, and on what.</summary>
public sealed record KernelOptions
{
    /// <summary>Which implementation.</summary>
    public KernelBackend Backend { get; init; } = KernelBackend.Cpu;

    /// <summary>CPU threads, the caller's included; 0: one a processor.</summary>
    public int Threads { get; init; }

    /// <summary>How the CUDA kernels score.</summary>
    public DeviceScores Scores { get; init; }

    /// <summary>Width of the CPU kernels' vectors; null: the widest that the processor accelerates. All give the same bits.</summary>
    public InstructionSet? Isa { get; init; }

    /// <summary>Number of the CUDA device, as libtorch counts; of no meaning to the others.</summary>
    public int Device { get; init; }
}

/// <summary>One implementation of every kernel behind one choice, with the threads they run on.</summary>
public sealed class KernelSet : IDisposable
{
    private readonly CudaComputeDevice? _device;
    private readonly DeviceScores _scores;
    private readonly InstructionSet _isa;
    private readonly WorkerPool? _own;

    /// <param name="backend">Which implementation.</param>
    /// <param name="threads">CPU threads; 0: one a processor.</param>
    public KernelSet(KernelBackend backend, int threads = 0)
        : this(new KernelOptions { Backend = backend, Threads = threads })
    {
    }

    /// <param name="options">Which implementation, and on what.</param>
    /// <param name="pool">Threads of the CPU's kernels, which stay the caller's; null: its own, as many as the options say.</param>
    /// <param name="driver">The CUDA driver; null: the system's.</param>
    /// <exception cref="InvalidOperationException">CUDA was asked for and there is none; the message says why.</exception>
    /// <exception cref="ArgumentException">Scores that the device cannot make; or auto, which is no implementation.</exception>
    public KernelSet(KernelOptions options, IWorkers? pool = null, CudaDriver? driver = null)
    {
        if (options.Backend == KernelBackend.Auto)
            throw new ArgumentException("kernels is 'auto', which a host resolves first. Take cpu, cuda or reference.");
        Backend = options.Backend;
        _isa = options.Isa ?? InstructionSets.Best;
        if (Backend == KernelBackend.Cuda)
        {
            if (!(driver ?? CudaDriver.System).TryLoad(out string? reason))
                throw new InvalidOperationException(
                    $"kernels is 'cuda', but the CUDA kernels cannot run here: {reason}. Use cpu or reference.");
            _scores = options.Scores;
            _device = new CudaComputeDevice(options.Device, driver);
            DeviceScoresChoice.Require(_scores, _device.Device);
        }

        Pool = pool ?? (_own = new WorkerPool(options.Threads));
    }

    public KernelBackend Backend { get; }

    public IWorkers Pool { get; }

    /// <summary>The context of the CUDA kernels, libtorch's own on that device; null for the others.</summary>
    public CudaContext? Context => _device?.Context;

    /// <summary>The kernels' device; null where they have none.</summary>
    internal CudaComputeDevice? Compute => _device;

    /// <summary>A report of steps on the kernels' device.</summary>
    /// <exception cref="InvalidOperationException">These are not the CUDA kernels.</exception>
    internal StepReport NewReport() => new(_device ?? throw new InvalidOperationException($"The {Backend} kernels have no device."));

    public IThreeTermStep ThreeTermStep(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options) => Backend switch
    {
        KernelBackend.Reference => new ThreeTermStepReference(bank, spatial, options),
        KernelBackend.Cuda => new ThreeTermStepCuda(bank, spatial, options, _device!, _scores),
        _ => new ThreeTermStepCpu(bank, spatial, options, Pool, _isa),
    };

    /// <summary>The step on this process's part of a bank; on all of it where <paramref name="shards"/> is null.</summary>
    internal IThreeTermStep ThreeTermStep(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options, IShards? shards) =>
        shards is null ? ThreeTermStep(bank, spatial, options) : new ThreeTermStepSharded(bank, spatial, options, Pool, shards, _isa);

    /// <summary>The same of the clusters.</summary>
    internal IKMeans KMeans(MemoryBank bank, int allRows, IShards? shards) =>
        shards is null ? KMeans(bank) : new KMeansCpu(bank, Pool, _isa, shards, allRows);

    public INearestKeys NearestKeys(MemoryBank bank) => Backend switch
    {
        KernelBackend.Reference => new NearestKeysReference(bank),
        KernelBackend.Cuda => new NearestKeysCuda(bank, _device!, _scores),
        _ => new NearestKeysCpu(bank, Pool, isa: _isa),
    };

    public IWholeBankLoss WholeBankLoss(MemoryBank bank) => Backend switch
    {
        KernelBackend.Reference => new WholeBankLossReference(bank),
        KernelBackend.Cuda => new WholeBankLossCuda(bank, _device!, _scores),
        _ => new WholeBankLossCpu(bank, Pool, isa: _isa),
    };

    public IKMeans KMeans(MemoryBank bank) => Backend switch
    {
        KernelBackend.Reference => new KMeansReference(bank),
        KernelBackend.Cuda => new KMeansCuda(bank, _device!),
        _ => new KMeansCpu(bank, Pool, isa: _isa),
    };

    public IMemoryBankUpdate MemoryBankUpdate(MemoryBank bank) =>
        Backend == KernelBackend.Cuda ? new MemoryBankUpdateCuda(bank, _device!) : new MemoryBankUpdateCpu(bank);

    /// <param name="onHost">The buffers are in host memory: CUDA's kernels cannot have them, and the CPU's take their place.</param>
    public IMomentumSgd MomentumSgd(bool onHost) => Backend switch
    {
        KernelBackend.Reference => new MomentumSgdReference(),
        KernelBackend.Cuda when !onHost => new MomentumSgdCuda(_device!),
        _ => new MomentumSgdCpu(Pool, _isa),
    };

    /// <summary>The CPU's augmenter also for the reference: that one is an oracle of single views.</summary>
    public IAugmenter Augmenter(AugmentOptions options, int patchSize) =>
        Backend == KernelBackend.Cuda ? new AugmenterCuda(options, patchSize, _device!) : new AugmenterCpu(options, patchSize, Pool);

    public void Dispose()
    {
        _own?.Dispose();
        _device?.Dispose();
    }
}
