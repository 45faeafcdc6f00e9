using SSLP.Data.Loading;
using SSLP.Engine.Diverged;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Optimizer;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>What the host knows of a step that it enqueues.</summary>
/// <param name="Step">Steps enqueued before.</param>
/// <param name="Ramp">w(t).</param>
/// <param name="Rate">η.</param>
/// <param name="IsWatched">The method is to leave what it compared.</param>
/// <param name="DataWait">How long it waited for its patches.</param>
/// <param name="Replaced">Patches so far that did not read.</param>
internal readonly record struct StepCall(int Step, double Ramp, double Rate, bool IsWatched, TimeSpan DataWait, long Replaced);

/// <summary>A step whose report has been read.</summary>
/// <param name="Call">As it was enqueued.</param>
/// <param name="Terms">What the report says of the losses.</param>
/// <param name="Norm">Of its gradients.</param>
/// <param name="IsFinite">Whether it moved something.</param>
/// <param name="Compared">Of a watched step.</param>
internal readonly record struct StepOutcome(StepCall Call, StepTerms Terms, double Norm, bool IsFinite, ComparedFeatures? Compared);

/// <summary>
/// Training whose network and kernels share a device: bytes go up once, views, features, gradient and bank stay there, and what comes back
/// is one report of 256 bytes a step. Nobody waits for it: the report of step t is read when step t + 2 is about to be enqueued. A step
/// with a fault moves nothing, nor do those behind it, as the fault stays; the host learns of it then, takes back what it noted of them,
/// and does them again where only a list had no room.
/// </summary>
internal sealed class DeviceTraining : IDisposable
{
    /// <summary>Steps that may be enqueued while their reports have not been read.</summary>
    public const int Ahead = 2;

    // One more: draws for the next step go into it meanwhile.
    private const int Slots = Ahead + 1;

    private readonly KernelSet _kernels;
    private readonly Method _method;
    private readonly StepGuard _guard;
    private readonly FlatSgd _optimizer;
    private readonly DeviceSlots _slots;
    private readonly StepReport _report;
    private readonly StepReportRing _reports;
    private readonly Queue<Enqueued> _open = new();
    private Enqueued? _faulty;

    private DeviceTraining(KernelSet kernels, Method method, StepGuard guard, FlatSgd optimizer, DeviceSlots slots)
    {
        (_kernels, _method, _guard, _optimizer, _slots) = (kernels, method, guard, optimizer, slots);
        _report = kernels.NewReport();
        _reports = new StepReportRing(Context, _report, Slots);
    }

    /// <summary>The context of the device; stays the kernels'.</summary>
    public CudaContext Context => _kernels.Context!;

    /// <summary>Steps enqueued whose reports have not been read.</summary>
    public int Open => _open.Count;

    /// <summary>For a method that can, with kernels that work where its network is; else null.</summary>
    /// <param name="method">Where it will run.</param>
    /// <param name="guard">Of the method.</param>
    /// <param name="optimizer">Of its encoder.</param>
    /// <param name="options">What is drawn for a view.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Where the network is.</param>
    public static DeviceTraining? For(
        Method method, StepGuard guard, FlatSgd optimizer, AugmentOptions options, int patchSize, int batchSize, ulong seed,
        Device device) =>
        method.OnDevice is { } kernels && KernelBridge.AreOn(kernels, device)
            ? new DeviceTraining(
                kernels, method, guard, optimizer, new DeviceSlots(kernels, options, patchSize, batchSize, method, seed, device, Slots))
            : null;

    /// <summary>Enqueues a whole step, its move of weights and bank included. Fewer than <see cref="Ahead"/> may be open.</summary>
    /// <param name="patches">The batch, lent by the ring until <see cref="WaitForCopy"/>.</param>
    /// <param name="call">What the host knows.</param>
    public void Enqueue(PatchBatch patches, in StepCall call) => Enqueue(_slots.Send(patches, call.Step, call.Ramp), call);

    /// <summary>Draws for the next step on another thread.</summary>
    /// <param name="step">Steps enqueued before it.</param>
    /// <param name="expected">Its patches, as far as every one reads.</param>
    public void DrawAhead(int step, ReadOnlyMemory<int> expected) => _slots.DrawAhead(step, expected);

    /// <summary>The ring's memory of the last batch may be written again; waits for its copy where that has not passed.</summary>
    public void WaitForCopy() => _slots.WaitForCopy();

    /// <summary>What the oldest open step's report says; waits where the device has not come there. A step whose lists had no room is done
    /// again before anybody hears of it, and those behind it with it.</summary>
    public StepOutcome Read()
    {
        while (true)
        {
            Enqueued oldest = _open.Peek();
            StepReading reading = _reports.Read(oldest.Slot);
            if (!reading.IsToBeRepeated)
                return Outcome(_open.Dequeue(), reading);
            Enqueued[] again = TakeBack();
            _method.Widen(reading);
            _report.EnqueueClear();
            foreach (Enqueued step in again)
            {
                step.Forget();
                Enqueue(_slots.Again(step.Sent, step.Call.Ramp), step.Call);
            }
        }
    }

    /// <summary>
    /// After a step that was not finite: what the host noted of it and of those behind it goes, and its views are made anew, to be looked
    /// into, with the batch statistics before it.
    /// </summary>
    public (TrainingBatch Batch, (Tensor Statistics, Tensor Counts) Before) GoBack()
    {
        Enqueued step = _faulty ?? throw new InvalidOperationException("No step was at fault.");
        foreach (Enqueued later in TakeBack())
            later.Forget();
        TakeBack(step);
        return (BatchOf(_slots.Again(step.Sent, step.Call.Ramp), step.Call), step.Before);
    }

    public void Dispose()
    {
        foreach (Enqueued step in _open)
            step.Forget();
        _faulty?.Forget();
        _slots.Dispose();
        _reports.Dispose();
        _report.Dispose();
    }

    private void Enqueue(SentBatch sent, in StepCall call)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor statistics, Tensor counts) = _guard.Snapshot();
        (Tensor, Tensor) before = (statistics.DetachFromDisposeScope(), counts.DetachFromDisposeScope());
        (bool, double) mark = _optimizer.Mark;
        TrainingBatch batch = BatchOf(sent, call);
        using (_method.Stages.Range(Stage.Guard))
            _optimizer.ClearGradients();
        _method.EnqueueStep(batch, sent.Inputs, _report);
        using (_method.Stages.Range(Stage.Guard))
        {
            _guard.EnqueueStatistics(_report, _kernels);
            _optimizer.EnqueueNorm(_report);
        }
        using (_method.Stages.Range(Stage.Optimizer))
            _optimizer.Step(call.Rate, _report);
        _method.EnqueueEnd(batch, sent.Inputs, _report);
        _reports.Enqueue(sent.Slot);
        _slots.EnqueueConsumed(sent.Slot);
        _open.Enqueue(new(sent, call, before, mark, call.IsWatched ? _method.Compared : null));
    }

    private StepOutcome Outcome(Enqueued step, in StepReading reading)
    {
        double norm = MomentumSgdRules.NormOf(reading[StepValue.GradientSquares]);
        bool isFinite = reading.Fault == StepFault.None;
        if (isFinite)
            step.Forget();
        else
            _faulty = step;
        return new(step.Call, _method.TermsOf(reading), norm, isFinite, step.Compared);
    }

    /// <summary>All open steps, oldest first, which are open no more: everything is as it was before them.</summary>
    private Enqueued[] TakeBack()
    {
        Enqueued[] open = [.. _open];
        _open.Clear();
        _slots.ForgetAhead();
        foreach (Enqueued step in open.Reverse())
            TakeBack(step);
        return open;
    }

    private void TakeBack(Enqueued step)
    {
        _method.TakeBack(step.Sent.Patches.Length);
        _guard.Restore(step.Before);
        _optimizer.TakeBack(step.Mark);
    }

    private static TrainingBatch BatchOf(SentBatch sent, in StepCall call) =>
        new(sent.Views, sent.Patches, call.Step, call.Ramp, call.IsWatched);

    /// <summary>A step whose report has not been read.</summary>
    private sealed record Enqueued(
        SentBatch Sent, StepCall Call, (Tensor Statistics, Tensor Counts) Before, (bool HasBegun, double Rate) Mark,
        ComparedFeatures? Compared)
    {
        public int Slot => Sent.Slot;

        /// <summary>It will not be taken back.</summary>
        public void Forget()
        {
            Before.Statistics.Dispose();
            Before.Counts.Dispose();
        }
    }
}
