using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>A memory bank with its search and clustering.</summary>
internal sealed class NativeBank : NativeObject
{
    private readonly Lazy<INearestKeys> _nearest;
    private readonly Lazy<IKMeans> _kmeans;
    private readonly IMemoryBankUpdate _update;
    private BankOnDevice? _onDevice;
    private int _stepsUnderWay;

    public NativeBank(NativeContext context, MemoryBank bank)
        : base("bank", isExclusive: true, context)
    {
        (Context, Bank) = (context, bank);
        _nearest = new(() => context.Kernels.NearestKeys(bank));
        _kmeans = new(() => context.Kernels.KMeans(bank));
        _update = context.Kernels.MemoryBankUpdate(bank);
    }

    public NativeContext Context { get; }

    public MemoryBank Bank { get; }

    public INearestKeys Nearest => _nearest.Value;

    public IKMeans KMeans => _kmeans.Value;

    public IMemoryBankUpdate Update => _update;

    /// <summary>The calls on device memory.</summary>
    /// <exception cref="MisuseException">The context's kernels have no device.</exception>
    public BankOnDevice OnDevice =>
        _onDevice ??= new(Bank, Context.OnDevice, (NearestKeysCuda)Nearest, (MemoryBankUpdateCuda)_update);

    /// <summary>Steps that were enqueued and are not finished: such a one may read the bank once more.</summary>
    public int StepsUnderWay => Volatile.Read(ref _stepsUnderWay);

    /// <summary>A step was enqueued (1), or finished or given up (−1), by whichever thread.</summary>
    public void CountStep(int change) => Interlocked.Add(ref _stepsUnderWay, change);

    /// <summary>Before a call that writes rows.</summary>
    /// <exception cref="MisuseException">A step is under way.</exception>
    public void RefuseUnderSteps()
    {
        if (StepsUnderWay > 0)
            throw new MisuseException(Status.Busy,
                "A step over the bank is under way, and may have to read it again: sslp_step_finish first.");
    }

    /// <summary>Before a call that reads or writes the host's rows: what kernels wrote comes home.</summary>
    /// <exception cref="ArgumentException">An update on the device was given what is not finite.</exception>
    public void Settle() => _onDevice?.Settle();

    public override void Dispose()
    {
        _onDevice?.Dispose();
        if (_nearest.IsValueCreated)
            _nearest.Value.Dispose();
        if (_kmeans.IsValueCreated)
            _kmeans.Value.Dispose();
        _update.Dispose();
        Bank.Dispose();
    }
}
