using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>
/// The objective of features that lie on the kernels' device: nothing in a step comes back to the host but its report, and the bank is the
/// device's from the first update on. The host's copy follows for checkpoints and for whoever asks for <see cref="Bank"/>.
/// </summary>
public sealed partial class FusedObjective
{
    private readonly KernelSet _kernels;
    private readonly MemoryBankUpdateCuda? _update;
    private ThreeTermPlan _prepared;

    /// <summary>The kernels, where they have a device.</summary>
    internal KernelSet? OnDevice => _step is ThreeTermStepCuda ? _kernels : null;

    private ThreeTermStepCuda DeviceStep => (ThreeTermStepCuda)_step;

    /// <summary>Ints that <see cref="Prepare"/> writes.</summary>
    internal int InputInts(int batch) => DeviceStep.InputInts(batch);

    /// <summary>Whether a clustering changes anything.</summary>
    internal bool Clusters => _plan.Terms.NearestKeys > 0;

    /// <summary>Draws the ranks of a step's negatives; on any thread.</summary>
    internal int Draw(int batch, int step, Span<int> inputs) => DeviceStep.DrawRanks(batch, _seed, step, inputs);

    /// <summary>The host's share of a step, for the copy to the device: anchors first.</summary>
    internal void Prepare(ReadOnlySpan<int> anchors, int step, double ramp, int drawn, Span<int> inputs) =>
        _prepared = DeviceStep.Prepare(anchors, new ThreeTermCall(_plan.Weights(ramp), _seed, step), drawn, inputs);

    /// <summary>dL/df [B, D] of the caller's scope, written when the device comes to it.</summary>
    /// <param name="features">f, unit rows [B, D] float32; its graph is not touched.</param>
    /// <param name="inputs">Device address of what <see cref="Prepare"/> wrote last.</param>
    internal Tensor EnqueueStep(Tensor features, ulong inputs, StepReport report)
    {
        Tensor f = features.contiguous(), gradient = empty_like(f);
        DeviceStep.Enqueue(_prepared, inputs, KernelBridge.OnDevice(f, _kernels), KernelBridge.OnDevice(gradient, _kernels), report);
        return gradient;
    }

    /// <summary>The terms as a report has them.</summary>
    internal static StepTerms TermsOf(in StepReading r) => (r.Fault & StepFault.NotFinite) != 0
        ? StepTerms.NotANumber
        : new(
            r[StepValue.Loss], r[StepValue.Self], r[StepValue.Intra], r[StepValue.Inter], r[StepValue.SpatialSize],
            r[StepValue.FeatureSize], r[StepValue.NegativeSize], r[StepValue.OtherSlideShare]);

    /// <summary>Takes what a report says of lists that did not fit.</summary>
    internal void Widen(in StepReading reading) => DeviceStep.Widen(reading);

    /// <summary>The bank follows on the device; not where the report has a fault.</summary>
    internal void EnqueueUpdate(ReadOnlySpan<int> anchors, Tensor features, ulong inputs, StepReport report)
    {
        _changed.Add(anchors);
        _update!.Enqueue(inputs, KernelBridge.OnDevice(features.contiguous(), _kernels), (float)_plan.BankMomentum, report);
    }

    // Rows as they are now, wherever the bank is.
    private float[] RowsNow(ReadOnlySpan<int> rows)
    {
        if (_shards is null)
            return _update is { IsAhead: true } ? _update.Read(rows) : ComparedFeatures.Gather(_bank, rows);
        float[] values = new float[rows.Length * _bank.Width];
        for (int i = 0; i < rows.Length; i++)
            if (IsOwn(rows[i]))
                _bank.Row(rows[i] - _first).CopyTo(values.AsSpan(i * _bank.Width));
        _shards.Sum(values);
        return values;
    }
}
