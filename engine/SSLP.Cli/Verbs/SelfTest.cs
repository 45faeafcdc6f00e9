using System.Diagnostics;
using SSLP.Data.Files;
using SSLP.Engine.Runs;

namespace SSLP.Cli.Verbs;

/// <summary>
/// Kills a small training with SIGKILL again and again, goes on each time, and compares with the same training left alone: every step's
/// losses, the bank, the labels, the weights and the optimizer, to the last bit. At random points, in the middle of a checkpoint, and in
/// the middle of a clustering, in turn. The processes are this program's own.
/// </summary>
internal sealed class SelfTest(string root, int kills, int seed)
{
    private const int StepsPerCheckpoint = 2, StepsPerClustering = 7;

    /// <summary>A kill comes within a few steps of a start: so many that every kill finds the run going.</summary>
    private int Steps { get; } = Math.Clamp(3 * kills, 24, 60);

    private readonly Random _random = new(seed);
    private readonly RunFolder _alone = new(Path.Combine(root, "alone")), _killed = new(Path.Combine(root, "killed"));

    /// <returns>Null where both are the same, else the difference as a sentence.</returns>
    public string? Run()
    {
        Finish(Start("synth", "--out", Path.Combine(root, "slides"), "--slides", "2", "--size", "1024"));
        Shell.Say($"{Steps} steps left alone");
        Finish(Start(Pretrain(_alone)));
        for (int kill = 0; kill < kills; kill++)
            Shell.Say($"killed {Kill(kill)}, {StepsDone()} of {Steps} steps in the log");
        Finish(Start(Pretrain(_killed)));
        return RunComparison.Difference(_alone, _killed);
    }

    /// <summary>Starts or goes on, and kills at a point of the kind whose turn it is.</summary>
    /// <returns>Where.</returns>
    private string Kill(int kill)
    {
        using Process process = Start(Pretrain(_killed));
        int before = StepsDone();
        Func<bool> isThere = (kill % 3) switch
        {
            1 => () => Directory.Exists(_killed.Checkpoints) && Directory.EnumerateFiles(_killed.Checkpoints, "*.partial").Any(),
            2 => () => StepsDone() is var done && done > before && done % StepsPerClustering == 0,
            _ => () => StepsDone() > before,
        };
        while (!process.HasExited && !isThere())
            Thread.Sleep(1);
        if (process.HasExited)
            return $"nothing: the run ended first, with exit code {process.ExitCode}";
        // From the moment on, somewhere within about a step.
        Thread.Sleep(_random.Next(kill % 3 == 0 ? 400 : 60));
        bool isWriting = Directory.Exists(_killed.Checkpoints) && Directory.EnumerateFiles(_killed.Checkpoints, "*.partial").Any();
        process.Kill();
        process.WaitForExit();
        return (kill % 3) switch { 1 => "in a checkpoint", 2 => "at a clustering", _ => "at random" }
            + (isWriting ? ", one being written" : string.Empty);
    }

    private int StepsDone()
    {
        try
        {
            return File.Exists(_killed.Metrics) ? MetricsLog.Read(_killed.Metrics).LastOrDefault()?.Step ?? 0 : 0;
        }
        catch (IOException)
        {
            return 0; // its process is writing it anew
        }
    }

    private string[] Pretrain(RunFolder run) =>
    [
        "pretrain", "--slides", Path.Combine(root, "slides"), "--out", run.Root, "--resume", "--set", "patch=64", "--set",
        $"max_steps={Steps}", "--set", "batch_size=8",
        "--set", "input_size=32", "--set", "width=32", "--set", $"checkpoint_every={StepsPerCheckpoint}", "--set",
        "checkpoint_bank=changes",
        "--set", $"cluster_every={StepsPerClustering}", "--set", "clusters=32", "--set", "cluster_iterations=300",
    ];

    private static Process Start(params string[] arguments)
    {
        string self = Environment.ProcessPath ?? "sslp";
        bool isHost = Path.GetFileNameWithoutExtension(self) == "dotnet";
        var start = new ProcessStartInfo(self, isHost ? [Path.Combine(AppContext.BaseDirectory, "sslp.dll"), .. arguments] : arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    private static void Finish(Process process)
    {
        using (process)
        {
            string said = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new Fault(FaultKind.Internal,
                    $"A process of the self-test ended with exit code {process.ExitCode}: {said.Trim().Split('\n')[^1]}");
        }
    }
}
