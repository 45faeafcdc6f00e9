using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>
/// The driver's functions as calls on an object, which a context and all that is made in it hold: the system's driver, or, under test, one
/// that executes kernels on the host. Names and order are <see cref="NativeCuda"/>'s.
/// </summary>
internal unsafe class CudaCalls
{
    /// <summary>The one check that ends every call.</summary>
    public void Check(int result, string call)
    {
        if (result != NativeCuda.CUDA_SUCCESS)
            throw new CudaException(call, result, Describe(result));
    }

    /// <summary>Whether device memory is the host's, and work is done in order with the host's own: a tensor on the CPU is on the
    /// device.</summary>
    public virtual bool IsOnHost => false;

    /// <summary>Is told of memory that is libtorch's and not the driver's, before kernels use it. A device finds its memory
    /// without.</summary>
    public virtual void Borrowed(ulong address, long bytes)
    {
    }

    /// <summary>The driver's name and words for an error.</summary>
    public string Describe(int result)
    {
        byte* name = null, text = null;
        _ = cuGetErrorName(result, &name);
        _ = cuGetErrorString(result, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"}, {Marshal.PtrToStringUTF8((nint)text) ?? "no description"}";
    }

    public virtual int cuGetErrorString(int error, byte** text) => NativeCuda.cuGetErrorString(error, text);

    public virtual int cuGetErrorName(int error, byte** name) => NativeCuda.cuGetErrorName(error, name);

    public virtual int cuInit(uint flags) => NativeCuda.cuInit(flags);

    public virtual int cuDriverGetVersion(int* version) => NativeCuda.cuDriverGetVersion(version);

    public virtual int cuDeviceGet(int* device, int ordinal) => NativeCuda.cuDeviceGet(device, ordinal);

    public virtual int cuDeviceGetCount(int* count) => NativeCuda.cuDeviceGetCount(count);

    public virtual int cuDeviceGetName(byte* name, int length, int device) => NativeCuda.cuDeviceGetName(name, length, device);

    public virtual int cuDeviceTotalMem_v2(nuint* bytes, int device) => NativeCuda.cuDeviceTotalMem_v2(bytes, device);

    public virtual int cuDeviceGetAttribute(int* value, int attribute, int device) =>
        NativeCuda.cuDeviceGetAttribute(value, attribute, device);

    public virtual int cuDevicePrimaryCtxRetain(nint* context, int device) => NativeCuda.cuDevicePrimaryCtxRetain(context, device);

    public virtual int cuDevicePrimaryCtxRelease_v2(int device) => NativeCuda.cuDevicePrimaryCtxRelease_v2(device);

    public virtual int cuCtxPushCurrent_v2(nint context) => NativeCuda.cuCtxPushCurrent_v2(context);

    public virtual int cuCtxPopCurrent_v2(nint* context) => NativeCuda.cuCtxPopCurrent_v2(context);

    public virtual int cuCtxSetCurrent(nint context) => NativeCuda.cuCtxSetCurrent(context);

    public virtual int cuCtxGetCurrent(nint* context) => NativeCuda.cuCtxGetCurrent(context);

    public virtual int cuCtxSynchronize() => NativeCuda.cuCtxSynchronize();

    public virtual int cuModuleLoadDataEx(nint* module, byte* image, uint optionCount, int* options, void** optionValues) =>
        NativeCuda.cuModuleLoadDataEx(module, image, optionCount, options, optionValues);

    public virtual int cuModuleUnload(nint module) => NativeCuda.cuModuleUnload(module);

    public virtual int cuModuleGetFunction(nint* function, CudaModuleHandle module, byte* name) =>
        NativeCuda.cuModuleGetFunction(function, module, name);

    public virtual int cuMemGetInfo_v2(nuint* free, nuint* total) => NativeCuda.cuMemGetInfo_v2(free, total);

    public virtual int cuMemAlloc_v2(ulong* pointer, nuint bytes) => NativeCuda.cuMemAlloc_v2(pointer, bytes);

    public virtual int cuMemFree_v2(ulong pointer) => NativeCuda.cuMemFree_v2(pointer);

    public virtual int cuMemFreeHost(nint pointer) => NativeCuda.cuMemFreeHost(pointer);

    public virtual int cuMemHostAlloc(nint* pointer, nuint bytes, uint flags) => NativeCuda.cuMemHostAlloc(pointer, bytes, flags);

    public virtual int cuMemcpyHtoDAsync_v2(ulong destination, void* source, nuint bytes, CudaStreamHandle stream) =>
        NativeCuda.cuMemcpyHtoDAsync_v2(destination, source, bytes, stream);

    public virtual int cuMemcpyDtoHAsync_v2(void* destination, ulong source, nuint bytes, CudaStreamHandle stream) =>
        NativeCuda.cuMemcpyDtoHAsync_v2(destination, source, bytes, stream);

    public virtual int cuMemsetD8Async(ulong destination, byte value, nuint count, CudaStreamHandle stream) =>
        NativeCuda.cuMemsetD8Async(destination, value, count, stream);

    public virtual int cuPointerGetAttribute(void* data, int attribute, ulong pointer) =>
        NativeCuda.cuPointerGetAttribute(data, attribute, pointer);

    public virtual int cuStreamCreate(nint* stream, uint flags) => NativeCuda.cuStreamCreate(stream, flags);

    public virtual int cuStreamGetCtx(CudaStreamHandle stream, nint* context) => NativeCuda.cuStreamGetCtx(stream, context);

    public virtual int cuStreamWaitEvent(CudaStreamHandle stream, CudaEventHandle @event, uint flags) =>
        NativeCuda.cuStreamWaitEvent(stream, @event, flags);

    public virtual int cuStreamSynchronize(CudaStreamHandle stream) => NativeCuda.cuStreamSynchronize(stream);

    public virtual int cuStreamDestroy_v2(nint stream) => NativeCuda.cuStreamDestroy_v2(stream);

    public virtual int cuEventCreate(nint* @event, uint flags) => NativeCuda.cuEventCreate(@event, flags);

    public virtual int cuEventRecord(CudaEventHandle @event, CudaStreamHandle stream) => NativeCuda.cuEventRecord(@event, stream);

    public virtual int cuEventQuery(CudaEventHandle @event) => NativeCuda.cuEventQuery(@event);

    public virtual int cuEventSynchronize(CudaEventHandle @event) => NativeCuda.cuEventSynchronize(@event);

    public virtual int cuEventDestroy_v2(nint @event) => NativeCuda.cuEventDestroy_v2(@event);

    public virtual int cuFuncSetAttribute(nint function, int attribute, int value) =>
        NativeCuda.cuFuncSetAttribute(function, attribute, value);

    public virtual int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX,
        uint blockY, uint blockZ, uint sharedBytes, CudaStreamHandle stream, void** parameters, void** extra) =>
        NativeCuda.cuLaunchKernel(function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, parameters, extra);

    public virtual int cuProfilerStart() => NativeCuda.cuProfilerStart();

    public virtual int cuProfilerStop() => NativeCuda.cuProfilerStop();
}
