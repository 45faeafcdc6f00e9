using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Q_i of the ablation that takes any rows.</summary>
public static class RandomNegatives
{
    /// <summary>
    /// For the ablation: rank r is the r-th row in bank order without {i} ∪ S_i ∪ F_i. rows [B, capacity] for the ranks that exist,
    /// counts[b] of them.
    /// </summary>
    /// <param name="anchors">[B] bank rows.</param>
    /// <param name="ranks">[rankCount] ascending, one draw for the batch.</param>
    /// <param name="excludedRows">[B, 1 + spatialCapacity + featureCapacity] scratch.</param>
    public static void TakeRandomNegatives(
        ArrayView<int> anchors,
        ArrayView<int> spatialRows, ArrayView<int> spatialCounts, ArrayView<int> featureRows, ArrayView<int> featureCounts,
        ArrayView<int> ranks, ArrayView<int> excludedRows, ArrayView<int> rows, ArrayView<int> counts,
        int spatialCapacity, int featureCapacity, int capacity, int rankCount, int bankRows)
    {
        // One group owns one anchor; threads own excluded rows, then ranks.
        ArrayView<int> found = SharedMemory.Allocate<int>(2);
        int b = Grid.IdxX, room = 1 + spatialCapacity + featureCapacity;
        int spatial = IntrinsicMath.Min(spatialCounts[b], spatialCapacity), feature = IntrinsicMath.Min(featureCounts[b], featureCapacity);
        long firstSpatial = (long)b * spatialCapacity, firstFeature = (long)b * featureCapacity;
        long excludedFrom = (long)b * room;
        if (Group.IdxX == 0)
        {
            excludedRows[excludedFrom] = anchors[b];
            found[0] = 1;
            found[1] = 0;
        }

        Group.Barrier();
        for (int e = Group.IdxX; e < spatial + feature; e += Group.DimX)
        {
            int row = e < spatial ? spatialRows[firstSpatial + e] : featureRows[firstFeature + e - spatial];
            bool twice = false;
            for (int s = 0; s < spatial && e >= spatial; s++)
                twice |= spatialRows[firstSpatial + s] == row;
            if (!twice)
                excludedRows[excludedFrom + Atomic.Add(ref found[0], 1)] = row;
        }

        Group.Barrier();
        int excluded = found[0];
        GroupSort.Ascending(excludedRows, excludedFrom, excluded);
        for (int r = Group.IdxX; r < rankCount; r += Group.DimX)
        {
            int row = PositionOf(ranks[r], excludedRows, excludedFrom, excluded);
            if (row >= bankRows)
                continue;
            rows[(long)b * capacity + r] = row;
            Atomic.Add(ref found[1], 1);
        }

        Group.Barrier();
        if (Group.IdxX == 0)
            counts[b] = found[1];
    }

    /// <summary>rank + the excluded positions before it: the first e with excluded[e] − e above the rank tells how many.</summary>
    private static int PositionOf(int rank, ArrayView<int> ascending, long first, int excluded)
    {
        int low = 0, high = excluded;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ascending[first + middle] - middle <= rank)
                low = middle + 1;
            else
                high = middle;
        }

        return rank + low;
    }
}
