using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Q_i: the rows at the drawn ranks of the anchor's descending order without {i} ∪ S_i ∪ F_i. The sorted candidates hold the excluded rows
/// too: rank r stands at position r + c, c being the number of excluded positions up to there.
/// </summary>
public static class SemiHardNegatives
{
    /// <summary>Threads of <see cref="TakeNegatives"/>: a walk with as many loads in flight as a multiprocessor has threads for.</summary>
    public const int TakeGroupSize = 1024;

    /// <summary>Words of the filter of excluded rows: a bit for each row modulo 65,536.</summary>
    private const int FilterWords = 2048;

    /// <summary>
    /// rows and scores [B, capacity] for the ranks that the candidates reach, counts[b] of them; ranks ascend, so the others are the last.
    /// Where the excluded rows stand is found by one walk over the candidates, whatever scored them.
    /// </summary>
    /// <param name="sorted">[≥ B, candidateCapacity] the anchors' candidates, own rows left out.</param>
    /// <param name="ranks">[rankCount] ascending, one draw for the batch.</param>
    /// <param name="excluded">[B, 2, spatialCapacity + featureCapacity] scratch: rows, then positions.</param>
    /// <param name="isNear">Not 0: the lists' scores are near float32 ones, which the rows that are taken get: M·D multiply-adds.</param>
    public static void TakeNegatives(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<ulong> sorted, ArrayView<int> candidateCounts,
        ArrayView<int> spatialRows, ArrayView<int> spatialCounts, ArrayView<int> featureRows, ArrayView<int> featureCounts,
        ArrayView<int> ranks, ArrayView<int> excluded, ArrayView<int> rows, ArrayView<float> scores, ArrayView<int> counts,
        int candidateCapacity, int spatialCapacity, int featureCapacity, int capacity, int rankCount, int strideQuads, int isNear)
    {
        // One group owns one anchor; threads own excluded rows, then candidates, then ranks.
        ArrayView<int> filter = SharedMemory.Allocate<int>(FilterWords);
        ArrayView<int> found = SharedMemory.Allocate<int>(2);
        int b = Grid.IdxX, candidates = IntrinsicMath.Min(candidateCounts[b], candidateCapacity);
        int spatial = IntrinsicMath.Min(spatialCounts[b], spatialCapacity), feature = IntrinsicMath.Min(featureCounts[b], featureCapacity);
        long list = (long)b * candidateCapacity, firstRow = 2L * b * (spatialCapacity + featureCapacity),
            firstPosition = firstRow + spatialCapacity + featureCapacity;
        for (int word = Group.IdxX; word < FilterWords; word += Group.DimX)
            filter[word] = 0;
        if (Group.IdxX == 0)
        {
            found[0] = 0;
            found[1] = 0;
        }

        Group.Barrier();
        for (int e = Group.IdxX; e < spatial + feature; e += Group.DimX)
        {
            int row = e < spatial ? spatialRows[(long)b * spatialCapacity + e]
                : featureRows[(long)b * featureCapacity + e - spatial];
            excluded[firstRow + e] = row;
            Atomic.Or(ref filter[row / 32 % FilterWords], 1 << row % 32);
        }

        Group.Barrier();
        GroupSort.Ascending(excluded, firstRow, spatial + feature);
        // A row of both sets is there twice, and in the list once.
        int reach = rankCount == 0 ? 0 : IntrinsicMath.Min(candidates, ranks[rankCount - 1] + 1 + spatial + feature);
        for (int i = Group.IdxX; i < reach; i += Group.DimX)
        {
            int row = DeviceMath.RowOf(sorted[list + i]);
            if ((filter[row / 32 % FilterWords] >> row % 32 & 1) != 0 && Holds(excluded, firstRow, spatial + feature, row))
                excluded[firstPosition + Atomic.Add(ref found[0], 1)] = i;
        }

        Group.Barrier();
        int positions = found[0];
        GroupSort.Ascending(excluded, firstPosition, positions);
        for (int r = Group.IdxX; r < rankCount; r += Group.DimX)
        {
            int position = RandomNegatives.PositionOf(ranks[r], excluded, firstPosition, positions);
            if (position >= candidates)
                continue;
            ulong key = sorted[list + position];
            int row = DeviceMath.RowOf(key);
            rows[(long)b * capacity + r] = row;
            scores[(long)b * capacity + r] = isNear == 0 ? DeviceMath.SimilarityOf(key) : Float4.Dot(queries, b, bank, row, strideQuads);
            Atomic.Add(ref found[1], 1);
        }

        Group.Barrier();
        if (Group.IdxX == 0)
            counts[b] = found[1];
    }

    private static bool Holds(ArrayView<int> ascending, long first, int count, int number)
    {
        int low = 0, high = count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ascending[first + middle] < number)
                low = middle + 1;
            else
                high = middle;
        }

        return low < count && ascending[first + low] == number;
    }
}
