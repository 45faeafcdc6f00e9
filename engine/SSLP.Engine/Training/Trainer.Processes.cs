using SSLP.Engine.Options;
using SSLP.Engine.Processes;

namespace SSLP.Engine.Training;

// Of a run that several processes share: whose part is what, and what they agree on after each step.
public sealed partial class Trainer
{
    private readonly ProcessGroup? _group;
    private readonly TrainingOptions _whole; // with the batch of all processes, which is what a run's options mean
    private bool _stopAgreed, _checkpointAgreed;
    private (int Rank, double Seconds) _slowest;

    /// <summary>Patches of a step that this process reads.</summary>
    private int OwnBatch => _order.BatchSize / (_group?.Size ?? 1);

    /// <summary>One process writes the run.</summary>
    private bool Writes => _group?.IsFirst ?? true;

    /// <summary>Which process took longest for its own work, and whether one of them is to stop: then all do, after the same
    /// step.</summary>
    private void Agree(ProcessGroup group, TimeSpan busy, CancellationToken stop)
    {
        // The first one's clock says when minutes have passed.
        double[] all = group.Gather<double>([busy.TotalSeconds, stop.IsCancellationRequested ? 1 : 0, IsCheckpointDue(_step) ? 1 : 0]);
        _checkpointAgreed = all[2] > 0;
        _slowest = (0, all[0]);
        for (int rank = 0; rank < group.Size; rank++)
        {
            if (all[3 * rank] > _slowest.Seconds)
                _slowest = (rank, all[3 * rank]);
            _stopAgreed |= all[(3 * rank) + 1] > 0;
        }
        group.IsEnding |= _stopAgreed;
    }

    /// <summary>A bank in parts is written by all processes at once, whose bytes the first one keeps.</summary>
    private bool IsBankInParts => _group is not null && _options.Bank == BankPlacement.Sharded;

    private bool IsStopping(CancellationToken stop) => _group is null ? stop.IsCancellationRequested : _stopAgreed;

    /// <summary>Of every batch of an epoch this process's part: parts of one batch do not overlap, and together are it.</summary>
    private int[] Own(int[] order)
    {
        if (_group is not { } group)
            return order;
        int batches = _order.BatchesPerEpoch, own = OwnBatch;
        int[] part = new int[batches * own];
        for (int batch = 0; batch < batches; batch++)
            order.AsSpan((batch * _order.BatchSize) + (group.Rank * own), own).CopyTo(part.AsSpan(batch * own));
        return part;
    }
}
