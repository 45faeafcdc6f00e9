using System.Runtime.InteropServices;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>
/// The shared libraries as users get them. One that is not there, or is older than its assembly, is published once: libsslp-data in a
/// minute or so; libsslp, which takes several, only where SSLP_TEST_NATIVE=1 asks for it, else its tests skip.
/// </summary>
internal static class PublishedLibrary
{
    private static readonly Lock Publishing = new();

    /// <summary>libsslp-data's path.</summary>
    public static string Data => Of("SSLP.Native.Data", "libsslp-data", always: true);

    /// <summary>libsslp's path.</summary>
    public static string Whole => Of("SSLP.Native", "libsslp", always: false);

    private static string Of(string project, string name, bool always)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the hosts of these tests are Linux's");
        string source = Path.Combine(Repository.Root, "engine", project);
        string rid = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        string built = Path.Combine(source, "bin", Repository.Configuration, "net10.0", rid, name + ".dll");
        string folder = Path.Combine(Repository.Root, "artifacts", "native", "lib"), library = Path.Combine(folder, name + ".so");
        lock (Publishing)
        {
            DateTime newest = NewestOf(Path.GetDirectoryName(built)!);
            // The loader takes a variant for wider vectors in the library's place, also one of an earlier build.
            string variants = Path.Combine(folder, "glibc-hwcaps");
            if (Directory.Exists(variants))
                foreach (string variant in Directory.EnumerateFiles(variants, name + ".so", SearchOption.AllDirectories))
                    if (File.GetLastWriteTimeUtc(variant) < newest)
                        File.Delete(variant);
            if (File.Exists(library) && File.GetLastWriteTimeUtc(library) >= newest)
                return library;
            Assert.SkipUnless(always || Environment.GetEnvironmentVariable("SSLP_TEST_NATIVE") == "1",
                $"{name} is not published or older than its build; it takes minutes: SSLP_TEST_NATIVE=1, or build.ps1 native before"
                + $" the tests.");
            Ended made = Tool.Run("dotnet", "publish", source, "-c", Repository.Configuration, "--no-restore",
                "-p:BuildProjectReferences=false", "-v", "q", "-o", folder);
            Assert.SkipWhen(made.Output.Contains("linker", StringComparison.OrdinalIgnoreCase) && made.Code != 0,
                $"the platform's linker is missing; on Debian: apt install gcc zlib1g-dev. {made.Output}");
            made.Succeeded();
            File.SetLastWriteTimeUtc(library, DateTime.UtcNow);
            return library;
        }
    }

    private static DateTime NewestOf(string folder) =>
        Directory.EnumerateFiles(folder, "*.dll").Select(File.GetLastWriteTimeUtc).DefaultIfEmpty(DateTime.MaxValue).Max();
}
