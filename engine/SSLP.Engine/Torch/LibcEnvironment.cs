using System.Runtime.InteropServices;

namespace SSLP.Engine.Torch;

/// <summary>The environment that native libraries read: .NET's is a copy of it. Linux; elsewhere nothing is there and nothing is
/// set.</summary>
internal static partial class LibcEnvironment
{
    /// <summary>A variable's value; null where it is not set.</summary>
    public static string? Get(string name) => OperatingSystem.IsLinux() ? Marshal.PtrToStringUTF8(getenv(name)) : null;

    /// <summary>Sets a variable that is not set already.</summary>
    public static void SetWhereUnset(string name, string value)
    {
        if (OperatingSystem.IsLinux())
            _ = setenv(name, value, overwrite: 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getenv(string name);
}
