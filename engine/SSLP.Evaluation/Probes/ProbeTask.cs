using System.Numerics.Tensors;
using SSLP.Data.Files;
using SSLP.Evaluation.Features;

namespace SSLP.Evaluation.Probes;

/// <summary>Features with labels, divided into what a probe learns from and what it is judged on.</summary>
public sealed class ProbeTask
{
    /// <param name="features">One vector per patch.</param>
    /// <param name="split">Rows of either side.</param>
    /// <exception cref="Fault">Fewer than two classes to learn, or features that are no numbers.</exception>
    public ProbeTask(FeatureTable features, ProbeSplit split)
    {
        (Train, Test, How) = (features.Select(split.Train), features.Select(split.Test), split.How);
        Classes = features.Patches.Classes!;
        if (TrainLabels.Distinct().Count() < 2)
            throw new Fault(FaultKind.Data, $"The {Train.Count} patches to learn from are all of one class; a probe needs two.");
        CheckFinite(Train);
        CheckFinite(Test);
    }

    public FeatureTable Train { get; }

    public FeatureTable Test { get; }

    /// <summary>Class names; labels index them.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Where the split comes from.</summary>
    public string How { get; }

    public int[] TrainLabels => Train.Patches.LabelOf.ToArray();

    public int[] TestLabels => Test.Patches.LabelOf.ToArray();


    private static void CheckFinite(FeatureTable side)
    {
        int bad = Enumerable.Range(0, side.Count).Count(row => !float.IsFinite(TensorPrimitives.Sum(side.Row(row))));
        if (bad > 0)
            throw new Fault(FaultKind.Data,
                $"{bad} of {side.Count} feature vectors of '{side.Source}' hold NaN or infinity: the encoder diverged, or the file is " +
                $"damaged.");
    }
}
