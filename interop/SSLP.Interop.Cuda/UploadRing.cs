namespace SSLP.Interop.Cuda;

/// <summary>
/// Batches on their way to the device: a ring of pinned slots that are decoded into in place, one copy each on a stream of its own, and the
/// events that order copies against the computation. For a slot s:
/// <code>
/// host:            WaitForSlot(s) → write slot s → EnqueueUpload(s) ─────────────────────────────► WaitForSlot(s) …
/// copy stream:     wait consumed(s) → copy → record uploaded(s)
/// compute stream:                                 wait uploaded(s) → kernels → record consumed(s)
/// </code>
/// The copy of one slot runs beside the computation on another. Used by one thread at a time.
/// </summary>
public sealed unsafe class UploadRing : IDisposable
{
    private readonly CudaContext _context;
    private readonly CudaStream _copies;
    private readonly PinnedBuffer[] _own;
    private readonly nint[] _host;
    private readonly CudaEvent[] _uploaded, _consumed;

    /// <param name="slots">Batches in flight; 3 lets decoding, copying and computing all proceed.</param>
    /// <param name="slotBytes">Bytes of one batch.</param>
    public UploadRing(CudaContext context, int slots, long slotBytes)
        : this(context, slots, slotBytes, 0)
    {
    }

    /// <summary>The same over slots that lie one behind the other in memory of the caller's, which outlives the ring.</summary>
    /// <param name="slots">Batches in that memory.</param>
    /// <param name="slotBytes">Bytes of one batch.</param>
    /// <param name="host">The first slot; page-locked, or the host waits for each copy. 0: slots of the ring's own.</param>
    public UploadRing(CudaContext context, int slots, long slotBytes, nint host)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slots);
        _context = context;
        SlotBytes = slotBytes;
        _copies = context.CreateStream();
        _own = Create(host == 0 ? slots : 0, () => context.AllocatePinned(slotBytes));
        _host = [.. Enumerable.Range(0, slots).Select(slot => host == 0 ? (nint)_own[slot].Pointer : host + (nint)(slot * slotBytes))];
        _uploaded = Create(slots, () => context.CreateEvent());
        _consumed = Create(slots, () => context.CreateEvent());
    }

    public long SlotBytes { get; }

    /// <summary>Host memory of a slot. Write it only between <see cref="WaitForSlot"/> and <see cref="EnqueueUpload"/>.</summary>
    public byte* Host(int slot) => (byte*)_host[slot];

    /// <summary>Waits until the slot's last copy has left the host memory. The first time there is nothing to wait for.</summary>
    public void WaitForSlot(int slot)
    {
        _context.MakeCurrent();
        _uploaded[slot].Synchronize();
    }

    /// <summary>
    /// Copies the slot to the device once the computation on its previous content is done, and lets <paramref name="compute"/> wait for the
    /// copy.
    /// </summary>
    /// <param name="destination">Device address; always the same for a slot.</param>
    public void EnqueueUpload(int slot, ulong destination, long bytes, CudaStream compute)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, SlotBytes);
        _context.MakeCurrent();
        _copies.EnqueueWait(_consumed[slot]);
        _copies.EnqueueUpload(destination, Host(slot), bytes);
        _copies.EnqueueRecord(_uploaded[slot]);
        compute.EnqueueWait(_uploaded[slot]);
    }

    /// <summary>Says that all work on the slot's device memory has been enqueued on <paramref name="compute"/>.</summary>
    public void EnqueueConsumed(int slot, CudaStream compute)
    {
        _context.MakeCurrent();
        compute.EnqueueRecord(_consumed[slot]);
    }

    /// <summary>Waits for the copies in flight, then frees what is the ring's.</summary>
    public void Dispose()
    {
        _context.MakeCurrent();
        _copies.Synchronize();
        foreach (PinnedBuffer buffer in _own)
            buffer.Dispose();
        foreach (CudaEvent mark in (CudaEvent[])[.. _uploaded, .. _consumed])
            mark.Dispose();
        _copies.Dispose();
    }

    private static T[] Create<T>(int count, Func<T> create)
    {
        var items = new T[count];
        for (int i = 0; i < count; i++)
            items[i] = create();
        return items;
    }
}
