using System.Runtime.InteropServices;
using SSLP.Engine.Runtime;
using SSLP.Interop.Cuda;
using static TorchSharp.torch;

namespace SSLP.Engine.Sampling;

/// <summary>Memory of the ring's slots, allocated once and freed with it.</summary>
public abstract class BatchMemory(nint pointer, long bytes) : IDisposable
{
    public nint Pointer { get; } = pointer;

    public long Bytes { get; } = bytes;

    /// <summary>Memory for a run on <paramref name="device"/>: page-locked for a CUDA device, from where copies to it are fastest; else pageable.</summary>
    /// <exception cref="InvalidOperationException">A CUDA device with no driver; the message says why.</exception>
    public static BatchMemory For(Device device, long bytes)
    {
        using CudaContext? context = Devices.ContextOf(device);
        return context is null ? new AlignedBatchMemory(bytes) : new PinnedBatchMemory(context, bytes);
    }

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
public sealed unsafe class PinnedBatchMemory : BatchMemory
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
