using System.Diagnostics;
using System.Text;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>What goes out of a hospital's machine: no name of a slide where that is asked for, and nothing over a network.</summary>
public sealed class PrivacyTests : IDisposable
{
    private const string Name = "Meier_Anna_1962";

    private static readonly string[] Short =
        ["--set", "patch=64", "--set", "max_steps=2", "--set", "batch_size=8", "--set", "input_size=32", "--set", "width=16", "--set",
            "clusters=4"];

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-privacy-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void With_anonymise_no_file_and_no_line_has_a_slides_name()
    {
        string slides = Slides(), key = Path.Combine(_root, "key"), run = Path.Combine(_root, "run"),
            features = Path.Combine(_root, "features");
        // A slide that is refused is spoken of, too.
        File.WriteAllText(Path.Combine(slides, Name + "_b.svs"), "no slide");
        Sslp.Result trained = Sslp.Run(["pretrain", "--slides", slides, "--out", run, "--anonymise", key, .. Short]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Sslp.Result embedded = Sslp.Run("embed", "--encoder", Path.Combine(run, "encoder.safetensors"), "--slides", slides, "--out",
            features, "--anonymise", key);
        Assert.True(embedded.ExitCode == 0, embedded.Error);
        foreach (Sslp.Result result in (Sslp.Result[])[trained, embedded])
            Assert.DoesNotContain("Meier", result.Output + result.Error, StringComparison.Ordinal);
        string[] files = [.. Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories),
            .. Directory.EnumerateFiles(features, "*", SearchOption.AllDirectories)];
        Assert.Equal(2, files.Count(file => Path.GetFileName(file).StartsWith("slide-", StringComparison.Ordinal)
            && file.EndsWith(".h5", StringComparison.Ordinal)));
        foreach (string file in files)
        {
            Assert.DoesNotContain("Meier", file, StringComparison.Ordinal);
            byte[] bytes = File.ReadAllBytes(file);
            Assert.True(bytes.AsSpan().IndexOf("Meier"u8) < 0 && bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes("Meier")) < 0,
                $"{file} names the slide");
        }
        // Without it they are named: the test above can fail.
        Sslp.Result open = Sslp.Run("embed", "--encoder", Path.Combine(run, "encoder.safetensors"), "--slides", slides, "--out",
            Path.Combine(_root, "open"));
        Assert.Contains(Name, open.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_root, "open", Name + "_0.h5")));
    }

    [Fact]
    public void Slides_become_an_encoder_and_features_with_no_network_at_all()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Exit("unshare", "-rn", "true") == 0,
            "unshare -rn is not permitted here (util-linux, and user namespaces).");
        string slides = Path.Combine(_root, "slides"), run = Path.Combine(_root, "run");
        string sslp = Path.Combine(AppContext.BaseDirectory, "sslp.dll");
        Assert.Equal(0, Exit("unshare", "-rn", "dotnet", sslp, "synth", "--out", slides, "--slides", "1", "--size", "1024"));
        Assert.Equal(0, Exit(["unshare", "-rn", "dotnet", sslp, "pretrain", "--slides", slides, "--out", run, .. Short]));
        Assert.Equal(0, Exit("unshare", "-rn", "dotnet", sslp, "embed", "--encoder", Path.Combine(run, "encoder.safetensors"), "--slides",
            slides, "--out",
            Path.Combine(_root, "f.h5")));
        Assert.True(new FileInfo(Path.Combine(_root, "f.h5")).Length > 0);
    }

    private string Slides()
    {
        string slides = Path.Combine(_root, "slides");
        Assert.Equal(0, Sslp.Run("synth", "--out", slides, "--slides", "2", "--size", "1024").ExitCode);
        File.Delete(Path.Combine(slides, "labels.csv"));
        string[] made = [.. Directory.EnumerateFiles(slides, "*.tif").Order(StringComparer.Ordinal)];
        for (int i = 0; i < made.Length; i++)
            File.Move(made[i], Path.Combine(slides, $"{Name}_{i}.tif"));
        return slides;
    }

    private static int Exit(params string[] command)
    {
        try
        {
            using Process process = Process.Start(
                new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return 127;
        }
    }
}
