using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit;

namespace SSLP.Tests.Native;

/// <summary>
/// Builds nvtxrecorder.c with the system's C compiler: a tool of NVTX that writes down what it is told. Tests that need it skip, with the
/// reason, where there is no compiler.
/// </summary>
public sealed unsafe class NvtxRecorder : IDisposable
{
    private readonly string? _absence;
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-nvtx-").FullName;
    private readonly Lazy<nint> _handle;

    public NvtxRecorder()
    {
        Library = Build("recorder");
        _absence = Library.Length > 0 ? null : "no C compiler (cc) to build a recording NVTX tool with (Debian: gcc)";
        _handle = new(() => NativeLibrary.Load(Library));
    }

    /// <summary>The tool.</summary>
    public string Library { get; }

    /// <summary>What it was told since <see cref="Forget"/>, a line each; of this process.</summary>
    public string[] Record =>
        Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)NativeLibrary.GetExport(_handle.Value, "nvtxrecorder_record"))())!
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public void Forget() => ((delegate* unmanaged<void>)NativeLibrary.GetExport(_handle.Value, "nvtxrecorder_forget"))();

    /// <summary>Skips the test where there is no compiler.</summary>
    public void Require() => Assert.SkipUnless(_absence is null, _absence ?? "");

    /// <summary>The tool with another behaviour; empty where it cannot be built here.</summary>
    public string Build(string name, params string[] defines)
    {
        if (OperatingSystem.IsWindows())
            return "";
        string library = Path.Combine(_folder, $"lib{name}.so"), source = Path.Combine(AppContext.BaseDirectory, "nvtxrecorder.c");
        try
        {
            using Process compiler = Process.Start(new ProcessStartInfo(
                "cc", ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", .. defines, "-o", library, source])
            { RedirectStandardError = true })!;
            string errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? library : throw new InvalidOperationException($"cc does not compile {source}: {errors}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }

    // Libraries stay loaded for the process's life: their functions may be called until its end.
    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
