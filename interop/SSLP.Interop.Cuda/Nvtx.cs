using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SSLP.Interop.Cuda;

/// <summary>
/// Named ranges that a profiler shows above the work inside them. Where the library is absent (it comes with CUDA's toolkit and with a Python
/// torch; the environment variable SSLP_NVTX names it by path) a range costs a test of a flag and does nothing.
/// </summary>
public static class Nvtx
{
    private static readonly string[] Names = OperatingSystem.IsWindows() ? ["nvToolsExt64_1.dll"] : ["libnvToolsExt.so.1", "libnvtx3interop.so.1"];

    internal static nint LibraryHandle { get; } = Load();

    /// <summary>Whether ranges reach a library.</summary>
    public static bool IsAvailable => LibraryHandle != 0;

    /// <summary>Opens a range on this thread; disposing closes it. <c>using (Nvtx.Range("bank step"u8))</c></summary>
    /// <param name="name">UTF-8 and zero-terminated, which a u8 literal is.</param>
    public static unsafe NvtxRange Range(ReadOnlySpan<byte> name)
    {
        if (!IsAvailable)
            return default;
        fixed (byte* text = name)
            _ = NativeNvtx.nvtxRangePushA(text);
        return new NvtxRange(true);
    }

    private static nint Load()
    {
        // The resolver is set by CudaDriver's static constructor.
        RuntimeHelpers.RunClassConstructor(typeof(CudaDriver).TypeHandle);
        string? path = Environment.GetEnvironmentVariable("SSLP_NVTX");
        foreach (string name in string.IsNullOrEmpty(path) ? Names : [path])
        {
            if (NativeLibrary.TryLoad(name, out nint library) && NativeLibrary.TryGetExport(library, nameof(NativeNvtx.nvtxRangePushA), out _))
                return library;
        }

        return 0;
    }
}

/// <summary>An open range; close it on the thread that opened it.</summary>
public readonly struct NvtxRange : IDisposable
{
    private readonly bool _open;

    internal NvtxRange(bool open) => _open = open;

    public void Dispose()
    {
        if (_open)
            _ = NativeNvtx.nvtxRangePop();
    }
}
