using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace SSLP.Cli.Tests;

/// <summary><c>mpirun -n 2 sslp pretrain</c>, as a user starts it.</summary>
public sealed class MpirunTests : IDisposable
{
    private const int Steps = 30;

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-mpirun-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Two_processes_write_one_run_which_one_process_goes_on_with()
    {
        Require();
        (int code, string said) = Finish(Start(steps: 6, batch: 8));
        Assert.True(code == 0, said);
        Assert.Contains("2 processes by ", said, StringComparison.Ordinal);
        Assert.Contains("2 × 8 patches a step", said, StringComparison.Ordinal);
        Assert.Single(said.Split('\n'), line => line.StartsWith("encoder: ", StringComparison.Ordinal));
        JsonElement[] lines = Metrics();
        Assert.Equal(6, lines.Length);
        Assert.All(lines, line => Assert.InRange(line.GetProperty("slowest_process").GetInt32(), 0, 1));
        // The same batch, by one process.
        Sslp.Result alone = Sslp.Run([.. Arguments(6, 16), "--resume"]);
        Assert.True(alone.ExitCode == 0, alone.Error);
        Assert.Contains("resuming at step 6 of 6", alone.Error, StringComparison.Ordinal);
        Assert.Equal(6, Metrics().Length);
        // Another batch is another run.
        Assert.Contains("batch_size", Sslp.Run([.. Arguments(6, 8), "--resume"]).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_that_is_killed_ends_the_job_and_its_checkpoint_is_intact()
    {
        Require();
        Process job = Start(Steps, batch: 8);
        var clock = Stopwatch.StartNew();
        while (!job.HasExited && (!File.Exists(Path.Combine(Run, "metrics.jsonl")) || Metrics().Length < 5)
            && clock.Elapsed < TimeSpan.FromMinutes(2))
            Thread.Sleep(100);
        Assert.False(job.HasExited);
        int[] children = [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out int id) ? id : 0)
            .Where(id => id > 0 && ParentOf(id) == job.Id && Name(id).Contains("dotnet", StringComparison.Ordinal))];
        Assert.Equal(2, children.Length);
        Process.GetProcessById(children.Max()).Kill();
        (int code, string said) = Finish(job);
        Assert.NotEqual(0, code);
        Assert.Contains("9", said, StringComparison.Ordinal);
        // One process, with the batch of both.
        Sslp.Result resumed = Sslp.Run([.. Arguments(Steps, 16), "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("resuming at step ", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(Steps, Metrics().Length);
    }

    private string Run => Path.Combine(_root, "run");

    private string[] Arguments(int steps, int batch) =>
    [
        "pretrain", "--slides", Path.Combine(_root, "slides"), "--out", Run, "--set", "patch=64", "--set", $"max_steps={steps}", "--set",
        $"batch_size={batch}",
        "--set", "epochs=100000", "--set", "input_size=32", "--set", "width=16", "--set", "clusters=4", "--set", "checkpoint_every=2",
        "--threads", "1",
    ];

    private Process Start(int steps, int batch)
    {
        Assert.Equal(0, Sslp.Run("synth", "--out", Path.Combine(_root, "slides"), "--slides", "2", "--size", "1024").ExitCode);
        return Process.Start(new ProcessStartInfo("mpirun.openmpi",
            ["--allow-run-as-root", "--oversubscribe", "-n", "2", "dotnet", Path.Combine(AppContext.BaseDirectory, "sslp.dll"),
                .. Arguments(steps, batch)])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
    }

    private static (int Code, string Said) Finish(Process process)
    {
        using (process)
        {
            Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
                process.Kill(entireProcessTree: true);
            return (process.ExitCode, output.Result + error.Result);
        }
    }

    private JsonElement[] Metrics()
    {
        using var stream = new FileStream(Path.Combine(Run, "metrics.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        string[] lines = new StreamReader(stream).ReadToEnd().Split('\n');
        // The last piece is empty, or a line that is being written.
        return [.. lines[..^1].Select(line => JsonDocument.Parse(line).RootElement)];
    }

    private static int ParentOf(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static string Name(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/comm");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static void Require()
    {
        bool there = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "mpirun.openmpi")));
        Assert.SkipUnless(OperatingSystem.IsLinux() && there, "mpirun.openmpi is not installed: apt install openmpi-bin.");
    }
}
