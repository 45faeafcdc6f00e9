using System.Text;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

public sealed class LibTorchSharpTests
{
    [Fact]
    public void Needs_no_newer_libstdcxx_than_gcc_12_has()
    {
        string library = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the build step is for Linux");
        (string Name, ushort Flags)[] needs = [.. VersionNeeds(File.ReadAllBytes(library)).Where(n => n.Name == "GLIBCXX_3.4.32")];
        Assert.NotEmpty(needs);
        Assert.All(needs, need => Assert.Equal(2, need.Flags & 2)); // VER_FLG_WEAK
    }

    [Fact]
    public void The_package_in_the_cache_was_not_touched()
    {
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string library = Path.Combine(cache, "torchsharp", "0.107.0", "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        Assert.SkipUnless(File.Exists(library), "the package cache is elsewhere");
        Assert.All(VersionNeeds(File.ReadAllBytes(library)).Where(n => n.Name == "GLIBCXX_3.4.32"),
            need => Assert.Equal(0, need.Flags & 2));
    }

    /// <summary>Every version an ELF64 library needs, with its flags.</summary>
    private static IEnumerable<(string Name, ushort Flags)> VersionNeeds(byte[] elf)
    {
        const uint VersionNeedSection = 0x6ffffffe;
        long table = BitConverter.ToInt64(elf, 0x28);
        int size = BitConverter.ToUInt16(elf, 0x3A), count = BitConverter.ToUInt16(elf, 0x3C);
        for (int s = 0; s < count; s++)
        {
            int header = (int)table + (s * size);
            if (BitConverter.ToUInt32(elf, header + 4) != VersionNeedSection)
                continue;
            int names = (int)BitConverter.ToInt64(elf, (int)table + ((int)BitConverter.ToUInt32(elf, header + 40) * size) + 24);
            int need = (int)BitConverter.ToInt64(elf, header + 24), next;
            do
            {
                int entry = need + BitConverter.ToInt32(elf, need + 8);
                for (int e = BitConverter.ToUInt16(elf, need + 2); e > 0; e--)
                {
                    int name = names + BitConverter.ToInt32(elf, entry + 8);
                    yield return (Encoding.ASCII.GetString(elf, name, Array.IndexOf(elf, (byte)0, name) - name),
                        BitConverter.ToUInt16(elf, entry + 4));
                    entry += BitConverter.ToInt32(elf, entry + 12);
                }
                next = BitConverter.ToInt32(elf, need + 12);
                need += next;
            }
            while (next != 0);
        }
    }
}
