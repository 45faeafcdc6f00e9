using System.Runtime.InteropServices;

namespace SSLP.Kernels;

/// <summary>
/// Native memory on a cache-line boundary that grows and never shrinks: the scratch of the kernels, so that no call allocates
/// after its first. New memory is zeroed. One page more than asked is there to read: vector tails may run over the end.
/// One owner disposes it, once; <see cref="BufferChecks"/> watches that.
/// </summary>
internal sealed unsafe class AlignedBuffer<T> : IDisposable where T : unmanaged
{
    private const nuint Alignment = 64;
    private const nuint HugePage = 2 << 20;
    private const nuint ReadableTail = 4096;

    private readonly string? _origin = BufferChecks.Enabled ? Environment.StackTrace : null;
    private bool _disposed;

    public AlignedBuffer(long length = 0) => EnsureLength(length);

    ~AlignedBuffer()
    {
        if (BufferChecks.Enabled && Bytes > 0)
            BufferChecks.ReportLeak($"AlignedBuffer<{typeof(T).Name}>", Bytes, _origin);
        Free();
    }

    /// <summary>First element; null while there is none.</summary>
    public T* Pointer
    {
        get
        {
            if (BufferChecks.Enabled)
                ObjectDisposedException.ThrowIf(_disposed, this);
            return field;
        }
        private set;
    }

    /// <summary>Elements that can be used.</summary>
    public long Length { get; private set; }

    /// <summary>Native bytes held.</summary>
    public long Bytes { get; private set; }

    /// <summary>Makes room for <paramref name="length"/> elements. Growing drops the contents and zeroes; else nothing happens.</summary>
    public T* EnsureLength(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (BufferChecks.Enabled)
            ObjectDisposedException.ThrowIf(_disposed, this);
        if (length <= Length)
            return Pointer;
        Free();
        nuint bytes = checked((nuint)length * (nuint)sizeof(T) + ReadableTail);
        Pointer = (T*)NativeMemory.AlignedAlloc(bytes, bytes >= HugePage ? HugePage : Alignment);
        NativePages.AdviseHuge(Pointer, bytes);
        NativeMemory.Clear(Pointer, bytes);
        Length = length;
        Bytes = (long)bytes;
        return Pointer;
    }

    /// <summary>A part of the buffer as a span.</summary>
    public Span<T> Span(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, Length);
        return new Span<T>(Pointer + start, length);
    }

    public void Dispose()
    {
        if (BufferChecks.Enabled && _disposed)
            BufferChecks.RefuseSecondOwner($"AlignedBuffer<{typeof(T).Name}>", _origin);
        Free();
        _disposed = true;
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        Length = 0;
        Bytes = 0;
    }
}

/// <summary>Asks the system to back large buffers with huge pages: a pass over a bank then walks few page tables.</summary>
internal static unsafe partial class NativePages
{
    private const int AdviseHugePage = 14;  // MADV_HUGEPAGE, linux/mman.h

    public static void AdviseHuge(void* start, nuint bytes)
    {
        if (bytes >= 2 << 20 && OperatingSystem.IsLinux())
            _ = madvise(start, bytes, AdviseHugePage);  // advice only: a kernel built without it answers EINVAL and all goes on
    }

    [LibraryImport("libc")]
    private static partial int madvise(void* start, nuint length, int advice);
}
