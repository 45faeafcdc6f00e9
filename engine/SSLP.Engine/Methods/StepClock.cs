using System.Diagnostics;

namespace SSLP.Engine.Methods;

/// <summary>
/// Where a step's time goes, for a bench: seconds by stage, each from the end of the one before. Stages that come again add up.
/// </summary>
internal sealed class StepClock
{
    public const string Cluster = "cluster", Wait = "wait for patches", Augment = "augment", Forward = "forward", Bank = "bank",
        Backward = "backward", Guard = "guard", Optimizer = "optimizer", Enqueue = "enqueue", Report = "wait for a report", Rest = "rest";

    private readonly Dictionary<string, double> _seconds = [];
    private long _since = Stopwatch.GetTimestamp();

    /// <summary>Seconds by stage, in the order in which they came first.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>Forgets what was counted; the first stage begins now.</summary>
    public void Restart()
    {
        _seconds.Clear();
        _since = Stopwatch.GetTimestamp();
    }

    /// <summary>What was done since the last call was none of the step's; the next stage begins now.</summary>
    public void Skip() => _since = Stopwatch.GetTimestamp();

    /// <summary>
    /// What was done since the last call was this stage. The CPU's operations are done when they return; a device's are not.
    /// </summary>
    public void Lap(string stage)
    {
        long now = Stopwatch.GetTimestamp();
        _seconds[stage] = _seconds.GetValueOrDefault(stage) + Stopwatch.GetElapsedTime(_since, now).TotalSeconds;
        _since = now;
    }
}
