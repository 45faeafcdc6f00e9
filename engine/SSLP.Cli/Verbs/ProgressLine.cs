using System.Diagnostics;
using SSLP.Engine.Runs;

namespace SSLP.Cli.Verbs;

/// <summary>One line of progress, rewritten in place on a terminal and printed every so often elsewhere.</summary>
internal sealed class ProgressLine(int totalSteps) : IProgress<StepMetrics>
{
    private static readonly TimeSpan TerminalPause = TimeSpan.FromSeconds(0.2), LogPause = TimeSpan.FromSeconds(10);

    private readonly long _begun = Stopwatch.GetTimestamp();
    private long _printed;
    private int _first = -1;
    private string _probe = string.Empty;

    public void Report(StepMetrics m)
    {
        if (_first < 0)
            _first = m.Step - 1;
        if (m.Alarm is { } alarm)
        {
            if (_printed != 0 && !Console.IsErrorRedirected)
                Console.Error.WriteLine();
            Shell.Warn(alarm);
        }
        if (m.ProbeAccuracy is double accuracy)
            _probe = $"  kNN {accuracy:F3}{(m.ProbeAuc is double auc ? $" (AUC {auc:F3})" : string.Empty)} at step {m.Step}";
        bool last = m.Step == totalSteps, terminal = !Console.IsErrorRedirected;
        if (!last && _printed != 0 && Stopwatch.GetElapsedTime(_printed) < (terminal ? TerminalPause : LogPause))
            return;
        _printed = Stopwatch.GetTimestamp();
        TimeSpan left = Stopwatch.GetElapsedTime(_begun) / (m.Step - _first) * (totalSteps - m.Step);
        string line = $"step {m.Step}/{totalSteps}  loss {m.Loss:F3} (self {m.Self:F3} intra {m.Intra:F3} inter {m.Inter:F3})  "
            + $"S {m.SpatialSize:F1} F {m.FeatureSize:F1}  {m.PatchesPerSecond:F0} patches/s  waiting {m.DataWait:P0}{_probe}  " +
                $"{left:hh\\:mm\\:ss} left";
        Console.Error.Write(terminal ? $"\r{line}\e[K{(last ? "\n" : string.Empty)}" : line + "\n");
    }
}
