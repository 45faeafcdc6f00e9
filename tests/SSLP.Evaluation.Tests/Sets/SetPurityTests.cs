using SSLP.Engine.Objective;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Evaluation.Tests.Sets;

public sealed class SetPurityTests
{
    /// <summary>Rows of a class lie together in feature space, and left and right on the slide.</summary>
    [Fact]
    public void Sets_of_a_bank_that_knows_the_classes_are_pure()
    {
        using var patches = new TestPatches(slides: 2, side: 6, labelled: true);
        using var kernels = new KernelSet(KernelBackend.Cpu, 1);
        var plan = ObjectivePlan.For(72);
        plan = plan with
        {
            Clusters = 2,
            Terms = plan.Terms with { NearestKeys = 6, Negatives = 4, RadiusPatches = 1.5, AuxiliaryAnchors = 0 }
        };
        using var objective = new FusedObjective(plan, patches.Table, 8, 3, kernels);
        var random = new Random(0);
        float[] rows = [.. Enumerable.Range(0, 72).SelectMany(patch => Enumerable.Range(0, 8).Select(d =>
            (d == patches.Table.LabelOf[patch] ? 1f : 0f) + 0.02f * (float)random.NextDouble()))];
        for (int row = 0; row < 72; row++)
            System.Numerics.Tensors.TensorPrimitives.Divide(rows.AsSpan(row * 8, 8),
                System.Numerics.Tensors.TensorPrimitives.Norm<float>(rows.AsSpan(row * 8, 8)), rows.AsSpan(row * 8, 8));
        objective.Bank.LoadRows(0, rows);
        objective.Cluster(1);
        SetPurity purity = SetPurity.Of(objective, patches.Table, seed: 1)!;
        Assert.Equal((72, 1.0, 6.0, 4.0), (purity.Anchors, purity.Feature!.Value, purity.FeatureSize, purity.NegativeSize));
        Assert.Equal(35 / 71.0, purity.Chance!.Value, 6);
        // Of 2 × 110 pairs of neighbours on a 6 × 6 grid, 2 × 16 cross the border between columns 2 and 3.
        Assert.Equal(94 / 110.0, purity.Spatial!.Value, 6);
        Assert.Equal(220 / 36.0, purity.SpatialSize, 6);
        Assert.Equal(1.0, purity.Negatives!.Value); // hard ones: the nearest that are no positives
    }

    [Fact]
    public void Without_classes_there_is_no_purity()
    {
        using var patches = new TestPatches(slides: 1, side: 4);
        using var kernels = new KernelSet(KernelBackend.Cpu, 1);
        using var objective = new FusedObjective(ObjectivePlan.For(16), patches.Table, 8, 3, kernels);
        Assert.Null(SetPurity.Of(objective, patches.Table, seed: 1));
    }
}
