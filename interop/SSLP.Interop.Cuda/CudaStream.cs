namespace SSLP.Interop.Cuda;

/// <summary>
/// An order of work on the device. What begins with Enqueue returns before the work is done: memory that it reads or writes must live
/// until an event after it has passed.
/// </summary>
public sealed unsafe class CudaStream : IDisposable
{
    internal CudaStream(CudaContext context, CudaStreamHandle handle)
    {
        Context = context;
        Handle = handle;
    }

    public CudaContext Context { get; }

    /// <summary>The CUstream; 0 for stream 0.</summary>
    public nint Value => Handle.DangerousGetHandle();

    internal CudaStreamHandle Handle { get; }

    private CudaCalls Calls => Context.Calls;

    /// <summary>Copies host bytes to the device. Truly asynchronous only from pinned memory.</summary>
    public void EnqueueUpload(ulong destination, void* source, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Calls.Check(Calls.cuMemcpyHtoDAsync_v2(destination, source, (nuint)bytes, Handle), nameof(Calls.cuMemcpyHtoDAsync_v2));
    }

    /// <summary>Copies device bytes to the host. Truly asynchronous only into pinned memory.</summary>
    public void EnqueueReadBack(void* destination, ulong source, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Calls.Check(Calls.cuMemcpyDtoHAsync_v2(destination, source, (nuint)bytes, Handle), nameof(Calls.cuMemcpyDtoHAsync_v2));
    }

    /// <summary>Sets device bytes to a value.</summary>
    public void EnqueueFill(ulong destination, byte value, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Calls.Check(Calls.cuMemsetD8Async(destination, value, (nuint)bytes, Handle), nameof(Calls.cuMemsetD8Async));
    }

    /// <summary>Marks the end of what has been enqueued so far.</summary>
    public void EnqueueRecord(CudaEvent mark) =>
        Calls.Check(Calls.cuEventRecord(mark.Handle, Handle), nameof(Calls.cuEventRecord));

    /// <summary>What is enqueued from here on waits, on the device, for the event's latest record.</summary>
    public void EnqueueWait(CudaEvent mark) =>
        Calls.Check(Calls.cuStreamWaitEvent(Handle, mark.Handle, 0), nameof(Calls.cuStreamWaitEvent));

    /// <summary>Waits on the host until all that has been enqueued is done.</summary>
    public void Synchronize() =>
        Calls.Check(Calls.cuStreamSynchronize(Handle), nameof(Calls.cuStreamSynchronize));

    public void Dispose() => Handle.Dispose();
}

/// <summary>A mark in a stream. One that was never recorded counts as passed.</summary>
public sealed class CudaEvent : IDisposable
{
    internal CudaEvent(CudaEventHandle handle) => Handle = handle;

    internal CudaEventHandle Handle { get; }

    private CudaCalls Calls => Handle.Calls;

    /// <summary>Whether the work before the mark is done.</summary>
    public bool HasPassed
    {
        get
        {
            int result = Calls.cuEventQuery(Handle);
            if (result == NativeCuda.CUDA_ERROR_NOT_READY)
                return false;
            Calls.Check(result, nameof(Calls.cuEventQuery));
            return true;
        }
    }

    /// <summary>Waits on the host until the work before the mark is done.</summary>
    public void Synchronize() =>
        Calls.Check(Calls.cuEventSynchronize(Handle), nameof(Calls.cuEventSynchronize));

    public void Dispose() => Handle.Dispose();
}
