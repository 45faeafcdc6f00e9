using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>A retained primary context. Lives until its own release and that of everything made in it.</summary>
internal sealed class CudaContextHandle : SafeHandle
{
    private readonly int _device;

    public CudaContextHandle(CudaCalls calls, nint context, int device) : base(0, ownsHandle: true)
    {
        Calls = calls;
        _device = device;
        SetHandle(context);
    }

    /// <summary>The driver that the context is of.</summary>
    public CudaCalls Calls { get; }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => Calls.cuDevicePrimaryCtxRelease_v2(_device) == NativeCuda.CUDA_SUCCESS;
}

/// <summary>
/// Something that lives in a context and keeps it alive. It is released with that context current, whatever thread (the finalizer's has
/// none) the release comes from; the thread's own context is put back.
/// </summary>
internal abstract class CudaOwnedHandle : SafeHandle
{
    private readonly CudaContextHandle? _context;

    protected CudaOwnedHandle(CudaContextHandle? context, nint value) : base(0, ownsHandle: context is not null)
    {
        bool added = false;
        context?.DangerousAddRef(ref added);
        _context = context;
        SetHandle(value);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The driver; only of what has a context.</summary>
    public CudaCalls Calls => _context!.Calls;

    protected abstract int Release(nint value);

    protected sealed override unsafe bool ReleaseHandle()
    {
        nint popped;
        bool released = Calls.cuCtxPushCurrent_v2(_context!.DangerousGetHandle()) == NativeCuda.CUDA_SUCCESS
            & Release(handle) == NativeCuda.CUDA_SUCCESS
            & Calls.cuCtxPopCurrent_v2(&popped) == NativeCuda.CUDA_SUCCESS;
        _context.DangerousRelease();
        return released;
    }
}

/// <summary>A CUstream. Without a context it is nobody's of ours: stream 0, the legacy default one, or the host's.</summary>
internal sealed class CudaStreamHandle(CudaContextHandle? context, nint value) : CudaOwnedHandle(context, value)
{
    protected override int Release(nint value) => Calls.cuStreamDestroy_v2(value);
}

internal sealed class CudaEventHandle(CudaContextHandle context, nint value) : CudaOwnedHandle(context, value)
{
    protected override int Release(nint value) => Calls.cuEventDestroy_v2(value);
}

internal sealed class CudaModuleHandle(CudaContextHandle context, nint value) : CudaOwnedHandle(context, value)
{
    protected override int Release(nint value) => Calls.cuModuleUnload(value);
}

/// <summary>Page-locked host memory.</summary>
internal sealed class PinnedMemoryHandle(CudaContextHandle context, nint value) : CudaOwnedHandle(context, value)
{
    protected override int Release(nint value) => Calls.cuMemFreeHost(value);
}

internal sealed class DeviceMemoryHandle(CudaContextHandle context, nint value) : CudaOwnedHandle(context, value)
{
    protected override int Release(nint value) => Calls.cuMemFree_v2((ulong)value);
}
