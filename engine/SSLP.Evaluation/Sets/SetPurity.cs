using SSLP.Data.Patches;
using SSLP.Engine.Objective;
using SSLP.Kernels;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// How often the members of S, F and Q are of their anchor's class: whether the positives of the method are positives, and what its
/// negatives are. Each anchor asks with its own bank row; the sets are those that a step makes.
/// </summary>
/// <param name="Anchors">Labelled patches asked, drawn by a seed.</param>
/// <param name="Spatial">Share of S of the anchor's class, over all members with a class; null where S is empty.</param>
/// <param name="Feature">The same of F.</param>
/// <param name="Negatives">The same of Q: here a low value is a good one.</param>
/// <param name="Chance">The same of all other patches: what the three are to be compared with.</param>
/// <param name="SpatialSize">Mean size of S.</param>
/// <param name="FeatureSize">Mean size of F.</param>
/// <param name="NegativeSize">Mean size of Q.</param>
internal sealed record SetPurity(
    int Anchors, double? Spatial, double? Feature, double? Negatives, double? Chance, double SpatialSize, double FeatureSize,
    double NegativeSize)
{
    private const int MostAnchors = 512;

    /// <param name="objective">Bank, clusters and constants of a training.</param>
    /// <param name="table">Its patches, one a bank row.</param>
    /// <param name="seed">Of the anchors and of the ranks of Q.</param>
    /// <returns>Null where the patches carry no classes.</returns>
    public static SetPurity? Of(FusedObjective objective, PatchTable table, long seed)
    {
        int[] anchors = table.Classes is null ? [] : Draw(table, seed);
        if (anchors.Length == 0)
            return null;
        IReadOnlyList<AnchorSets> sets =
            BankSets.Of(objective.BankStep, objective.Bank, objective.Plan.Terms.Sampling, anchors, (ulong)seed, at: 0);
        IReadOnlyList<SetStatistics> of = SetStatistics.Of(table, sets);
        (SetStatistics spatial, SetStatistics feature, SetStatistics negatives, SetStatistics any) = (of[0], of[1], of[2], of[3]);
        return new(
            anchors.Length, spatial.Purity, feature.Purity, negatives.Purity, any.Purity,
            spatial.MeanSize, feature.MeanSize, negatives.MeanSize);
    }

    private static int[] Draw(PatchTable table, long seed)
    {
        int[] labelled = [.. Enumerable.Range(0, table.Count).Where(patch => table.LabelOf[patch] != PatchTable.None)];
        CounterRandom.Shuffle(labelled.AsSpan(), CounterRandom.Key((ulong)seed, RandomPurpose.Judging), 0);
        return labelled[..Math.Min(MostAnchors, labelled.Length)];
    }
}
