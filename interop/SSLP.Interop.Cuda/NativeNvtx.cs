using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>NVIDIA's ranges for profilers (nvToolsExt.h): native names, no logic.</summary>
internal static unsafe partial class NativeNvtx
{
    public const string Library = "nvtx";

    [LibraryImport(Library)]
    public static partial int nvtxRangePushA(byte* message);

    [LibraryImport(Library)]
    public static partial int nvtxRangePop();
}
