namespace SSLP.Interop.Cuda;

/// <summary>
/// A device's primary context: the one that the CUDA runtime, and so libtorch, works in. Device pointers of either side are good on the
/// other, and work on stream 0 is in order with libtorch's. It is retained here, never created: libtorch's own stays what it is.
/// </summary>
public sealed unsafe class CudaContext : IDisposable
{
    private CudaContext(CudaContextHandle handle, CudaDeviceInfo device)
    {
        Handle = handle;
        Device = device;
        DefaultStream = new CudaStream(this, new CudaStreamHandle(null, 0));
    }

    /// <summary>The device that the context is on.</summary>
    public CudaDeviceInfo Device { get; }

    /// <summary>Stream 0, the legacy default stream, on which all of libtorch's work runs unless it is told otherwise.</summary>
    public CudaStream DefaultStream { get; }

    internal CudaContextHandle Handle { get; }

    internal CudaCalls Calls => Handle.Calls;

    /// <summary>Whether tensors on the CPU are in the device's memory: only where the driver executes kernels on the host.</summary>
    public bool IsOnHost => Calls.IsOnHost;

    /// <summary>Says that kernels will use memory that libtorch allocated: a driver that checks addresses asks for it.</summary>
    /// <param name="address">Device address.</param>
    /// <param name="bytes">Bytes from there.</param>
    public void Borrow(ulong address, long bytes) => Calls.Borrowed(address, bytes);

    /// <summary>Retains the primary context of a device and makes it current on the calling thread.</summary>
    /// <param name="driver">The driver; null: the system's.</param>
    /// <exception cref="InvalidOperationException">There is no driver; the message says why.</exception>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public static CudaContext Retain(int ordinal = 0, CudaDriver? driver = null)
    {
        driver ??= CudaDriver.System;
        CudaCalls calls = driver.Calls;
        int device = driver.Device(ordinal);
        nint context;
        calls.Check(calls.cuDevicePrimaryCtxRetain(&context, device), nameof(calls.cuDevicePrimaryCtxRetain));
        var retained = new CudaContext(new CudaContextHandle(calls, context, device), driver.Describe(ordinal));
        retained.MakeCurrent();
        return retained;
    }

    /// <summary>Makes the context current on the calling thread. Every thread that enqueues work must have done so once.</summary>
    public void MakeCurrent() =>
        Calls.Check(Calls.cuCtxSetCurrent(Live()), nameof(Calls.cuCtxSetCurrent));

    /// <summary>Waits for all work on all streams of the device.</summary>
    public void Synchronize()
    {
        MakeCurrent();
        Calls.Check(Calls.cuCtxSynchronize(), nameof(Calls.cuCtxSynchronize));
    }

    /// <summary>Device memory in bytes: free now, and in all.</summary>
    public (long Free, long Total) Memory()
    {
        MakeCurrent();
        nuint free, total;
        Calls.Check(Calls.cuMemGetInfo_v2(&free, &total), nameof(Calls.cuMemGetInfo_v2));
        return ((long)free, (long)total);
    }

    /// <summary>A stream that does not wait for stream 0, nor stream 0 for it: order between them is by events only.</summary>
    public CudaStream CreateStream()
    {
        MakeCurrent();
        nint stream;
        Calls.Check(Calls.cuStreamCreate(&stream, NativeCuda.CU_STREAM_NON_BLOCKING), nameof(Calls.cuStreamCreate));
        return new CudaStream(this, new CudaStreamHandle(Handle, stream));
    }

    /// <summary>
    /// A stream that somebody else made in this context, who destroys it. 0 and CU_STREAM_LEGACY are <see cref="DefaultStream"/>.
    /// </summary>
    /// <param name="stream">CUstream, which is the runtime's cudaStream_t.</param>
    /// <exception cref="ArgumentException">It is a stream of another context, none that the driver knows, or
    /// CU_STREAM_PER_THREAD.</exception>
    public CudaStream StreamOf(nint stream)
    {
        if (stream is 0 or NativeCuda.CU_STREAM_LEGACY)
            return DefaultStream;
        if (stream == NativeCuda.CU_STREAM_PER_THREAD)
            throw new ArgumentException("Stream 2 (CU_STREAM_PER_THREAD) is another one in each thread: pass a stream that was made.");
        MakeCurrent();
        var handle = new CudaStreamHandle(null, stream);
        nint context;
        int result = Calls.cuStreamGetCtx(handle, &context);
        if (result != NativeCuda.CUDA_SUCCESS || context != Live())
        {
            throw new ArgumentException(
                $"Stream 0x{stream:x} is none of the primary context of device {Device.Ordinal} ({Device.Name})"
                + (result == NativeCuda.CUDA_SUCCESS ? ": it was made in another context." : $": {Calls.Describe(result)}."));
        }

        return new CudaStream(this, handle);
    }

    /// <summary>Number of the device in whose memory an address lies; null where it is none's: the host's, page-locked or not.</summary>
    public int? DeviceOf(ulong address)
    {
        MakeCurrent();
        int type = 0, ordinal = -1;
        int result = Calls.cuPointerGetAttribute(&type, NativeCuda.CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address);
        // What the driver was never told of is not an error: it is the host's.
        if (result == NativeCuda.CUDA_ERROR_INVALID_VALUE)
            return null;
        Calls.Check(result, nameof(Calls.cuPointerGetAttribute));
        if (type != NativeCuda.CU_MEMORYTYPE_DEVICE)
            return null;
        Calls.Check(Calls.cuPointerGetAttribute(&ordinal, NativeCuda.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address),
            nameof(Calls.cuPointerGetAttribute));
        return ordinal;
    }

    /// <summary>A mark for streams. It keeps no time, which makes recording it cheaper.</summary>
    public CudaEvent CreateEvent()
    {
        MakeCurrent();
        nint handle;
        Calls.Check(Calls.cuEventCreate(&handle, NativeCuda.CU_EVENT_DISABLE_TIMING), nameof(Calls.cuEventCreate));
        return new CudaEvent(new CudaEventHandle(Handle, handle));
    }

    /// <summary>Page-locked host memory, which copies run from at full speed and beside computation.</summary>
    public PinnedBuffer AllocatePinned(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        MakeCurrent();
        nint pointer;
        Calls.Check(Calls.cuMemHostAlloc(&pointer, (nuint)bytes, NativeCuda.CU_MEMHOSTALLOC_PORTABLE), nameof(Calls.cuMemHostAlloc));
        return new PinnedBuffer(new PinnedMemoryHandle(Handle, pointer), bytes);
    }

    /// <summary>Device memory of our own: for what libtorch does not hold.</summary>
    public DeviceBuffer AllocateDevice(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        MakeCurrent();
        ulong pointer;
        Calls.Check(Calls.cuMemAlloc_v2(&pointer, (nuint)bytes), nameof(Calls.cuMemAlloc_v2));
        return new DeviceBuffer(new DeviceMemoryHandle(Handle, (nint)pointer), bytes);
    }

    /// <summary>A profiler that waits for it (cudaProfilerApi capture range) begins to collect; no tool, no effect.</summary>
    public void StartProfiler()
    {
        MakeCurrent();
        Calls.Check(Calls.cuProfilerStart(), nameof(Calls.cuProfilerStart));
    }

    /// <summary>The profiler stops collecting.</summary>
    public void StopProfiler()
    {
        MakeCurrent();
        Calls.Check(Calls.cuProfilerStop(), nameof(Calls.cuProfilerStop));
    }

    /// <summary>Loads PTX; the driver compiles it for this device.</summary>
    /// <param name="name">What to call it in an error.</param>
    /// <param name="ptx">The text, ASCII.</param>
    /// <exception cref="CudaException">It does not compile; the message carries the compiler's log.</exception>
    public CudaModule LoadModule(string name, ReadOnlySpan<byte> ptx)
    {
        MakeCurrent();
        return CudaModule.Load(this, name, ptx);
    }

    /// <summary>Lets go of the context. It lives on as long as anything that was made in it, or libtorch, holds it.</summary>
    public void Dispose() => Handle.Dispose();

    private nint Live()
    {
        ObjectDisposedException.ThrowIf(Handle.IsClosed, this);
        return Handle.DangerousGetHandle();
    }
}
