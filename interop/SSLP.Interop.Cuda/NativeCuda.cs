using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace SSLP.Interop.Cuda;

/// <summary>
/// The driver API as cuda.h declares it, in the header's order: native names, native types, no logic. Every function returns a CUresult,
/// 0 being success. Source: CUDA Driver API reference manual.
/// </summary>
internal static unsafe partial class NativeCuda
{
    public const string Library = "cuda";

    public const int CUDA_SUCCESS = 0;
    public const int CUDA_ERROR_INVALID_VALUE = 1;
    public const int CUDA_ERROR_DEINITIALIZED = 4;
    public const int CUDA_ERROR_NOT_READY = 600;

    public const int CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16;
    public const int CU_DEVICE_ATTRIBUTE_PCI_BUS_ID = 33;
    public const int CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID = 34;
    public const int CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID = 50;
    public const int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
    public const int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;
    public const int CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97;

    public const int CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

    public const int CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2;
    public const int CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9;
    public const int CU_MEMORYTYPE_DEVICE = 2;

    public const nint CU_STREAM_LEGACY = 1;
    public const nint CU_STREAM_PER_THREAD = 2;
    public const uint CU_STREAM_NON_BLOCKING = 1;
    public const uint CU_EVENT_DISABLE_TIMING = 2;
    public const uint CU_MEMHOSTALLOC_PORTABLE = 1;

    public const int CU_JIT_ERROR_LOG_BUFFER = 5;
    public const int CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;

    [LibraryImport(Library)]
    public static partial int cuGetErrorString(int error, byte** text);

    [LibraryImport(Library)]
    public static partial int cuGetErrorName(int error, byte** name);

    [LibraryImport(Library)]
    public static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    public static partial int cuDriverGetVersion(int* version);

    [LibraryImport(Library)]
    public static partial int cuDeviceGet(int* device, int ordinal);

    [LibraryImport(Library)]
    public static partial int cuDeviceGetCount(int* count);

    [LibraryImport(Library)]
    public static partial int cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    public static partial int cuDeviceTotalMem_v2(nuint* bytes, int device);

    [LibraryImport(Library)]
    public static partial int cuDeviceGetAttribute(int* value, int attribute, int device);

    [LibraryImport(Library)]
    public static partial int cuDevicePrimaryCtxRetain(nint* context, int device);

    [LibraryImport(Library)]
    public static partial int cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    public static partial int cuCtxPushCurrent_v2(nint context);

    [LibraryImport(Library)]
    public static partial int cuCtxPopCurrent_v2(nint* context);

    [LibraryImport(Library)]
    public static partial int cuCtxSetCurrent(nint context);

    [LibraryImport(Library)]
    public static partial int cuCtxGetCurrent(nint* context);

    [LibraryImport(Library)]
    public static partial int cuCtxSynchronize();

    [LibraryImport(Library)]
    public static partial int cuModuleLoadDataEx(nint* module, byte* image, uint optionCount, int* options, void** optionValues);

    [LibraryImport(Library)]
    public static partial int cuModuleUnload(nint module);

    [LibraryImport(Library)]
    public static partial int cuModuleGetFunction(nint* function, CudaModuleHandle module, byte* name);

    [LibraryImport(Library)]
    public static partial int cuMemGetInfo_v2(nuint* free, nuint* total);

    [LibraryImport(Library)]
    public static partial int cuMemAlloc_v2(ulong* pointer, nuint bytes);

    [LibraryImport(Library)]
    public static partial int cuMemFree_v2(ulong pointer);

    [LibraryImport(Library)]
    public static partial int cuMemFreeHost(nint pointer);

    [LibraryImport(Library)]
    public static partial int cuMemHostAlloc(nint* pointer, nuint bytes, uint flags);

    [LibraryImport(Library)]
    public static partial int cuMemcpyHtoDAsync_v2(ulong destination, void* source, nuint bytes, CudaStreamHandle stream);

    [LibraryImport(Library)]
    public static partial int cuMemcpyDtoHAsync_v2(void* destination, ulong source, nuint bytes, CudaStreamHandle stream);

    [LibraryImport(Library)]
    public static partial int cuMemsetD8Async(ulong destination, byte value, nuint count, CudaStreamHandle stream);

    [LibraryImport(Library)]
    public static partial int cuPointerGetAttribute(void* data, int attribute, ulong pointer);

    [LibraryImport(Library)]
    public static partial int cuStreamCreate(nint* stream, uint flags);

    [LibraryImport(Library)]
    public static partial int cuStreamGetCtx(CudaStreamHandle stream, nint* context);

    [LibraryImport(Library)]
    public static partial int cuStreamWaitEvent(CudaStreamHandle stream, CudaEventHandle @event, uint flags);

    [LibraryImport(Library)]
    public static partial int cuStreamSynchronize(CudaStreamHandle stream);

    [LibraryImport(Library)]
    public static partial int cuStreamDestroy_v2(nint stream);

    [LibraryImport(Library)]
    public static partial int cuEventCreate(nint* @event, uint flags);

    [LibraryImport(Library)]
    public static partial int cuEventRecord(CudaEventHandle @event, CudaStreamHandle stream);

    [LibraryImport(Library)]
    public static partial int cuEventQuery(CudaEventHandle @event);

    [LibraryImport(Library)]
    public static partial int cuEventSynchronize(CudaEventHandle @event);

    [LibraryImport(Library)]
    public static partial int cuEventDestroy_v2(nint @event);

    [LibraryImport(Library)]
    public static partial int cuFuncSetAttribute(nint function, int attribute, int value);

    [LibraryImport(Library)]
    public static partial int cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, CudaStreamHandle stream, void** parameters, void** extra);

    [LibraryImport(Library)]
    public static partial int cuProfilerStart();

    [LibraryImport(Library)]
    public static partial int cuProfilerStop();
}
