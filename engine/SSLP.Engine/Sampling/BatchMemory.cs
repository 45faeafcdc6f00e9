using System.Runtime.InteropServices;

namespace SSLP.Engine.Sampling;

/// <summary>Memory of the ring's slots, allocated once and freed with it.</summary>
public abstract class BatchMemory(nint pointer, long bytes) : IDisposable
{
    public nint Pointer { get; } = pointer;

    public long Bytes { get; } = bytes;

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
