using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>A memory bank with its search and clustering.</summary>
internal sealed class NativeBank : NativeObject
{
    private readonly Lazy<INearestKeys> _nearest;
    private readonly Lazy<IKMeans> _kmeans;
    private readonly IMemoryBankUpdate _update;

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

    public override void Dispose()
    {
        if (_nearest.IsValueCreated)
            _nearest.Value.Dispose();
        if (_kmeans.IsValueCreated)
            _kmeans.Value.Dispose();
        _update.Dispose();
        Bank.Dispose();
    }
}
