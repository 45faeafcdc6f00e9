using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Cli.Tests;

public sealed class DoctorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-doctor-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_driver_says_its_version_and_its_devices()
    {
        string library = Path.Combine(_folder, "libfakecuda.so");
        if (FakeCuda.Compile(Path.Combine(AppContext.BaseDirectory, "fakecuda.c"), library) is { } absence)
            Assert.Skip(absence);
        Sslp.Result doctor = Sslp.Run([("SSLP_CUDA_DRIVER", library)], "doctor");
        Assert.True(doctor.ExitCode == 0, doctor.Error);
        string said = string.Join(' ', doctor.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("NVIDIA driver CUDA 12.4; 0: Stand-in 70, compute 9.0, 5 GiB", said, StringComparison.Ordinal);
    }
}
