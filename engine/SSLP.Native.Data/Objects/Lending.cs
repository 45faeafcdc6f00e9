using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Data.Loading;
using SSLP.Interop.Cuda;

namespace SSLP.Native;

/// <summary>
/// A ring whose batches are lent to the host, which may give them back in any order and from any thread, also when the ring is closed:
/// its memory stays until the last is back.
/// </summary>
internal sealed unsafe class Lending
{
    private readonly NativeContext _context;
    private readonly BatchRing _ring;
    private readonly LentMemory _memory;
    private readonly SlotsOnDevice? _onDevice;
    private readonly int _batchSize, _patchSize, _slots;
    private readonly Lock _gate = new();
    private readonly SortedSet<int> _back = [];
    private readonly int _number;
    private int _lent, _released;
    private bool _closed, _freed;

    /// <param name="number">Tells its tokens from those of other rings of the loader.</param>
    /// <param name="reader">Reads the patches.</param>
    /// <param name="context">Whose memory the slots lie in, and to whose device batches may be copied. It may be closed while batches are
    /// lent.</param>
    /// <param name="patchSize">P.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="slots">Batches in memory.</param>
    /// <param name="threads">Reading threads.</param>
    public Lending(int number, IBatchReader reader, NativeContext context, int patchSize, int batchSize, int slots, int threads)
    {
        (_number, _context, _batchSize, _patchSize, _slots) = (number, context, batchSize, patchSize, slots);
        CudaContext? device = context.RetainDevice();
        _memory = new(context.Memory, device, BatchRing.BytesFor(patchSize, batchSize, slots), (long)slots * batchSize * sizeof(int));
        _onDevice = device is null ? null : new(device, slots, BatchRing.BytesFor(patchSize, batchSize, 1), _memory.Pointer);
        _ring = new(reader, patchSize, batchSize, slots, threads, _memory);
    }

    public int Number => _number;

    /// <summary>Batches that the host has.</summary>
    public int Out
    {
        get
        {
            lock (_gate)
                return _lent - _released;
        }
    }

    public bool IsFull => Out == _slots;

    public void Start(int[] order, int firstBatch, int batches, long before) => _ring.Start(order, firstBatch, batches, before);

    /// <summary>Waits for the next batch and lends it.</summary>
    public void Next(SslpBatch* batch, CancellationToken cancel)
    {
        PatchBatch full = _ring.Next(cancel);
        lock (_gate)
        {
            int* ids = _memory.Ids + ((long)(_lent % _slots) * _batchSize);
            full.Patches.Span.CopyTo(new Span<int>(ids, _batchSize));
            (batch->Index, batch->Count, batch->PatchSize) = (full.Index, _batchSize, _patchSize);
            batch->Pixels = (byte*)full.Pixels;
            batch->Patches = ids;
            batch->Token = (long)_number << 32 | (uint)_lent++;
            batch->DevicePixels = null;
        }
    }

    /// <exception cref="MisuseException">It is not lent.</exception>
    public void GiveBack(long token)
    {
        lock (_gate)
        {
            CheckLent(token);
            _back.Add((int)token);
            try
            {
                _onDevice?.GiveBack(SlotOf(token));
            }
            finally
            {
                // The ring takes the oldest first; those that come early wait for it.
                while (_back.Remove(_released))
                {
                    _released++;
                    if (!_closed)
                        _ring.Release();
                }
                FreeWhenBack();
            }
        }
    }

    /// <summary>A lent batch's pixels in device memory, in the order of a stream.</summary>
    /// <exception cref="MisuseException">It is not lent, or the context's kernels have no device.</exception>
    public byte* Upload(long token, nint stream)
    {
        lock (_gate)
        {
            CheckLent(token);
            return (byte*)(_onDevice ?? throw new MisuseException(Status.Usage,
                "The batch goes to a CUDA device where the context's kernels are: open one with kernels 2 (cuda)."))
                .Upload(SlotOf(token), stream);
        }
    }

    /// <summary>A lent batch as a DLPack tensor, uint8 [B, P, P, 3], on the device where it was uploaded, else on the CPU; its deleter
    /// gives the batch back.</summary>
    public DlManagedTensor* ToDlPack(long token, byte* pixels)
    {
        ulong device;
        lock (_gate)
        {
            CheckLent(token);
            device = _onDevice?.AddressOf(SlotOf(token)) ?? 0;
        }
        // One block: the tensor, then its shape. No strides, which means packed rows.
        var tensor = (DlManagedTensor*)NativeMemory.AllocZeroed((nuint)sizeof(DlManagedTensor) + (4 * sizeof(long)));
        tensor->Data = device == 0 ? pixels : (byte*)device;
        tensor->DeviceType = device == 0 ? DlManagedTensor.Cpu : DlManagedTensor.Cuda;
        tensor->DeviceId = device == 0 ? 0 : _onDevice!.Device;
        tensor->Dimensions = 4;
        (tensor->Code, tensor->Bits, tensor->Lanes) = (DlManagedTensor.UnsignedInteger, 8, 1);
        tensor->Shape = (long*)(tensor + 1);
        (tensor->Shape[0], tensor->Shape[1], tensor->Shape[2], tensor->Shape[3]) = (_batchSize, _patchSize, _patchSize, 3);
        tensor->ManagerContext = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(new LentTensor(this, token)));
        tensor->Deleter = &Delete;
        return tensor;
    }

    public void Close()
    {
        lock (_gate)
            _closed = true;
        _ring.Dispose();
        lock (_gate)
            FreeWhenBack();
    }

    private void FreeWhenBack()
    {
        if (!_closed || _released != _lent || _freed)
            return;
        _freed = true;
        _onDevice?.Dispose();
        _memory.Free();
    }

    private int SlotOf(long token) => (int)token % _slots;

    private void CheckLent(long token)
    {
        int batch = (int)token;
        if (batch < _released || batch >= _lent || _back.Contains(batch))
            throw new MisuseException(Status.Handle, "The batch is not lent: it was given back before.");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Delete(DlManagedTensor* tensor)
    {
        var handle = GCHandle.FromIntPtr((nint)tensor->ManagerContext);
        var lent = (LentTensor)handle.Target!;
        handle.Free();
        NativeMemory.Free(tensor);
        // The host may have given the batch back by itself already; a deleter has nobody to tell.
        _ = Abi.Call(() =>
        {
            using CurrentContext hosts = lent.From._context.KeepCurrent();
            lent.From.GiveBack(lent.Token);
        });
    }

    private sealed record LentTensor(Lending From, long Token);

    /// <summary>The slots, and behind them the ids of their patches: the host's memory, or page-locked for a device where the host brings
    /// none of its own.</summary>
    private sealed class LentMemory : BatchMemory
    {
        private const int Alignment = 64;

        private readonly HostMemory _host;
        private readonly PinnedBuffer? _pinned;

        public LentMemory(HostMemory host, CudaContext? device, long bytes, long idBytes)
            : this(host, host.IsHosts ? null : device?.AllocatePinned(Rounded(bytes) + idBytes), bytes, idBytes)
        {
        }

        private LentMemory(HostMemory host, PinnedBuffer? pinned, long bytes, long idBytes)
            : base(pinned is null ? (nint)host.Allocate(Rounded(bytes) + idBytes, Alignment) : (nint)pinned.Pointer, bytes) =>
            (_host, _pinned) = (host, pinned);

        public int* Ids => (int*)(Pointer + (nint)Rounded(Bytes));

        /// <summary>The ring's end is not the memory's: batches may be lent still.</summary>
        public override void Dispose() { }

        public void Free()
        {
            if (_pinned is null)
                _host.Release((void*)Pointer);
            else
                _pinned.Dispose();
        }

        private static long Rounded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
    }
}
