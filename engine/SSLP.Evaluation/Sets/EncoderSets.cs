using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Kernels;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// Sets like the method's, made of an encoder's features where a run keeps no bank, by the same kernel: the patches within T, the nearest
/// in feature space, and semi-hard negatives of the nearest 20 % (method.md, "The sets"). There are no clusters, so nothing has to agree,
/// and no auxiliary anchors.
/// </summary>
internal static class EncoderSets
{
    private const double PoolShare = 0.2;

    /// <param name="features">A row for every patch.</param>
    /// <param name="anchors">Rows that ask.</param>
    /// <param name="radiusPatches">T.</param>
    /// <param name="most">Feature neighbours and negatives of an anchor.</param>
    /// <param name="seed">Of the negatives.</param>
    public static IReadOnlyList<AnchorSets> Of(FeatureTable features, int[] anchors, double radiusPatches, int most, int seed)
    {
        if (anchors.Length == 0)
            return [];
        PatchTable table = features.Patches;
        var terms = new ThreeTermOptions
        {
            // Without coordinates no other patch is nearer than half a patch, for places are whole.
            RadiusPatches = table.HasCoordinates ? radiusPatches : 0.5,
            AuxiliaryAnchors = 0,
            NearestKeys = most,
            Negatives = most,
            // Of a few patches two at least may be drawn.
            PoolShare = Math.Min(1, Math.Max(PoolShare, 2.0 / features.Count)),
        };
        using var kernels = new KernelSet(KernelBackend.Cpu);
        using MemoryBank bank = features.ToBank();
        using IThreeTermStep step =
            kernels.ThreeTermStep(bank, new SpatialNeighbours(table.SlideColumn, table.ColColumn, table.RowColumn), terms);
        step.SetClusters(new ClusterAgreement(new int[features.Count], features.Count));
        return BankSets.Of(step, bank, terms.Sampling, anchors, (ulong)seed, at: 0);
    }
}
