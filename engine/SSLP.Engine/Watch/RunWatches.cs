using System.Diagnostics;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Statistics;

namespace SSLP.Engine.Watch;

/// <summary>What is looked at besides the losses while a run goes on: the signs of collapse and the online probe. Neither changes what is
/// learned.</summary>
/// <param name="options">How often each.</param>
/// <param name="method">What is trained.</param>
/// <param name="probe">The online probe, or null.</param>
/// <param name="collapse">Has seen the readings of the run so far.</param>
internal sealed class RunWatches(TrainingOptions options, Method method, IRunProbe? probe, CollapseWatch collapse)
{
    /// <summary>The warning of a run whose features are collapsed now; else null.</summary>
    public string? Collapsed => collapse.IsCollapsed ? collapse.Sentence : null;

    /// <summary>A step is to leave what it compared.</summary>
    /// <param name="step">Steps done after it.</param>
    public bool IsDue(int step) => options.WatchEvery > 0 && step % options.WatchEvery == 0;

    /// <summary>The online probe reads the backbone as it is after a step.</summary>
    /// <param name="step">Steps done after it.</param>
    public bool IsProbed(int step) => probe is not null && options.ProbeEvery > 0 && step % options.ProbeEvery == 0;

    /// <summary>With the signs of collapse where the step was watched and the method compares.</summary>
    /// <param name="metrics">Of the step.</param>
    /// <param name="compared">What the method left of it, or null.</param>
    public StepMetrics WithSigns(StepMetrics metrics, ComparedFeatures? compared)
    {
        if (!IsDue(metrics.Step) || compared is null)
            return metrics;
        var signs = CollapseSigns.Of(compared, (ulong)options.Seed);
        return metrics with
        {
            EffectiveRank = signs.EffectiveRank,
            Spread = signs.Spread,
            NeighbourEntropy = signs.NeighbourEntropy,
            PositiveGap = signs.Gap,
            KeysAreLearned = compared.AreLearned,
            Alarm = collapse.Add(metrics.Step, signs, compared.AreLearned),
        };
    }

    /// <summary>With the online probe's reading where one is due.</summary>
    public StepMetrics WithProbe(StepMetrics metrics, CancellationToken stop)
    {
        if (probe is null || !IsProbed(metrics.Step))
            return metrics;
        long begun = Stopwatch.GetTimestamp();
        try
        {
            RunReading reading = probe.Read(method.Encoder.Backbone, stop);
            string? why = reading.Why is null ? null : $"The online probe of step {metrics.Step} has no result: {reading.Why}.";
            return metrics with
            {
                ProbeAccuracy = reading.Accuracy,
                ProbeBalancedAccuracy = reading.BalancedAccuracy,
                ProbeAuc = reading.Auc,
                ProbeSeconds = Stopwatch.GetElapsedTime(begun).TotalSeconds,
                Alarm = metrics.Alarm is null || why is null ? metrics.Alarm ?? why : $"{metrics.Alarm} {why}",
            };
        }
        catch (OperationCanceledException)
        {
            return metrics; // stopped from outside: the step is done and keeps its line
        }
    }
}
