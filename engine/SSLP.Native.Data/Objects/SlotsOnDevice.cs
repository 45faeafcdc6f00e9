using SSLP.Interop.Cuda;

namespace SSLP.Native;

/// <summary>
/// Copies of lent batches in the memory of a CUDA device, a slot's always at the same address. A slot is copied into anew only when the
/// stream that its batch was for has passed what the host enqueued there until it gave the batch back.
/// </summary>
internal sealed unsafe class SlotsOnDevice : IDisposable
{
    private readonly CudaContext _context;
    private readonly UploadRing _ring;
    private readonly DeviceBuffer[] _slots;
    private readonly CudaStream?[] _streams;

    /// <param name="context">Disposed with this.</param>
    /// <param name="slots">Batches in memory.</param>
    /// <param name="slotBytes">Bytes of one batch.</param>
    /// <param name="host">The slots on the host, one behind the other; they outlive this.</param>
    public SlotsOnDevice(CudaContext context, int slots, long slotBytes, nint host)
    {
        _context = context;
        _ring = new(context, slots, slotBytes, host);
        _slots = new DeviceBuffer[slots];
        _streams = new CudaStream?[slots];
    }

    /// <summary>Number of the device.</summary>
    public int Device => _context.Device.Ordinal;

    /// <summary>Device address of a slot's copy; 0 where it is not there.</summary>
    public ulong AddressOf(int slot) => _streams[slot] is null ? 0 : _slots[slot].Address;

    /// <summary>Copies a slot, and lets a stream wait for that; once a batch.</summary>
    /// <param name="slot">Of a lent batch.</param>
    /// <param name="stream">CUstream of the host.</param>
    /// <returns>Device address.</returns>
    /// <exception cref="MisuseException">It is there in the order of another stream.</exception>
    /// <exception cref="ArgumentException">The stream is none of this device's context.</exception>
    public ulong Upload(int slot, nint stream)
    {
        CudaStream hosts = _context.StreamOf(stream);
        if (_streams[slot] is { } before)
        {
            return before.Value == hosts.Value ? _slots[slot].Address : throw new MisuseException(Status.Usage,
                "The batch is on the device in the order of another stream; let yours wait for that one.");
        }

        _slots[slot] ??= _context.AllocateDevice(_ring.SlotBytes);
        try
        {
            _ring.EnqueueUpload(slot, _slots[slot].Address, _ring.SlotBytes, hosts);
        }
        catch
        {
            // The copy may be under way: nobody writes the slot before it is over.
            _ring.WaitForSlot(slot);
            throw;
        }
        _streams[slot] = hosts;
        return _slots[slot].Address;
    }

    /// <summary>Takes a slot back: the host's memory may be written on return, the device's is when the stream has passed.</summary>
    public void GiveBack(int slot)
    {
        if (_streams[slot] is not { } stream)
            return;
        _streams[slot] = null;
        try
        {
            _ring.EnqueueConsumed(slot, stream);
        }
        finally
        {
            _ring.WaitForSlot(slot);
        }
    }

    public void Dispose()
    {
        _ring.Dispose();
        foreach (DeviceBuffer? slot in _slots)
            slot?.Dispose();
        _context.Dispose();
    }
}
