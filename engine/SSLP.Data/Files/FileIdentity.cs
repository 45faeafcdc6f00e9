using System.Runtime.InteropServices;

namespace SSLP.Data.Files;

/// <summary>What a file or folder is, whichever way it was reached: device and inode on Linux, its path with all links followed
/// elsewhere.</summary>
/// <param name="Device">Device number; 0 where only the path is known.</param>
/// <param name="Number">Inode.</param>
/// <param name="Path">The path, where there is no inode.</param>
internal readonly record struct FileIdentity(ulong Device, ulong Number, string? Path)
{
    /// <summary>Links that are followed, one after the other, before a path is taken for a loop; Linux's own limit.</summary>
    private const int MostLinks = 40;

    // struct statx of Linux, the same on every architecture: mode at 28, inode at 32, device at 136 and 140, of 256 bytes.
    private const int StatxBytes = 256, ModeAt = 28, InodeAt = 32, MajorAt = 136, MinorAt = 140, CurrentFolder = -100;
    private const uint TypeMask = 1, InodeMask = 0x100;
    private const int TypeBits = 0xF000, Regular = 0x8000, Folder = 0x4000;

    /// <summary>The identity of what a path leads to; null where it leads nowhere.</summary>
    public static unsafe FileIdentity? Of(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            byte* status = stackalloc byte[StatxBytes];
            try
            {
                if (Statx(CurrentFolder, path, 0, InodeMask, status) != 0)
                    return null;
                if (*(ulong*)(status + InodeAt) is > 0 and ulong inode)
                    return new(((ulong)*(uint*)(status + MajorAt) << 32) | *(uint*)(status + MinorAt), inode, null);
            }
            catch (EntryPointNotFoundException)
            {
                // A C library without statx: the path serves.
            }
        }
        return RealPath(path) is { } real ? new(0, 0, real) : null;
    }

    /// <summary>
    /// Whether a path leads to a pipe, a socket or a device: to open one waits for somebody to write into it. Known on Linux only.
    /// </summary>
    public static unsafe bool IsNoFile(string path)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        byte* status = stackalloc byte[StatxBytes];
        try
        {
            return Statx(CurrentFolder, path, 0, TypeMask, status) == 0
                && (*(ushort*)(status + ModeAt) & TypeBits) is not (0 or Regular or Folder);
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The path with every link in it followed; null where one leads nowhere or in a circle.</summary>
    public static string? RealPath(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        for (int links = 0; links < MostLinks; links++)
        {
            string root = System.IO.Path.GetPathRoot(full)!, walked = root;
            string[] parts = full[root.Length..].Split(System.IO.Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
            int at = 0;
            for (; at < parts.Length; at++)
            {
                walked = System.IO.Path.Combine(walked, parts[at]);
                FileSystemInfo info = Directory.Exists(walked) ? new DirectoryInfo(walked) : new FileInfo(walked);
                if (info.LinkTarget is not { } target)
                    continue;
                string folder = System.IO.Path.GetDirectoryName(walked)!;
                full = System.IO.Path.GetFullPath(System.IO.Path.Combine([folder, target, .. parts[(at + 1)..]]));
                break;
            }
            if (at == parts.Length)
                return System.IO.Path.Exists(walked) ? walked : null;
        }
        return null;
    }

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static extern unsafe int Statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask,
        byte* status);
}
