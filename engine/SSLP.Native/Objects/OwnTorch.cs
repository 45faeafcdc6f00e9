using SSLP.Data.Files;

namespace SSLP.Native;

/// <summary>
/// Which libtorch this process gets. A native library has no assembly's location, by which TorchSharp looks for its files: libtorch is
/// loaded by full path from the library's own folder before TorchSharp is touched, and its wrapper is found there by the library's run
/// path ($ORIGIN). A host may hold a libtorch of its own, as Python does after "import torch": two of them in one process share symbols
/// by chance, so that is refused by name.
/// </summary>
internal static class OwnTorch
{
    private const string Library = "libtorch_cpu";

    private static readonly Lock Gate = new();
    private static bool s_loaded;

    /// <summary>The folder to take libtorch from, or empty for the one beside the library.</summary>
    /// <param name="asked">As the host named it, or empty.</param>
    /// <exception cref="Fault">Another libtorch is in the process.</exception>
    public static string FolderFor(string asked)
    {
        lock (Gate)
        {
            string? own = OwnFolder();
            string folder = asked.Length > 0 ? Path.GetFullPath(asked) : own is not null && Holds(own) ? own : string.Empty;
            if (!s_loaded && Loaded() is { } other && Path.GetDirectoryName(other) != folder)
            {
                throw new Fault(FaultKind.Device,
                    $"This process holds '{other}' already, another libtorch than this library's, and two of them clash: "
                    + "train in a process of its own, or name that folder as the context's libtorch if it is version 2.10.");
            }
            s_loaded = true;
            return folder;
        }
    }

    private static bool Holds(string folder) => File.Exists(Path.Combine(folder, FileName(Library)));

    private static string FileName(string library) => library + (OperatingSystem.IsMacOS() ? ".dylib" : ".so");

    /// <summary>The folder of this library and of what lies beside it, as the system mapped it; null where it cannot be told.</summary>
    private static string? OwnFolder()
    {
        // glibc's loader takes the library for this processor from a folder below.
        string? folder = Mapped("libsslp") is { } path ? Path.GetDirectoryName(path) : null;
        int below = folder?.IndexOf("/glibc-hwcaps/", StringComparison.Ordinal) ?? -1;
        return below < 0 ? folder : folder![..below];
    }

    private static string? Loaded() => Mapped(Library);

    /// <summary>A file of this process's memory map by the beginning of its name.</summary>
    private static string? Mapped(string name)
    {
        const string Map = "/proc/self/maps";
        if (!File.Exists(Map))
            return null;
        foreach (string line in File.ReadLines(Map))
        {
            int slash = line.IndexOf('/');
            if (slash >= 0 && Path.GetFileName(line.AsSpan(slash)).StartsWith(name + ".", StringComparison.Ordinal))
                return line[slash..];
        }
        return null;
    }
}
