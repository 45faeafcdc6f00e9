using System.Diagnostics;
using System.Runtime.InteropServices;
using SSLP.Interop.Cuda;
using Xunit;

namespace SSLP.Tests.Native;

/// <summary>
/// Builds fakecuda.c with the system's C compiler and makes it this process's driver. Tests that need it skip, with the reason, where there
/// is no compiler, or where the process is to use a real driver (SSLP_KERNELS=cuda).
/// </summary>
public sealed unsafe class FakeCuda : IDisposable
{
    private readonly string? _absence;
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-fakecuda-").FullName;
    private readonly delegate* unmanaged<byte*> _record;
    private readonly delegate* unmanaged<void> _forget;
    private readonly delegate* unmanaged<int> _retained;
    private readonly int* _bus;

    public FakeCuda()
    {
        if (Environment.GetEnvironmentVariable("SSLP_KERNELS") == "cuda")
        {
            _absence = "SSLP_KERNELS=cuda: this process uses the real driver";
            return;
        }

        string library = Path.Combine(_folder, "libfakecuda.so");
        _absence = Compile(Path.Combine(AppContext.BaseDirectory, "fakecuda.c"), library);
        if (_absence is not null)
            return;
        CudaDriver.LoadFrom(library);
        nint handle = NativeLibrary.Load(library);
        _record = (delegate* unmanaged<byte*>)NativeLibrary.GetExport(handle, "fakecuda_record");
        _forget = (delegate* unmanaged<void>)NativeLibrary.GetExport(handle, "fakecuda_forget");
        _retained = (delegate* unmanaged<int>)NativeLibrary.GetExport(handle, "fakecuda_retained");
        _bus = (int*)NativeLibrary.GetExport(handle, "fakecuda_bus");
    }

    /// <summary>How many times the primary context is held.</summary>
    public int Retained => _retained();

    /// <summary>The PCI bus of its card: processes with one number have one card.</summary>
    public int Bus { set => *_bus = value; }

    /// <summary>The calls since <see cref="Forget"/>, one a line.</summary>
    public string[] Record => Marshal.PtrToStringUTF8((nint)_record())!.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Skips the test where there is no stand-in; else begins a new record.</summary>
    public void Require()
    {
        if (_absence is not null)
            Assert.Skip(_absence);
        Forget();
    }

    public void Forget() => _forget();

    // The library stays loaded for the process's life: handles may be finalised after this.
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Builds the stand-in; null, or why it cannot be built here.</summary>
    public static string? Compile(string source, string library)
    {
        if (OperatingSystem.IsWindows())
            return "the stand-in driver is built on Linux only";
        try
        {
            using Process compiler = Process.Start(
                new ProcessStartInfo("cc", ["-shared", "-fPIC", "-O1", "-o", library, source]) { RedirectStandardError = true })!;
            string errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? null : throw new InvalidOperationException($"cc does not compile {source}: {errors}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "no C compiler (cc) to build the stand-in driver with";
        }
    }
}
