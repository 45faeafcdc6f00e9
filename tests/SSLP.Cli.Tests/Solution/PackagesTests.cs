using System.IO.Compression;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>
/// What users of .NET install: the libraries' packages and the tool, packed from the test's own build into a folder, and installed from
/// there into an empty project. The tool is packed without libtorch here, 460 MB, and is told the build's.
/// </summary>
// Both work on the folders of one build.
[Collection("the solution's own build")]
public sealed class PackagesTests : IDisposable
{
    private static readonly string[] Libraries =
        ["SSLP.Interop.Cuda", "SSLP.Interop.Slides", "SSLP.Kernels", "SSLP.Data", "SSLP.Engine", "SSLP.Evaluation"];

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-packages-").FullName;

    // A version that no cache holds.
    private readonly string _version = $"0.1.0-test{Guid.NewGuid():N}"[..24];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Libraries_and_tool_are_packed_and_an_empty_project_and_a_shell_use_them()
    {
        string packages = Path.Combine(_root, "packages"), built = Path.Combine(Repository.Root, "engine", "SSLP.Cli", "bin",
            Configuration, "net10.0");
        Run("dotnet", "pack", Path.Combine(Repository.Root, "SSLP.Engine.sln"), "-c", Configuration, "--no-build", "-o", packages,
            $"-p:PackageVersion={_version}", "-p:PackLibtorch=false", "-v", "q", "-nodeReuse:false");
        Assert.Equal(
            [.. Libraries.Append("sslp").Select(name => $"{name}.{_version}.nupkg").Order(StringComparer.Ordinal)],
            Directory.GetFiles(packages, "*.nupkg").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (string name in Libraries)
            HoldsWhatAPackageShould(Path.Combine(packages, $"{name}.{_version}"), name);

        File.WriteAllText(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="here" value="{packages}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="machine" value="{MachinePackages}" /></fallbackPackageFolders>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_root, "installed")}" /></config>
            </configuration>
            """);
        Assert.Equal("2 steps, 4 patches a batch", Run("dotnet", EmptyProject()));

        string tools = Path.Combine(_root, "tools");
        Run("dotnet", "tool", "install", "sslp", "--tool-path", tools, "--version", _version, "--configfile",
            Path.Combine(_root, "nuget.config"));
        string tool = Path.Combine(tools, OperatingSystem.IsWindows() ? "sslp.exe" : "sslp");
        Assert.StartsWith("0.1.0", Run(tool, "--version"), StringComparison.Ordinal);
        string natives = Directory.GetFiles(built, "*torch_cpu.*", SearchOption.AllDirectories).Select(Path.GetDirectoryName).First()!;
        Assert.Contains("tiles.sslp", Run(tool, "tile", "--slides", Path.Combine(_root, "slides"), "--out",
            Path.Combine(_root, "tiles.sslp"), "--patch", "64", "--libtorch", natives), StringComparison.Ordinal);
    }

    /// <summary>Release or Debug, as these tests were built.</summary>
    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private static string MachinePackages => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static void HoldsWhatAPackageShould(string path, string name)
    {
        using ZipArchive package = ZipFile.OpenRead(path + ".nupkg"), symbols = ZipFile.OpenRead(path + ".snupkg");
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];
        string library = $"lib/net10.0/{name}";
        foreach (string file in (string[])["README.md", "LICENSE", "PublicApi.txt", library + ".dll", library + ".xml"])
            Assert.Contains(file, files);
        Assert.Contains(symbols.Entries, entry => entry.FullName == library + ".pdb");
        using var nuspec = new StreamReader(package.GetEntry($"{name}.nuspec")!.Open());
        string said = nuspec.ReadToEnd();
        Assert.Contains("<license type=\"expression\">Apache-2.0</license>", said, StringComparison.Ordinal);
        Assert.Contains("<readme>README.md</readme>", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Compiler", said, StringComparison.Ordinal);
    }

    /// <summary>Builds the program of SSLP.Engine's README on packages alone.</summary>
    /// <returns>The program.</returns>
    private string EmptyProject()
    {
        string torch = OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64" : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64"
            : "libtorch-cpu-linux-x64";
        File.WriteAllText(Path.Combine(_root, "Host.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <NuGetAudit>false</NuGetAudit>
                <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="SSLP.Engine" Version="{_version}" />
                <PackageReference Include="{torch}" Version="2.10.0" />
                <Compile Include="Program.cs" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(_root, "Program.cs"), """
            using SSLP.Data.Slides;
            using SSLP.Data.Synth;
            using SSLP.Data.Tiling;
            using SSLP.Engine.Options;
            using SSLP.Engine.Runs;
            using SSLP.Engine.Training;

            SynthSlides.Write("slides", new SynthOptions { Slides = 1, Size = 1024, PatchSize = 64 });
            var tiling = new TilingOptions { PatchSize = 64, Mpp = 0.5 };
            using TileManifest manifest = Tiler.Run(SlideListing.List("slides"), tiling).Manifest;
            using SlidePatches patches = SlidePatches.FromManifest(manifest);
            TrainingOptions options = RunConfig.Of(
                [new("max_steps", "2", "here"), new("batch_size", "4", "here"), new("input_size", "32", "here"),
                    new("negatives", "8", "here"), new("nearest_keys", "4", "here"), new("patch", "64", "here")]);
            using var job = new PretrainJob(options, new RunFolder("run"), patches, command: "my program", resume: false);
            TrainingOutcome outcome = job.Run(progress: null, CancellationToken.None);
            Console.WriteLine($"{outcome.Steps} steps, {options.BatchSize} patches a batch");
            """);
        Run("dotnet", "build", "-c", "Release", "-o", Path.Combine(_root, "host"), "-v", "q", "-nodeReuse:false",
            "-p:UseSharedCompilation=false");
        return Path.Combine(_root, "host", "Host.dll");
    }

    private string Run(string program, params string[] arguments)
    {
        Sslp.Result result = Sslp.Finish(_root, program, arguments);
        Assert.True(result.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {result.Output}{result.Error}");
        return (result.Output + result.Error).Trim();
    }
}
