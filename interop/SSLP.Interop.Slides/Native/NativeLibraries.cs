using System.Reflection;
using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides;

/// <summary>Finds the shared libraries that this assembly binds at run time. None of them has to be there.</summary>
internal static class NativeLibraries
{
    public const string OpenSlide = "openslide";
    public const string TurboJpeg = "turbojpeg";
    public const string OpenJpeg = "openjp2";

    /// <summary>Comes with a package: the runtime finds it beside the assembly.</summary>
    public const string Skia = "libSkiaSharp";

    private static readonly Lazy<nint> OpenSlideLibrary = new(() => Load(OpenSlideNames));
    private static readonly Lazy<nint> TurboJpegLibrary = new(() => Load(TurboJpegNames));
    private static readonly Lazy<nint> OpenJpegLibrary = new(() =>
        LoadPackagedOpenJpeg() is not 0 and var packaged ? packaged : Load(OpenJpegNames));

    // Newest first: 4.x, then 3.4 (Debian 12, Ubuntu 22.04).
    private static string[] OpenSlideNames =>
        OperatingSystem.IsWindows() ? ["libopenslide-1.dll", "libopenslide-0.dll"]
        : OperatingSystem.IsMacOS() ? ["libopenslide.1.dylib", "/opt/homebrew/lib/libopenslide.1.dylib", "libopenslide.0.dylib"]
        : ["libopenslide.so.1", "libopenslide.so.0"];

    private static string[] OpenJpegNames =>
        OperatingSystem.IsWindows() ? ["openjp2.dll"]
        : OperatingSystem.IsMacOS() ? ["libopenjp2.7.dylib", "/opt/homebrew/lib/libopenjp2.7.dylib"]
        : ["libopenjp2.so.7"];

    private static string[] TurboJpegNames =>
        OperatingSystem.IsWindows() ? ["turbojpeg.dll", "libturbojpeg.dll"]
        : OperatingSystem.IsMacOS() ? ["libturbojpeg.0.dylib", "/opt/homebrew/lib/libturbojpeg.0.dylib"]
        : ["libturbojpeg.so.0"];

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>Whether the machine has the library of that name.</summary>
    public static bool IsPresent(string name) => Handle(name) != 0;

    /// <summary>Runs the static constructor, so that the resolver is in place before the first native call.</summary>
    public static void Install()
    {
    }

    // 0 for a name that is not ours leaves the search to the runtime.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) => Handle(name);

    /// <summary>The library of that name, or 0.</summary>
    public static nint Handle(string name) => name switch
    {
        OpenSlide => OpenSlideLibrary.Value,
        TurboJpeg => TurboJpegLibrary.Value,
        OpenJpeg => OpenJpegLibrary.Value,
        _ => 0,
    };

    // Magick.NET's native library has OpenJPEG inside, newer than most machines have; on Linux and macOS it can be called there as if it
    // were the library itself.
    private static nint LoadPackagedOpenJpeg()
    {
        string architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        string extension = OperatingSystem.IsMacOS() ? ".dylib" : OperatingSystem.IsWindows() ? "" : ".so";
        string name = $"Magick.Native-Q8-{architecture}.dll{extension}";
        return NativeLibrary.TryLoad(name, typeof(NativeLibraries).Assembly, null, out nint handle)
            && NativeLibrary.TryGetExport(handle, "opj_create_decompress", out _)
            && NativeLibrary.TryGetExport(handle, "opj_stream_set_user_data_length", out _) ? handle : 0;
    }

    private static nint Load(string[] names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
                return handle;
        }
        return 0;
    }
}
