using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Kernels;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// How old the bank rows are that a step reads, in steps since their last update: a function of the order of the patches alone, so
/// nothing is trained. An own row is about an epoch old; spatial neighbours are younger where patches of a run follow each other.
/// </summary>
/// <param name="Own">Mean age of an anchor's own row.</param>
/// <param name="Spatial">Mean age of the rows of S; null where S is empty.</param>
/// <param name="YoungSpatial">Share of the rows of S that are younger than a tenth of an epoch; null where S is empty.</param>
internal sealed record RowAges(double Own, double? Spatial, double? YoungSpatial)
{
    /// <summary>Epochs that are counted, after one in which every row gets its first update: the mean moves little from epoch to
    /// epoch.</summary>
    public const int Epochs = 3;

    /// <param name="table">The patches of the bank, N.</param>
    /// <param name="order">Of the same patches.</param>
    /// <param name="radiusPatches">T.</param>
    public static RowAges Of(PatchTable table, PatchOrder order, double radiusPatches)
    {
        var spatial = new SpatialNeighbours(table.SlideColumn, table.ColColumn, table.RowColumn);
        var neighbours = new RowLists();
        int[] updated = new int[table.Count];
        Array.Fill(updated, int.MinValue);
        long own = 0, owns = 0, ages = 0, members = 0, young = 0;
        for (int epoch = 0, step = 0; epoch <= Epochs; epoch++)
        {
            int[] patches = order.Epoch(epoch);
            for (int batch = 0; batch < order.BatchesPerEpoch; batch++, step++)
            {
                ReadOnlySpan<int> anchors = patches.AsSpan(batch * order.BatchSize, order.BatchSize);
                if (epoch > 0)
                    Count(anchors, step);
                foreach (int anchor in anchors)
                    updated[anchor] = step;
            }
        }
        return new(owns > 0 ? (double)own / owns : 0, members > 0 ? (double)ages / members : null,
            members > 0 ? (double)young / members : null);

        void Count(ReadOnlySpan<int> anchors, int step)
        {
            spatial.Query(anchors, radiusPatches, neighbours);
            for (int i = 0; i < anchors.Length; i++)
            {
                if (updated[anchors[i]] >= 0)
                    (own, owns) = (own + step - updated[anchors[i]], owns + 1);
                foreach (int row in neighbours[i])
                    if (updated[row] >= 0) // else the epoch before left it out with its incomplete batch
                        (ages, members, young) = (ages + step - updated[row], members + 1,
                            young + (10L * (step - updated[row]) < order.BatchesPerEpoch ? 1 : 0));
            }
        }
    }
}
