using SSLP.Data.Files;
using SSLP.Engine.Diverged;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

// A step whose numbers are not finite: what is looked into, written and said.
public sealed partial class Trainer
{
    private const string Remedy =
        "The same options come to the same step: begin another run with a lower learning_rate, with head=linearnorm, or with a higher " +
        "temperature.";

    /// <summary>Looks into the step, whose traces in the networks are gone, and writes what it takes to run it again.</summary>
    private Fault Diverged(TrainingBatch batch, StepTerms terms, double norm, (Tensor, Tensor) before)
    {
        _writer.Wait();
        _optimizer.ClearGradients();
        var trace = StepTrace.Of(_method, batch, _guard, _options.Temperature);
        _guard.Restore(before);
        string where = trace.First is { } first
            ? $"{first.Place} has {first.NotFinite:N0} of {first.Count:N0} numbers that are not finite"
            : "the losses or gradients were not finite, and are when the same step is done again, which points to the machine and not to " +
                "the run";
        string sentence =
            $"Stopped before step {_step + 1} of {Schedule.TotalSteps} moved a weight: {where} " +
            $"({DivergedStep.Losses(terms.Loss, terms.Self, terms.Intra, terms.Inter, norm)}).";
        int epoch = _step / _order.BatchesPerEpoch;
        var record = new DivergedStep
        {
            Step = _step + 1,
            Epoch = epoch,
            Batch = _step % _order.BatchesPerEpoch,
            Sentence = sentence,
            Seed = _options.Seed,
            DrawCounters = new() { ["patch_order"] = epoch, ["augment"] = _step, ["negative_ranks"] = _step, ["batch_shuffle"] = _step },
            LearningRate = Schedule.LearningRate(_step),
            Ramp = batch.Ramp,
            Loss = terms.Loss,
            Self = terms.Self,
            Intra = terms.Intra,
            Inter = terms.Inter,
            GradientNorm = norm,
            Patches = PlacedPatch.Of(_source.Table, batch.Patches.Span),
            Trace = trace.Places,
            Written = DateTime.UtcNow,
        };
        string files =
            $"The state before it, its patches and its seeds are in '{_folder.Diverged}': sslp pretrain with the same patches and " +
            $"--replay '{_folder.Diverged}' runs it again.";
        try
        {
            if (_group is not null)
                _group.IsEnding = true;
            if (Writes)
                record.Save(_folder.Diverged, State(), Items(_method.State()));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            files = $"What it takes to run it again could not be written to '{_folder.Diverged}': {fault.Message.TrimEnd('.')}.";
        }
        return new Fault(FaultKind.Diverged,
            $"{sentence} {files} {LastCheckpoint()} {(trace.First is null ? "--resume goes on." : Remedy)}");
    }

    private string LastCheckpoint() => _checkpoints.All().LastOrDefault() is { } last ? $"The last checkpoint, '{last}', is as it was."
        : "No checkpoint was written before it.";
}
