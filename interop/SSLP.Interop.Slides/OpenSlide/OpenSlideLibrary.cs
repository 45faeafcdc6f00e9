using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>The OpenSlide of this machine, if there is one.</summary>
public static unsafe class OpenSlideLibrary
{
    /// <summary>Below this, files can read outside of their buffers (two CVEs fixed in it).</summary>
    private static readonly Version FirstWithFixes = new(4, 0, 1);

    internal const string HowToInstall =
        "install OpenSlide (Debian, Ubuntu: apt install libopenslide0; macOS: brew install openslide; "
        + "Windows: put its bin folder on PATH) to read it";

    /// <summary>Whether the library was found.</summary>
    public static bool IsAvailable => NativeLibraries.IsPresent(NativeLibraries.OpenSlide);

    /// <summary>Its version as it states it ("3.4.1"), or null where there is none.</summary>
    public static string? Version => IsAvailable ? Marshal.PtrToStringUTF8((nint)NativeOpenSlide.openslide_get_version()) : null;

    /// <summary>A sentence to show to the user where the version found has known faults, else null.</summary>
    public static string? Warning =>
        Version is { } version && System.Version.TryParse(version, out Version? parsed) && parsed < FirstWithFixes
            ? $"OpenSlide {version} has known security faults in its readers; "
                + $"install {FirstWithFixes} or later before opening files you do not trust."
            : null;

    /// <summary>Whether the size of the tile cache can be set (4.0 and later).</summary>
    public static bool HasCacheControl =>
        Version is { } version && System.Version.TryParse(version, out Version? parsed) && parsed.Major >= 4;
}
