using System.Reflection;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>The direction of the projects, read from what each assembly really references.</summary>
public sealed class LayersTests
{
    [Theory]
    [InlineData("SSLP.Interop.Cuda", "")]
    [InlineData("SSLP.Interop.Slides", "")]
    [InlineData("SSLP.Kernels", "SSLP.Interop.Cuda")]
    [InlineData("SSLP.Data", "SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    [InlineData("SSLP.Engine", "SSLP.Data SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    [InlineData("SSLP.Evaluation", "SSLP.Engine SSLP.Data SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    [InlineData("SSLP.Bench", "SSLP.Evaluation SSLP.Engine SSLP.Data SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    [InlineData("libsslp-data", "SSLP.Data SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    [InlineData("libsslp", "libsslp-data SSLP.Evaluation SSLP.Engine SSLP.Data SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    [InlineData("sslp", "SSLP.Bench SSLP.Evaluation SSLP.Engine SSLP.Data SSLP.Interop.Cuda SSLP.Interop.Slides SSLP.Kernels")]
    public void An_assembly_references_only_what_lies_below_it(string assembly, string below) =>
        Assert.Subset(below.Split(' ').ToHashSet(), References(assembly).Where(r => r.StartsWith("SSLP", StringComparison.Ordinal))
            .ToHashSet());

    [Theory]
    [InlineData("SSLP.Interop.Cuda")]
    [InlineData("SSLP.Interop.Slides")]
    [InlineData("SSLP.Kernels")]
    [InlineData("SSLP.Data")]
    [InlineData("libsslp-data")]
    public void Torch_stays_in_the_engine(string assembly) => Assert.DoesNotContain("TorchSharp", References(assembly));

    [Theory]
    [InlineData("SSLP.Kernels")]
    [InlineData("SSLP.Data")]
    [InlineData("SSLP.Engine")]
    [InlineData("SSLP.Evaluation")]
    [InlineData("libsslp")]
    [InlineData("sslp")]
    public void The_device_compiler_stays_out_of_what_ships(string assembly) => Assert.DoesNotContain("ILGPU", References(assembly));

    private static string[] References(string assembly) =>
        [.. Assembly.Load(assembly).GetReferencedAssemblies().Select(a => a.Name!)];
}
