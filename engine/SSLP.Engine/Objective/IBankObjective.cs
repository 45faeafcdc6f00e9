using SSLP.Engine.Weights;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>SSLP's objective with its bank, as a step of training uses it.</summary>
public interface IBankObjective : IDisposable
{
    /// <summary>One line for run.json: the constants as they came out for this bank.</summary>
    string Describe { get; }

    /// <summary>The terms of a batch and dL/df.</summary>
    /// <param name="anchors">Bank rows of the batch, B.</param>
    /// <param name="features">f, unit rows [B, D] float32, on any device; its graph is not touched.</param>
    /// <param name="step">Steps done before this one; the draw of the negatives' ranks is a function of it and the seed.</param>
    /// <param name="ramp">w(t).</param>
    /// <returns>The terms and the gradient [B, D], of the caller's scope.</returns>
    (StepTerms Terms, Tensor Gradient) Step(ReadOnlySpan<int> anchors, Tensor features, int step, double ramp);

    /// <summary>The batch beside its bank rows and a sample of the others, as they are before the update; null where that is not to be had.</summary>
    ComparedFeatures? Compare(ReadOnlySpan<int> anchors, Tensor features, int step) => null;

    /// <summary>v_i ← unit((1 − m) v_i + m f_i), in the order of the batch.</summary>
    void Update(ReadOnlySpan<int> anchors, Tensor features);

    /// <summary>The R k-means runs over the bank as it is.</summary>
    /// <param name="epoch">From 0; seeds of the runs are functions of it.</param>
    void Cluster(int epoch);

    /// <summary>Bank and labels, for the checkpoint.</summary>
    IEnumerable<SafetensorsItem> State();

    /// <summary>Takes back what <see cref="State"/> gave.</summary>
    void Load(SafetensorsFile checkpoint);
}
