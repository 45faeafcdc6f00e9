using System.Diagnostics;
using SSLP.Data.Files;
using SSLP.Engine.Objective;
using SSLP.Engine.Runs;

namespace SSLP.Engine.Training;

// What is said of each step, and who looks at it.
public sealed partial class Trainer
{
    private MetricsLog? _log;
    private IProgress<StepMetrics>? _progress;
    private StepMetrics? _last;
    private long _lastLine;

    /// <summary>The line of a step that has just become known to be done.</summary>
    private StepMetrics MetricsOf(in StepCall call, StepTerms terms, double norm, ComparedFeatures? compared)
    {
        long now = Stopwatch.GetTimestamp();
        double seconds = Stopwatch.GetElapsedTime(_lastLine, now).TotalSeconds;
        _lastLine = now;
        var metrics = new StepMetrics
        {
            Step = call.Step + 1,
            Epoch = (double)(call.Step + 1) / _order.BatchesPerEpoch,
            Loss = terms.Loss,
            Self = terms.Self,
            Intra = terms.Intra,
            Inter = terms.Inter,
            GradientNorm = norm,
            Ramp = call.Ramp,
            Lr = call.Rate,
            PatchesPerSecond = _order.BatchSize / seconds,
            DataWait = call.DataWait.TotalSeconds / seconds,
            SpatialSize = terms.SpatialSize,
            FeatureSize = terms.FeatureSize,
            NegativeSize = terms.NegativeSize,
            FeatureFromOtherSlides = terms.FeatureFromOtherSlides,
            ReplacedPatches = call.Replaced,
        };
        return _watches!.WithSigns(metrics, compared);
    }

    /// <summary>Tells of a step that is done.</summary>
    private void Finish(StepMetrics metrics, CancellationToken stop)
    {
        _last = Probed(metrics, stop);
        _log?.Write(_last);
        if (Writes)
            _progress?.Report(_last);
    }

    /// <summary>With the online probe's reading, whose time is in no line's patches per second.</summary>
    private StepMetrics Probed(StepMetrics metrics, CancellationToken stop)
    {
        long begun = Stopwatch.GetTimestamp();
        if (Writes)
            metrics = _watches!.WithProbe(metrics, stop);
        _lastLine += Stopwatch.GetTimestamp() - begun;
        return metrics;
    }

    private void StopIfCollapsed(ref int saved, CancellationToken stop)
    {
        if (!_options.StopOnCollapse || _watches!.Collapsed is not { } sentence)
            return;
        Settle(stop);
        Save(ref saved);
        _writer.Wait();
        throw new Fault(FaultKind.Diverged,
            $"Stopped at step {_step} by stop_on_collapse: {sentence} The checkpoint is in '{_folder.Checkpoints}': --resume with " +
            $"stop_on_collapse=false goes on.");
    }
}
