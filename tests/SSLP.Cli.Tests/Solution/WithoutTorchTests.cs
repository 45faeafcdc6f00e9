using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>Loading and kernels are for programs that have no torch: one is published and run.</summary>
[Collection("the solution's own build")]
public sealed class WithoutTorchTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("sslp-without-torch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Ten_lines_on_data_and_kernels_are_published_without_libtorch_and_run()
    {
        string solution = Repository.Root;
        File.WriteAllText(Path.Combine(_root, "Ten.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="{solution}/engine/SSLP.Data/SSLP.Data.csproj" />
                <ProjectReference Include="{solution}/kernels/SSLP.Kernels/SSLP.Kernels.csproj" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(_root, "Program.cs"), """
            using SSLP.Data.Loading;
            using SSLP.Data.Patches;
            using SSLP.Kernels;

            var table = new PatchTable(["slide"], new int[9], new[] { 0, 1, 2, 0, 1, 2, 0, 1, 2 }, new[] { 0, 0, 0, 1, 1, 1, 2, 2, 2 });
            int[] order = new PatchOrder(table, new OrderOptions(1, 1, false), seed: 1, batchSize: 3).Epoch(0);
            using var kernels = new KernelSet(KernelBackend.Cpu, threads: 2);
            using MemoryBank bank = MemoryBank.CreateRandom(table.Count, 64, seed: 1, kernels.Pool);
            var rows = new int[table.Count];
            kernels.NearestKeys(bank).Find(bank.Rows, [], 1, rows, new float[rows.Length]);
            Console.WriteLine($"{order.Order().SequenceEqual(rows)}");
            """);
        string published = Path.Combine(_root, "out");
        // What the test's own build made is taken as it is; packages come from where its restore left them.
        (int code, string said) = Run("dotnet",
            ["publish", "-c", "Release", "-o", published, "-p:BuildProjectReferences=false", "-p:UseSharedCompilation=false",
                "-nodeReuse:false"]);
        if (code != 0 && (said.Contains("NU1301", StringComparison.Ordinal) || said.Contains("NU1101", StringComparison.Ordinal)))
            Assert.Skip(
                "The packages of SSLP.Data are not on this machine and no source of them is reachable: dotnet restore SSLP.Engine.sln.");
        Assert.True(code == 0, said);
        string[] files = [.. Directory.EnumerateFiles(published, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(published, file))];
        Assert.Contains("SSLP.Data.dll", files);
        Assert.Contains("SSLP.Kernels.dll", files);
        Assert.DoesNotContain(
            files, file => file.Contains("torch", StringComparison.OrdinalIgnoreCase) || file.Contains("c10", StringComparison.Ordinal));
        Assert.Equal((0, "True"), Run("dotnet", [Path.Combine(published, "Ten.dll")]));
    }

    private (int Code, string Said) Run(string program, string[] arguments)
    {
        Sslp.Result result = Sslp.Finish(_root, program, arguments);
        return (result.ExitCode, (result.Output + result.Error).Trim());
    }
}
