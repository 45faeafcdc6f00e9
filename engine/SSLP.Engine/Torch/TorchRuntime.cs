using System.Runtime.InteropServices;
using SSLP.Data.Files;
using TorchSharp;

namespace SSLP.Engine.Torch;

/// <summary>
/// Loads libtorch. By default the one that came with the build; with <c>SSLP_LIBTORCH</c> the libraries of a Python torch (its <c>lib</c>
/// folder), which is how a machine with a GPU and no .NET packages runs this. Must be called before TorchSharp is touched.
/// </summary>
public static class TorchRuntime
{
    public const string FolderVariable = "SSLP_LIBTORCH";

    // Dependencies before dependants: each is found by its name when the next one asks for it.
    private static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    /// <summary>Where libtorch was taken from: the folder of <see cref="FolderVariable"/>, or null for the build's own.</summary>
    public static string? Folder { get; private set; }

    /// <summary>Loads libtorch and makes TorchSharp ready.</summary>
    /// <exception cref="Fault">The folder named in the environment is missing, incomplete, or does not load here.</exception>
    public static void Load()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
            LoadFrom(folder);
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception fault) when (fault is NotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            throw new Fault(FaultKind.Device,
                $"libtorch does not load here ({FirstLine(fault)}): build for this system, or set {FolderVariable} to the lib folder of a Python torch.", fault);
        }
    }

    private static void LoadFrom(string folder)
    {
        if (!Directory.Exists(folder))
            throw new Fault(FaultKind.Device, $"{FolderVariable} names '{folder}', which is no folder: it takes the lib folder of a Python torch.");
        foreach (string library in Libraries)
        {
            string path = Path.Combine(folder, FileName(library));
            if (File.Exists(path))
            {
                if (!NativeLibrary.TryLoad(path, out _))
                    throw new Fault(FaultKind.Device, $"'{path}' ({FolderVariable}) does not load on this system: the torch there is for another one.");
            }
            else if (!library.EndsWith("cuda", StringComparison.Ordinal))
            {
                throw new Fault(FaultKind.Device, $"{FolderVariable} names '{folder}', which has no {FileName(library)}: it takes the lib folder of a Python torch.");
            }
        }
        Folder = folder;
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static string FirstLine(Exception fault) => fault.GetBaseException().Message.Split('\n')[0].Trim();
}
