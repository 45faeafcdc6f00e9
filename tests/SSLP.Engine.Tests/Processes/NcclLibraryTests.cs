using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Engine.Processes;
using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Engine.Tests.Processes;

/// <summary>Where NCCL is looked for, and what is said of what is none.</summary>
public sealed class NcclLibraryTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-nccl-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Torchs_own_is_found_in_its_folder_or_beside_it_and_none_is_an_answer()
    {
        string torch = Path.Combine(_root, "torch", "lib"), beside = Path.Combine(_root, "nvidia", "nccl", "lib");
        if (!NativeLibrary.TryLoad("libnccl.so.2", out _))
        {
            Assert.False(NcclLibrary.TryFind(torch, out _, out string? why));
            Assert.Contains($"libnccl.so.2 is neither in '{torch}'", why, StringComparison.Ordinal);
        }
        Build("fakenccl.c", Path.Combine(beside, "libnccl.so.2"));
        Assert.True(NcclLibrary.TryFind(torch, out NcclLibrary? library, out _));
        Assert.Equal("NCCL 2.99.1", library.Version);
        // Its own first: one that is no NCCL is not passed over for another.
        Build("fakecuda.c", Path.Combine(torch, "libnccl.so.2"));
        Fault fault = Assert.Throws<Fault>(() => NcclLibrary.TryFind(torch, out _, out _));
        Assert.Contains($"'{Path.Combine(torch, "libnccl.so.2")}' has no ncclGetErrorString: it is no NCCL", fault.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_loads_nothing_is_refused()
    {
        Fault fault = Assert.Throws<Fault>(() => NcclLibrary.Load(Path.Combine(_root, "libnccl.so")));
        Assert.Equal(FaultKind.Usage, fault.Kind);
        Assert.Contains("does not load as NCCL: name its libnccl.so.2, or none to average through the host.", fault.Message,
            StringComparison.Ordinal);
    }

    private static void Build(string source, string library)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(library)!);
        if (FakeCuda.Compile(Path.Combine(AppContext.BaseDirectory, source), library) is { } absence)
            Assert.Skip(absence);
    }
}
