using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Engine.Processes;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>
/// One objective over the batches of several processes: anchors and features of all are gathered, every process computes the step of the
/// whole batch on its own copy of the bank, or all together on their parts of it, keeps its own rows of the gradient, and updates the bank
/// by all of them. So bank, clusters and draws are the same everywhere, and those of one process with that batch.
/// </summary>
/// <param name="whole">Of the whole batch; owned from here on.</param>
/// <param name="group">The processes.</param>
public sealed class SharedObjective(FusedObjective whole, ProcessGroup group) : IBankObjective
{
    // Of the running step: [P · B], [P · B, D].
    private int[] _anchors = [];
    private Tensor? _features;

    public string Describe => $"{whole.Describe}; batches of {group.Size} processes";

    public long BankBytes => whole.BankBytes;

    public (StepTerms Terms, Tensor Gradient) Step(ReadOnlySpan<int> anchors, Tensor features, int step, double ramp)
    {
        Tensor own = KernelBridge.ToHost(features);
        long rows = own.shape[0], width = own.shape[1];
        _anchors = group.Gather(anchors);
        _features = tensor(GatherRows(own), [rows * group.Size, width]);
        (StepTerms terms, Tensor gradient) = whole.Step(_anchors, _features, step, ramp);
        // Gradients are averaged over the processes, and the whole batch's are the sum of its rows'.
        return (terms, gradient.narrow(0, group.Rank * rows, rows).Times(group.Size).to(features.device));
    }

    // Of a bank in parts all ask for the same rows.
    public ComparedFeatures? Compare(ReadOnlySpan<int> anchors, Tensor features, int step)
    {
        if (!whole.IsInParts)
            return whole.Compare(anchors, features, step);
        Tensor own = KernelBridge.ToHost(features);
        return whole.Compare(group.Gather(anchors), tensor(GatherRows(own), [own.shape[0] * group.Size, own.shape[1]]), step);
    }

    public void Update(ReadOnlySpan<int> anchors, Tensor features) => whole.Update(_anchors, _features!);

    public void Cluster(int clustering)
    {
        whole.Cluster(clustering);
        ulong[] all = group.Gather([ProcessGroup.HashOf(whole.Labels)]);
        if (Array.FindIndex(all, other => other != all[0]) is > 0 and int rank)
            throw new Fault(FaultKind.Device,
                $"Process {rank} has other clusters than process 0: give all of them the same threads and kinds of processors.");
    }

    public IEnumerable<SafetensorsItem> State() => whole.State();

    public IEnumerable<SafetensorsItem>? Changes() => whole.Changes();

    public void BaseTaken() => whole.BaseTaken();

    public void Load(SafetensorsFile checkpoint, int[]? rowOf = null) => whole.Load(checkpoint, rowOf);

    public void Dispose() => whole.Dispose();

    private float[] GatherRows(Tensor own) => group.Gather<float>(
        MemoryMarshal.Cast<byte, float>(KernelBridge.Bytes(own, 0, (int)(own.shape[0] * own.shape[1] * sizeof(float)))));
}
