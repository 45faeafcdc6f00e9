using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Processes;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>
/// SSLP (Li, Lin, Xu, MICCAI 2021): one view a patch, contrasted with the memory bank by the self, intra and inter terms. With the
/// weights of intra and inter at 0 and random negatives it is instance discrimination (Wu et al. 2018).
/// </summary>
/// <param name="encoder">g; owned from here on.</param>
/// <param name="objective">Sets, terms and bank; owned from here on.</param>
/// <param name="clusterEvery">Steps from one clustering of the bank to the next; 0: at the start of each epoch but the first.</param>
/// <param name="group">The processes whose batches are one; null for this one alone.</param>
/// <param name="usesClusters">False where the inter term is left out, and the clusters change nothing.</param>
internal sealed class Sslp(Encoder encoder, IBankObjective objective, int clusterEvery = 0, bool usesClusters = true,
    ProcessGroup? group = null) : Method
{
    private readonly FusedObjective? _fused = objective as FusedObjective;
    private Tensor? _features; // of the running step

    /// <summary>Sets, terms and bank.</summary>
    public IBankObjective Objective => objective;

    public override Encoder Encoder => encoder;

    public override int Views => 1;

    public override string Describe => objective.Describe;

    /// <summary>Clusters the bank where it is due, never before the first step: then it holds noise, and every row is in a cluster of its
    /// own.</summary>
    public override void BeginStep(int step, int stepsPerEpoch)
    {
        if (IsClustered(step, stepsPerEpoch))
            objective.Cluster(step / Every(stepsPerEpoch));
    }

    internal override bool LooksBack(int step, int stepsPerEpoch) => IsClustered(step, stepsPerEpoch) && _fused is not { Clusters: false };

    public override string? Idle(int totalSteps, int stepsPerEpoch)
    {
        int first = Every(stepsPerEpoch);
        return usesClusters && totalSteps <= first
            ? $"The inter term stays out of this run: its {totalSteps:N0} steps end before the first clustering, at step {first:N0}; " +
                $"train longer, or set cluster_every below {totalSteps:N0}."
            : null;
    }

    public override StepTerms Step(TrainingBatch batch)
    {
        Tensor f = encoder.forward(batch.Views[0]);
        bool isBad = !f.isfinite().all().item<bool>();
        Clock?.Lap(StepClock.Forward);
        if (group?.Any(isBad) ?? isBad)
            return StepTerms.NotANumber; // the kernels take finite features only
        if (batch.IsWatched)
            Compared = objective.Compare(batch.Patches.Span, f.detach(), batch.Step);
        (StepTerms terms, Tensor gradient) = objective.Step(batch.Patches.Span, f.detach(), batch.Step, batch.Ramp);
        Clock?.Lap(StepClock.Bank);
        f.backward([gradient]);
        Clock?.Lap(StepClock.Backward);
        _features = f.detach();
        return terms;
    }

    internal override KernelSet? OnDevice => _fused?.OnDevice;

    internal override int InputInts(int batch) => _fused!.InputInts(batch);

    internal override int Draw(int batch, int step, Span<int> inputs) => _fused!.Draw(batch, step, inputs);

    internal override void Prepare(ReadOnlySpan<int> patches, int step, double ramp, int drawn, Span<int> inputs) =>
        _fused!.Prepare(patches, step, ramp, drawn, inputs);

    internal override void EnqueueStep(TrainingBatch batch, StepInputs inputs, StepReport report)
    {
        Tensor f = encoder.forward(batch.Views[0]);
        _features = f.detach();
        if (batch.IsWatched)
            Compared = objective.Compare(batch.Patches.Span, _features, batch.Step);
        f.backward([_fused!.EnqueueStep(_features, inputs.Address, report)]);
    }

    internal override StepTerms TermsOf(in StepReading reading) => FusedObjective.TermsOf(reading);

    internal override void Widen(in StepReading reading) => _fused!.Widen(reading);

    internal override void EnqueueEnd(TrainingBatch batch, StepInputs inputs, StepReport report) =>
        _fused!.EnqueueUpdate(batch.Patches.Span, _features!, inputs.Address, report);

    /// <summary>The bank follows.</summary>
    public override void EndStep(TrainingBatch batch)
    {
        objective.Update(batch.Patches.Span, _features!);
        Clock?.Lap(StepClock.Bank);
    }

    public override IEnumerable<SafetensorsItem> State() => objective.State();

    public override IEnumerable<SafetensorsItem>? Changes() => objective.Changes();

    public override void BaseTaken() => objective.BaseTaken();

    public override void Load(SafetensorsFile checkpoint, int[]? rowOf = null) => objective.Load(checkpoint, rowOf);

    public override void Dispose()
    {
        objective.Dispose();
        base.Dispose();
    }

    private int Every(int stepsPerEpoch) => clusterEvery > 0 ? clusterEvery : stepsPerEpoch;

    private bool IsClustered(int step, int stepsPerEpoch) => step > 0 && step % Every(stepsPerEpoch) == 0;
}
