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

    internal CudaStreamHandle Handle { get; }

    /// <summary>Copies host bytes to the device. Truly asynchronous only from pinned memory.</summary>
    public void EnqueueUpload(ulong destination, void* source, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        CudaException.ThrowIfFailed(NativeCuda.cuMemcpyHtoDAsync_v2(destination, source, (nuint)bytes, Handle), nameof(NativeCuda.cuMemcpyHtoDAsync_v2));
    }

    /// <summary>Copies device bytes to the host. Truly asynchronous only into pinned memory.</summary>
    public void EnqueueReadBack(void* destination, ulong source, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        CudaException.ThrowIfFailed(NativeCuda.cuMemcpyDtoHAsync_v2(destination, source, (nuint)bytes, Handle), nameof(NativeCuda.cuMemcpyDtoHAsync_v2));
    }

    /// <summary>Sets device bytes to a value.</summary>
    public void EnqueueFill(ulong destination, byte value, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        CudaException.ThrowIfFailed(NativeCuda.cuMemsetD8Async(destination, value, (nuint)bytes, Handle), nameof(NativeCuda.cuMemsetD8Async));
    }

    /// <summary>Marks the end of what has been enqueued so far.</summary>
    public void EnqueueRecord(CudaEvent mark) =>
        CudaException.ThrowIfFailed(NativeCuda.cuEventRecord(mark.Handle, Handle), nameof(NativeCuda.cuEventRecord));

    /// <summary>What is enqueued from here on waits, on the device, for the event's latest record.</summary>
    public void EnqueueWait(CudaEvent mark) =>
        CudaException.ThrowIfFailed(NativeCuda.cuStreamWaitEvent(Handle, mark.Handle, 0), nameof(NativeCuda.cuStreamWaitEvent));

    /// <summary>Waits on the host until all that has been enqueued is done.</summary>
    public void Synchronize() =>
        CudaException.ThrowIfFailed(NativeCuda.cuStreamSynchronize(Handle), nameof(NativeCuda.cuStreamSynchronize));

    public void Dispose() => Handle.Dispose();
}

/// <summary>A mark in a stream. One that was never recorded counts as passed.</summary>
public sealed unsafe class CudaEvent : IDisposable
{
    internal CudaEvent(CudaEventHandle handle) => Handle = handle;

    internal CudaEventHandle Handle { get; }

    /// <summary>Whether the work before the mark is done.</summary>
    public bool HasPassed
    {
        get
        {
            int result = NativeCuda.cuEventQuery(Handle);
            if (result == NativeCuda.CUDA_ERROR_NOT_READY)
                return false;
            CudaException.ThrowIfFailed(result, nameof(NativeCuda.cuEventQuery));
            return true;
        }
    }

    /// <summary>Waits on the host until the work before the mark is done.</summary>
    public void Synchronize() =>
        CudaException.ThrowIfFailed(NativeCuda.cuEventSynchronize(Handle), nameof(NativeCuda.cuEventSynchronize));

    /// <summary>Device time from <paramref name="start"/> to here in milliseconds; both must have been made with timing and have passed.</summary>
    public float MillisecondsSince(CudaEvent start)
    {
        float milliseconds;
        CudaException.ThrowIfFailed(NativeCuda.cuEventElapsedTime(&milliseconds, start.Handle, Handle), nameof(NativeCuda.cuEventElapsedTime));
        return milliseconds;
    }

    public void Dispose() => Handle.Dispose();
}
