using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>turbojpeg.h, the functions that every version since 2.0 exports.</summary>
internal static unsafe partial class NativeTurboJpeg
{
    public const int TJPF_RGB = 0;
    public const int TJFLAG_ACCURATEDCT = 4096;
    public const int TJFLAG_STOPONWARNING = 8192;
    public const int TJFLAG_LIMITSCANS = 32768;

    private const string Library = NativeLibraries.TurboJpeg;

    static NativeTurboJpeg() => NativeLibraries.Install();

    [LibraryImport(Library)]
    public static partial int tjDestroy(nint handle);

    [LibraryImport(Library)]
    public static partial nint tjInitDecompress();

    [LibraryImport(Library)]
    public static partial int tjDecompress2(
        TurboJpegHandle handle, byte* jpegBuf, CULong jpegSize, byte* dstBuf, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(Library)]
    public static partial byte* tjGetErrorStr2(TurboJpegHandle handle);
}
