namespace SSLP.Kernels;

/// <summary>The implementations of the kernels.</summary>
public enum KernelBackend
{
    /// <summary>Plain loops in float64: the meaning of each kernel. For tests and for settling an argument; slow.</summary>
    Reference,

    /// <summary>SIMD on dedicated threads.</summary>
    Cpu,
}

/// <summary>One implementation of every kernel behind one choice, with the threads they run on.</summary>
public sealed class KernelSet : IDisposable
{
    public const string Variable = "SSLP_KERNELS";

    /// <param name="backend">Which implementation.</param>
    /// <param name="threads">CPU threads; 0: one a core.</param>
    public KernelSet(KernelBackend backend, int threads = 0)
    {
        Backend = backend;
        Pool = new WorkerPool(threads);
    }

    public KernelBackend Backend { get; }

    public WorkerPool Pool { get; }

    /// <summary>What SSLP_KERNELS names; the CPU's kernels where it is not set.</summary>
    /// <exception cref="ArgumentException">It names none; the message lists them.</exception>
    public static KernelBackend FromEnvironment() => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or "cpu" => KernelBackend.Cpu,
        "reference" => KernelBackend.Reference,
        var other => throw new ArgumentException($"{Variable} is '{other}'; it takes reference or cpu."),
    };

    public IThreeTermStep ThreeTermStep(MemoryBank bank, SpatialNeighbours spatial, ThreeTermOptions options) =>
        Backend == KernelBackend.Reference
            ? new ReferenceThreeTermStep(bank, spatial, options)
            : new CpuThreeTermStep(bank, spatial, options, Pool);

    public void Dispose() => Pool.Dispose();
}
