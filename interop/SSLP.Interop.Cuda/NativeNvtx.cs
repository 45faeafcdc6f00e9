using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>
/// What a program and a tool agree on in NVTX 3, as nvToolsExt.h and nvtxTypes.h declare it: native names, native values, no logic. The
/// program is header-only there; its part is written anew here.
/// </summary>
internal static unsafe class NativeNvtx
{
    public const string EntryPoint = "InitializeInjectionNvtx2";

    public const int NVTX_VERSION = 3;
    public const int NVTX_COLOR_ARGB = 1;
    public const int NVTX_PAYLOAD_TYPE_UNSIGNED_INT64 = 1;
    public const int NVTX_MESSAGE_TYPE_ASCII = 1;
    public const int NVTX_MESSAGE_TYPE_REGISTERED = 3;

    public const uint NVTX_ETID_CALLBACKS = 1;
    public const uint NVTX_ETID_VERSIONINFO = 3;

    public const int NVTX_CB_MODULE_CORE2 = 5;

    public const int NVTX_CBID_CORE2_DomainRangePushEx = 4;
    public const int NVTX_CBID_CORE2_DomainRangePop = 5;
    public const int NVTX_CBID_CORE2_DomainRegisterStringA = 10;
    public const int NVTX_CBID_CORE2_DomainCreateA = 12;

    /// <summary>Functions of each module, the unused number 0 included: NVTX_CBID_…_SIZE of none, CORE, CUDA, OPENCL, CUDART, CORE2,
    /// SYNC.</summary>
    public static ReadOnlySpan<int> ModuleSizes => [0, 16, 9, 15, 7, 16, 7];

    [StructLayout(LayoutKind.Sequential)]
    public struct nvtxEventAttributes_v2
    {
        public ushort version;
        public ushort size;
        public uint category;
        public int colorType;
        public uint color;
        public int payloadType;
        public int reserved0;
        public ulong payload;
        public int messageType;
        public nint message;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct NvtxExportTableCallbacks
    {
        public nuint struct_size;
        public delegate* unmanaged<int, nint***, uint*, int> GetModuleFunctionTable;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct NvtxExportTableVersionInfo
    {
        public nuint struct_size;
        public uint version;
        public uint reserved0;
        public delegate* unmanaged<uint, void> SetInjectionNvtxVersion;
    }
}
