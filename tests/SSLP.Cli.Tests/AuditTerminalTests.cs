using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary>What `sslp audit` shows in a terminal, by util-linux's script, which gives it one.</summary>
public sealed partial class AuditTerminalTests : IDisposable
{
    private const string Script = "/usr/bin/script";

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-terminal-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(80, true)]
    [InlineData(120, true)]
    [InlineData(50, false)]
    public void The_table_has_one_row_a_slide_and_is_no_wider_than_the_terminal(int columns, bool whole)
    {
        Assert.SkipUnless(File.Exists(Script), "script is not on this machine (Debian, Ubuntu: apt install bsdutils).");
        Assert.Equal(0, Sslp.Run("synth", "--out", _root, "--slides", "2", "--size", "512", "--patch", "128").ExitCode);
        File.Move(Path.Combine(_root, "synth_01.tif"),
            Path.Combine(_root, "TCGA-XX-0000-01Z-00-DX1.01234567-89ab-cdef-0123-456789abcdef.tif"));
        File.WriteAllText(Path.Combine(_root, "broken.svs"), "no slide");
        string[] lines = Lines(columns, "audit", "--patch", "128", _root);
        int rule = Array.FindIndex(lines, line => line.Contains("───", StringComparison.Ordinal));
        string[] rows = [.. lines.Skip(rule + 1).TakeWhile(line => line.Trim().Length > 0)];
        Assert.Equal(["TCGA-XX", "broken", "synth_02"],
            rows.Select(row => row.Trim().Split('.', '-', '…')[0] is "TCGA" ? "TCGA-XX" : row.Trim().Split('.')[0]));
        Assert.All(lines.Take(rule + 1 + rows.Length), line => Assert.InRange(line.TrimEnd().Length, 0, columns));
        Assert.Equal(whole, lines[rule - 1].Contains("patches", StringComparison.Ordinal));
        Assert.Contains("verdict", lines[rule - 1], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("3 slides: 2 ok, 1 not a slide", StringComparison.Ordinal));
    }

    private static string[] Lines(int columns, params string[] arguments)
    {
        string command =
            $"stty cols {columns}; dotnet '{Path.Combine(AppContext.BaseDirectory, "sslp.dll")}' "
            + $"{string.Join(' ', arguments.Select(a => $"'{a}'"))}";
        var start = new ProcessStartInfo(Script, ["-qec", command, "/dev/null"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return [.. Signs().Replace(output, "").Split('\n').Select(line => line.TrimEnd('\r'))];
    }

    [GeneratedRegex("\u001b(\\[[0-9;?]*[A-Za-z]|=|>)")]
    private static partial Regex Signs();
}
