using System.Runtime.InteropServices;
using SSLP.Data.Files;
using TorchSharp;

namespace SSLP.Engine.Torch;

/// <summary>
/// Loads libtorch, once a process. By default the one that came with the build; else the libraries of a Python torch (its <c>lib</c>
/// folder), which is how a machine with a GPU and no .NET packages runs this. Must be called before TorchSharp is touched.
/// </summary>
internal static class TorchRuntime
{
    // Dependencies before dependants: each is found by its name when the next one asks for it.
    private static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    // A process has one libtorch; who comes second gets the first one's.
    private static readonly Lock Loading = new();
    private static string? _folder;

    /// <summary>Loads libtorch and makes TorchSharp ready.</summary>
    /// <param name="folder">The lib folder of a Python torch; null or empty: the build's own.</param>
    /// <exception cref="Fault">The folder is missing, incomplete, does not load here, or is another one than this process has
    /// loaded.</exception>
    public static void Load(string? folder = null)
    {
        lock (Loading)
        {
            string asked = string.IsNullOrEmpty(folder) ? string.Empty : Path.GetFullPath(folder);
            if (_folder is not null && asked.Length > 0 && _folder != asked)
                throw new Fault(FaultKind.Device,
                    $"libtorch names '{folder}', and this process has loaded " +
                    $"{(_folder.Length > 0 ? $"'{_folder}'" : "the build's own")} already.");
            if (_folder is null && asked.Length > 0)
                LoadFrom(asked);
            Initialise();
            _folder ??= asked;
        }
    }

    /// <summary>Where this process's libtorch was taken from, and its version.</summary>
    public static string Describe => _folder is { Length: > 0 } folder ? folder : $"of the build, {torch.__version__}";

    /// <summary>The folder that its libraries lie in.</summary>
    public static string Folder
    {
        get
        {
            if (_folder is { Length: > 0 } folder)
                return folder;
            // A build keeps them by platform, a published program beside itself.
            string built = Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
            return Directory.Exists(built) ? built : AppContext.BaseDirectory;
        }
    }

    private static void Initialise()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception fault) when (fault is NotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            throw new Fault(FaultKind.Device,
                $"libtorch does not load here ({FirstLine(fault)}): build for this system, or name the lib folder of a Python torch " +
                $"(--libtorch).", fault);
        }
    }

    private static void LoadFrom(string folder)
    {
        if (!Directory.Exists(folder))
            throw new Fault(FaultKind.Usage, $"libtorch names '{folder}', which is no folder: it takes the lib folder of a Python torch.");
        foreach (string library in Libraries)
        {
            string path = Path.Combine(folder, FileName(library));
            if (File.Exists(path))
            {
                if (!NativeLibrary.TryLoad(path, out _))
                    throw new Fault(FaultKind.Device,
                        $"'{path}' (libtorch) does not load on this system: the torch there is for another one.");
            }
            else if (!library.EndsWith("cuda", StringComparison.Ordinal))
            {
                throw new Fault(
                    FaultKind.Usage,
                    $"libtorch names '{folder}', which has no {FileName(library)}: it takes the lib folder of a Python torch.");
            }
        }
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static string FirstLine(Exception fault) => fault.GetBaseException().Message.Split('\n')[0].Trim();
}
