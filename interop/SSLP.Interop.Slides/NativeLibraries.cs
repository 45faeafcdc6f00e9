using System.Reflection;
using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides;

/// <summary>Finds the shared libraries that this assembly binds at run time. None of them has to be there.</summary>
internal static class NativeLibraries
{
    public const string OpenSlide = "openslide";
    public const string TurboJpeg = "turbojpeg";

    /// <summary>Comes with a package: the runtime finds it beside the assembly.</summary>
    public const string Skia = "libSkiaSharp";

    private static readonly Lazy<nint> OpenSlideLibrary = new(() => Load(OpenSlideNames));
    private static readonly Lazy<nint> TurboJpegLibrary = new(() => Load(TurboJpegNames));

    // Newest first: 4.x, then 3.4 (Debian 12, Ubuntu 22.04).
    private static string[] OpenSlideNames =>
        OperatingSystem.IsWindows() ? ["libopenslide-1.dll", "libopenslide-0.dll"]
        : OperatingSystem.IsMacOS() ? ["libopenslide.1.dylib", "/opt/homebrew/lib/libopenslide.1.dylib", "libopenslide.0.dylib"]
        : ["libopenslide.so.1", "libopenslide.so.0"];

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

    private static nint Handle(string name) => name switch
    {
        OpenSlide => OpenSlideLibrary.Value,
        TurboJpeg => TurboJpegLibrary.Value,
        _ => 0,
    };

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
