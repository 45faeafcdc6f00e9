using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using SSLP.Kernels.Compiler;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The embedded PTX: that it is the device code's, and that NVIDIA's assembler takes it.</summary>
public sealed partial class PtxTests
{
    [Fact]
    public void The_manifest_names_every_device_kernel() =>
        Assert.Equal(DeviceKernels.All.Select(kernel => kernel.Name).Order(), PtxLibrary.Kernels.Keys.Order());

    [Fact]
    public void The_embedded_text_is_what_the_device_code_compiles_to()
    {
        // In another order than the build's: the text must not depend on what was compiled before it.
        foreach (DeviceKernel kernel in DeviceKernels.All.Reverse())
        {
            PtxKernel fresh = PtxCompiler.Compile(kernel);
            Assert.Equal(fresh.Text, Encoding.ASCII.GetString(PtxLibrary.Text(kernel.Name)));
            Assert.Equal(new EmbeddedKernel(fresh.Name, fresh.Entry, fresh.GroupSize, fresh.SharedBytes), PtxLibrary.Kernels[kernel.Name]);
        }
    }

    [Fact]
    public void No_kernel_declares_more_shared_memory_than_a_group_may_have_without_asking() =>
        Assert.All(PtxLibrary.Kernels.Values, kernel => Assert.InRange(kernel.SharedBytes, 0, 48 * 1024));

    [Theory]
    [InlineData("sm_80")]
    [InlineData("sm_90")]
    public void Every_kernel_assembles_without_spills_or_a_stack(string architecture)
    {
        string assembler = FindAssembler() ?? "";
        Assert.SkipWhen(assembler.Length == 0, "no ptxas: set SSLP_PTXAS, or put CUDA's toolkit on PATH");
        foreach (string kernel in PtxLibrary.Kernels.Keys)
        {
            string report = Assemble(assembler, architecture, kernel);
            Assert.Contains("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads", report, StringComparison.Ordinal);
            Assert.InRange(int.Parse(Registers().Match(report).Groups["count"].Value, System.Globalization.CultureInfo.InvariantCulture), 1,
                255);
        }
    }

    private static string? FindAssembler() =>
        Environment.GetEnvironmentVariable("SSLP_PTXAS") is { Length: > 0 } named
            ? named
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "ptxas.exe" : "ptxas"))
                .FirstOrDefault(File.Exists);

    private static string Assemble(string assembler, string architecture, string kernel)
    {
        string source = Path.GetTempFileName(), binary = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(source, PtxLibrary.Text(kernel));
            using Process process = Process.Start(
                new ProcessStartInfo(assembler, ["-arch", architecture, "-v", "-o", binary, source]) { RedirectStandardError = true })!;
            string report = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{kernel} for {architecture}: {report}");
            return report;
        }
        finally
        {
            File.Delete(source);
            File.Delete(binary);
        }
    }

    [GeneratedRegex(@"Used (?<count>\d+) registers")]
    private static partial Regex Registers();
}
