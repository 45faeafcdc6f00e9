using System.Text.Json;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>A folder as shared disks have them: a thousand slides behind links in nested folders, companions beside them, links in a
/// circle.</summary>
public sealed class ThousandSlidesTests : IDisposable
{
    private const int Slides = 1000, Real = 4, Folders = 40;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-thousand-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_thousand_links_with_companions_and_a_loop_are_audited_in_a_line_each_tiled_and_trained_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        string slides = MakeTree();

        Sslp.Result audit = Sslp.Run("audit", "--patch", "128", slides);
        Assert.Equal(0, audit.ExitCode);
        string[] lines = audit.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Slides + 1, lines.Length);
        Assert.All(lines[..^1], line => Assert.Contains(": ok, 512×512 px", line, StringComparison.Ordinal));
        Assert.StartsWith("1,000 slides: 1,000 ok; ", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("to do", lines[^1], StringComparison.Ordinal);

        Sslp.Result json = Sslp.Run("audit", "--json", "--patch", "128", slides);
        string[] names = [.. json.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("name").GetString()!)];
        Assert.Equal(Slides, names.Distinct().Count());
        Assert.Equal(names.Order(StringComparer.Ordinal), names);

        string tiles = Path.Combine(_root, "tiles.sslp");
        Sslp.Result tile = Sslp.Run("tile", "--slides", slides, "--out", tiles, "--patch", "128", "--min-tissue", "0.1");
        Assert.True(tile.ExitCode == 0, tile.Error);
        Assert.Contains($"on {Slides} slides", tile.Error, StringComparison.Ordinal);
        Assert.Equal(Slides, Directory.GetFiles(Path.Combine(_root, "tiles-sheets")).Length);
        TrainTenSteps(tiles);
    }

    [Fact]
    public void A_thousand_links_to_a_few_real_slides_are_a_few_slides_and_that_is_said()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        string[] real = [.. Directory.GetFiles(TestData.Path("slides")).Order(StringComparer.Ordinal)];
        string slides = Path.Combine(_root, "slides"), tiles = Path.Combine(_root, "tiles.sslp");
        for (int i = 0; i < Slides; i++)
        {
            string folder = Path.Combine(slides, $"batch{i % 5}", $"case{i % Folders:00}");
            Directory.CreateDirectory(folder);
            File.CreateSymbolicLink(Path.Combine(folder, $"S{i}{Path.GetExtension(real[i % real.Length])}"), real[i % real.Length]);
        }
        AddCompanions(slides);
        string[] sizes = ["--patch", "128", "--mpp", "2", "--assume-mpp", "0.5"];
        Sslp.Result audit = Sslp.Run(["audit", slides, .. sizes]);
        string[] lines = audit.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(real.Length + 1, lines.Length);
        Assert.All(lines[..^1], line => Assert.Contains(": ok, ", line, StringComparison.Ordinal));
        Assert.StartsWith($"{real.Length} slides: {real.Length} ok; ", lines[^1], StringComparison.Ordinal);
        Assert.Contains($"{Slides - real.Length} paths more lead to slides that are listed already", audit.Error, StringComparison.Ordinal);

        Sslp.Result tile = Sslp.Run(["tile", "--slides", slides, "--out", tiles, .. sizes]);
        Assert.True(tile.ExitCode == 0, tile.Error);
        Assert.Equal(real.Length, Directory.GetFiles(Path.Combine(_root, "tiles-sheets")).Length);
        TrainTenSteps(tiles);
    }

    private void TrainTenSteps(string tiles)
    {
        string run = Path.Combine(_root, "run");
        Sslp.Result pretrain = Sslp.Run("pretrain", "--tiles", tiles, "--out", run, "--set", "max_steps=10", "--set", "batch_size=8",
            "--set", "input_size=32", "--set", "width=16");
        Assert.True(pretrain.ExitCode == 0, pretrain.Error);
        Assert.Equal(10, File.ReadLines(Path.Combine(run, "metrics.jsonl")).Count());
    }

    /// <summary>A thousand files that are each their own; a link to a file is that file, so a slide is copied where the same one may not
    /// come twice.</summary>
    private string MakeTree()
    {
        string originals = Path.Combine(_root, "originals"), store = Path.Combine(_root, "store"), slides = Path.Combine(_root, "slides");
        Assert.Equal(0, Sslp.Run("synth", "--out", originals, "--slides", $"{Real}", "--size", "512", "--patch", "128").ExitCode);
        string[] files = [.. Directory.GetFiles(originals, "*.tif").Order(StringComparer.Ordinal)];
        Directory.CreateDirectory(store);
        for (int i = 0; i < Slides; i++)
        {
            string file = Path.Combine(store, $"{i:x8}.data"), folder = Path.Combine(slides, $"batch{i % 5}", $"case{i % Folders:00}");
            File.Copy(files[i % Real], file);
            Directory.CreateDirectory(folder);
            // Two of a case share their stem, every case has a slide of that name.
            File.CreateSymbolicLink(Path.Combine(folder, i < 2 * Folders ? $"S1{(i < Folders ? ".tif" : ".svs")}" : $"S{i}.tif"), file);
            File.WriteAllText(Path.Combine(folder, $"._S{i}.tif"), "fork");
            File.WriteAllText(Path.Combine(folder, $"S{i}.tif.part"), "half");
        }
        AddCompanions(slides);
        return slides;
    }

    private static void AddCompanions(string slides)
    {
        foreach (string folder in Directory.GetDirectories(slides))
        {
            File.WriteAllText(Path.Combine(folder, ".DS_Store"), "view");
            Directory.CreateDirectory(Path.Combine(folder, "@eaDir"));
            File.WriteAllText(Path.Combine(folder, "@eaDir", "S1.tif"), "thumbnail");
            Directory.CreateSymbolicLink(Path.Combine(folder, "up"), slides);
        }
    }
}
