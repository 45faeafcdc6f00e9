using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;

namespace SSLP.Data.Loading;

/// <summary>Memory of the ring's slots, allocated once and freed with it.</summary>
public abstract class BatchMemory(nint pointer, long bytes) : IDisposable
{
    public nint Pointer { get; } = pointer;

    public long Bytes { get; } = bytes;

    /// <summary>Page-locked memory of a CUDA device's primary context, from where copies to it are fastest; pageable where there is
    /// none.</summary>
    /// <param name="context">Of the device that the batches go to; null for the CPU. Stays the caller's.</param>
    /// <param name="bytes">Bytes to allocate.</param>
    public static BatchMemory For(CudaContext? context, long bytes) =>
        context is null ? new AlignedBatchMemory(bytes) : new PinnedBatchMemory(context, bytes);

    public abstract void Dispose();
}

/// <summary>Pageable memory on a cache line's boundary: what a machine with no CUDA device uses.</summary>
/// <param name="bytes">Bytes to allocate.</param>
public sealed unsafe class AlignedBatchMemory(long bytes) : BatchMemory((nint)NativeMemory.AlignedAlloc((nuint)bytes, 64), bytes)
{
    private bool _freed;

    public override void Dispose()
    {
        if (!_freed)
            NativeMemory.AlignedFree((void*)Pointer);
        _freed = true;
    }
}

/// <summary>Page-locked memory of a device's primary context (cuMemHostAlloc). It keeps the context; no other has to.</summary>
internal sealed unsafe class PinnedBatchMemory : BatchMemory
{
    private readonly PinnedBuffer _buffer;

    /// <param name="context">The device's primary context.</param>
    /// <param name="bytes">Bytes to allocate.</param>
    public PinnedBatchMemory(CudaContext context, long bytes)
        : this(context.AllocatePinned(bytes))
    {
    }

    private PinnedBatchMemory(PinnedBuffer buffer)
        : base((nint)buffer.Pointer, buffer.Bytes) => _buffer = buffer;

    public override void Dispose() => _buffer.Dispose();
}
