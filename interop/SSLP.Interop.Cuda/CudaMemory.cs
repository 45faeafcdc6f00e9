namespace SSLP.Interop.Cuda;

/// <summary>Page-locked host memory.</summary>
public sealed unsafe class PinnedBuffer : IDisposable
{
    private readonly PinnedMemoryHandle _handle;

    internal PinnedBuffer(PinnedMemoryHandle handle, long bytes)
    {
        _handle = handle;
        Bytes = bytes;
    }

    public long Bytes { get; }

    /// <summary>First byte, on a page boundary.</summary>
    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            return (byte*)_handle.DangerousGetHandle();
        }
    }

    public void Dispose() => _handle.Dispose();
}

/// <summary>Device memory, aligned to 256 bytes or more.</summary>
public sealed class DeviceBuffer : IDisposable
{
    private readonly DeviceMemoryHandle _handle;

    internal DeviceBuffer(DeviceMemoryHandle handle, long bytes)
    {
        _handle = handle;
        Bytes = bytes;
    }

    public long Bytes { get; }

    /// <summary>Device address of the first byte.</summary>
    public ulong Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            return (ulong)_handle.DangerousGetHandle();
        }
    }

    public void Dispose() => _handle.Dispose();
}
