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
    /// An NVIDIA device through its driver. Never chosen unasked: this version's kernels were checked on ILGPU's CPU accelerator and by ptxas, and
    /// have not been seen on a device.
    /// </summary>
    Cuda,
}

/// <summary>One implementation of every kernel behind one choice, with the threads they run on.</summary>
public sealed class KernelSet : IDisposable
{
    private readonly CudaComputeDevice? _device;
    private readonly DeviceScores _scores;

    public const string Variable = "SSLP_KERNELS";

    /// <param name="backend">Which implementation.</param>
    /// <param name="threads">CPU threads; 0: one a core.</param>
    /// <param name="device">Number of the CUDA device, as libtorch counts; of no meaning to the others.</param>
    /// <param name="driver">The CUDA driver; null: the system's.</param>
    /// <exception cref="InvalidOperationException">CUDA was asked for and there is none; the message says why.</exception>
    /// <exception cref="ArgumentException">SSLP_CUDA_SCORES names nothing, or what the device cannot do.</exception>
    public KernelSet(KernelBackend backend, int threads = 0, int device = 0, CudaDriver? driver = null)
    {
        Backend = backend;
        if (backend == KernelBackend.Cuda)
        {
            _scores = DeviceScoresChoice.FromEnvironment();
            _device = new CudaComputeDevice(device, driver);
            DeviceScoresChoice.Require(_scores, _device.Device);
        }

        Pool = new WorkerPool(threads);
    }

    public KernelBackend Backend { get; }

    public WorkerPool Pool { get; }

    /// <summary>What SSLP_KERNELS names; the CPU's kernels where it is not set.</summary>
    /// <exception cref="ArgumentException">It names none, or one that this machine cannot run; the message says which there are.</exception>
    public static KernelBackend FromEnvironment() => Parse(Environment.GetEnvironmentVariable(Variable));

    /// <summary>Reads a value of SSLP_KERNELS.</summary>
    /// <inheritdoc cref="FromEnvironment"/>
    public static KernelBackend Parse(string? value) => value switch
    {
        null or "" or "cpu" => KernelBackend.Cpu,
        "reference" => KernelBackend.Reference,
        "cuda" => CudaDriver.System.TryLoad(out string? reason)
            ? KernelBackend.Cuda
            : throw new ArgumentException($"{Variable} is 'cuda', but the CUDA kernels cannot run here: {reason}. Use cpu or reference."),
        _ => throw new ArgumentException($"{Variable} is '{value}'; it takes reference, cpu or cuda."),
    };

    public IThreeTermStep ThreeTermStep(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options) => Backend switch
    {
        KernelBackend.Reference => new ReferenceThreeTermStep(bank, spatial, options),
        KernelBackend.Cuda => new CudaThreeTermStep(bank, spatial, options, _device!, _scores),
        _ => new CpuThreeTermStep(bank, spatial, options, Pool),
    };

    public INearestKeys NearestKeys(MemoryBank bank) => Backend switch
    {
        KernelBackend.Reference => new NearestKeysReference(bank),
        KernelBackend.Cuda => new CudaNearestKeys(bank, _device!, _scores),
        _ => new NearestKeysCpu(bank, Pool),
    };

    public IWholeBankLoss WholeBankLoss(MemoryBank bank) => Backend switch
    {
        KernelBackend.Reference => new WholeBankLossReference(bank),
        KernelBackend.Cuda => new CudaWholeBankLoss(bank, _device!, _scores),
        _ => new WholeBankLossCpu(bank, Pool),
    };

    public IKMeans KMeans(MemoryBank bank) => Backend switch
    {
        KernelBackend.Reference => new KMeansReference(bank),
        KernelBackend.Cuda => new CudaKMeans(bank, _device!),
        _ => new KMeansCpu(bank, Pool),
    };

    public IMemoryBankUpdate MemoryBankUpdate(MemoryBank bank) =>
        Backend == KernelBackend.Cuda ? new CudaMemoryBankUpdate(bank, _device!) : new MemoryBankUpdate(bank);

    /// <summary>The CPU's augmenter also for the reference: that one is an oracle of single views.</summary>
    public IAugmenter Augmenter(AugmentOptions options, int patchSize) =>
        Backend == KernelBackend.Cuda ? new CudaAugmenter(options, patchSize, _device!) : new Augmenter(options, patchSize, Pool);

    public void Dispose()
    {
        Pool.Dispose();
        _device?.Dispose();
    }
}
