using SSLP.Data.Loading;
using SSLP.Engine.Methods;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

// Steps where the network and the kernels share a device: enqueued one behind the other, and known to be done two later.
public sealed partial class Trainer
{
    private bool _isLent; // a batch of the ring, to a copy that may not have passed

    /// <summary>Steps begun, those that are not known to be done included.</summary>
    private int Begun => _step + (_onDevice?.Open ?? 0);

    /// <summary>Enqueues a step, and tells of the one whose report is due.</summary>
    /// <param name="device">Where.</param>
    /// <param name="ring">Has its batch.</param>
    /// <param name="next">Patches of the step behind it, as far as all read; none where there is none in this epoch.</param>
    /// <param name="stop">Cancelled: all that is enqueued is waited for.</param>
    private void StepOnDevice(DeviceTraining device, BatchRing ring, ReadOnlyMemory<int> next, CancellationToken stop)
    {
        EngineContext.UseThreads(_pool);
        GiveBack(ring);
        TimeSpan waitedBefore = ring.Waited;
        int step = Begun;
        if (_method.LooksBack(step, _order.BatchesPerEpoch))
            Settle(stop);
        _method.BeginStep(step, _order.BatchesPerEpoch);
        PatchBatch patches = NextBatch(ring, stop);
        _isLent = true;
        while (device.Open >= DeviceTraining.Ahead)
            FinishOldest(device, stop);
        using (_stages.Range(Stage.Step))
        {
            bool isWatched = _watches!.IsDue(step + 1);
            device.Enqueue(patches, new StepCall(
                step, Schedule.Ramp(step), Schedule.LearningRate(step), isWatched, ring.Waited - waitedBefore, _reader.Replaced));
            if (!next.IsEmpty)
                device.DrawAhead(step + 1, next);
        }
        // The probe reads the backbone as it is after this step.
        if (_watches.IsProbed(step + 1) || stop.IsCancellationRequested)
            Settle(stop);
    }

    /// <summary>Waits for all that is enqueued and tells of it.</summary>
    private void Settle(CancellationToken stop)
    {
        while (_onDevice is { Open: > 0 } device)
            FinishOldest(device, stop);
    }

    private void FinishOldest(DeviceTraining device, CancellationToken stop)
    {
        using DisposeScope scope = NewDisposeScope();
        StepOutcome outcome;
        using (_stages.Range(Stage.DeviceWait))
            outcome = device.Read();
        if (!outcome.IsFinite)
        {
            (TrainingBatch batch, (Tensor, Tensor) before) = device.GoBack();
            throw Diverged(batch, outcome.Terms, outcome.Norm, before);
        }
        _step++;
        Finish(MetricsOf(outcome.Call, outcome.Terms, outcome.Norm, outcome.Compared), stop);
    }

    /// <summary>The ring has its last batch back.</summary>
    private void GiveBack(BatchRing ring)
    {
        if (!_isLent)
            return;
        _onDevice!.WaitForCopy();
        ring.Release();
        _isLent = false;
    }
}
