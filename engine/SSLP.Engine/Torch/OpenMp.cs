using System.Runtime.InteropServices;

namespace SSLP.Engine.Torch;

/// <summary>What libtorch's OpenMP (libgomp) is told before it loads: it reads libc's environment once, not .NET's copy of it.</summary>
internal static partial class OpenMp
{
    private const string SpinsName = "GOMP_SPINCOUNT";

    /// <summary>
    /// How often a waiting thread looks before it sleeps. A number that is set already stays; elsewhere than on Linux nothing is done.
    /// </summary>
    public static void SetSpins(int spins)
    {
        if (OperatingSystem.IsLinux())
            _ = setenv(SpinsName, spins.ToString(System.Globalization.CultureInfo.InvariantCulture), overwrite: 0);
    }

    /// <summary>The number that libgomp finds, or found; null where there is none.</summary>
    public static string? Spins => OperatingSystem.IsLinux() ? Marshal.PtrToStringUTF8(getenv(SpinsName)) : null;

    /// <summary>The same in words.</summary>
    public static string Describe => Spins is { } spins ? $"look {spins} times, then sleep" : "wait as libgomp has it";

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getenv(string name);
}
