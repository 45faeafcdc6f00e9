using SSLP.Engine.Weights;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>SSLP's objective with its bank, as a step of training uses it.</summary>
public interface IBankObjective : IDisposable
{
    /// <summary>One line for run.json: the constants as they came out for this bank.</summary>
    string Describe { get; }

    /// <summary>Bytes of the bank's vectors: what a pass over it reads.</summary>
    long BankBytes { get; }

    /// <summary>The terms of a batch and dL/df.</summary>
    /// <param name="anchors">Bank rows of the batch, B.</param>
    /// <param name="features">f, unit rows [B, D] float32, on any device; its graph is not touched.</param>
    /// <param name="step">Steps done before this one; the draw of the negatives' ranks is a function of it and the seed.</param>
    /// <param name="ramp">w(t).</param>
    /// <returns>The terms and the gradient [B, D], of the caller's scope.</returns>
    (StepTerms Terms, Tensor Gradient) Step(ReadOnlySpan<int> anchors, Tensor features, int step, double ramp);

    /// <summary>The batch beside its bank rows and a sample of the others, as they are before the update; null where that is not to be
    /// had.</summary>
    ComparedFeatures? Compare(ReadOnlySpan<int> anchors, Tensor features, int step) => null;

    /// <summary>v_i ← unit((1 − m) v_i + m f_i), in the order of the batch.</summary>
    void Update(ReadOnlySpan<int> anchors, Tensor features);

    /// <summary>The R k-means runs over the bank as it is.</summary>
    /// <param name="clustering">Its number, from 1: the epoch that it begins, or what cluster_every makes of the step. The runs' seeds are
    /// functions of it.</param>
    void Cluster(int clustering);

    /// <summary>Bank and labels as they are now, for the checkpoint: they may be written while training goes on.</summary>
    IEnumerable<SafetensorsItem> State();

    /// <summary>The same, of the bank only what changed since <see cref="BaseTaken"/>; null where that is not less.</summary>
    IEnumerable<SafetensorsItem>? Changes() => null;

    /// <summary>The last <see cref="State"/> is on the disk or about to be: <see cref="Changes"/> counts from it on.</summary>
    void BaseTaken()
    {
    }

    /// <summary>Takes back what <see cref="State"/>, or <see cref="Changes"/> over it, gave.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="rowOf">Of a run that goes on with more patches: this bank's row of each of the file's, −1 where it is gone. Null: the
    /// same rows.</param>
    void Load(SafetensorsFile checkpoint, int[]? rowOf = null);
}
