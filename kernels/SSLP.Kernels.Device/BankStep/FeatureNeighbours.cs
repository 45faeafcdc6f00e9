using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// F_i: bank rows that agree with a query's own row in every clustering and are among its K nearest; the union over the anchor's query and
/// those of its auxiliary anchors. Who is nearest is what the candidates say, whose first K are the largest ones: they are walked, no
/// score is computed to find a member, and a class may have any number of rows.
/// </summary>
public static class FeatureNeighbours
{
    /// <summary>A value for each of a scan's warps, and what a round kept.</summary>
    private const int Partials = 33, Kept = Partials - 1;

    /// <summary>
    /// rows [B, capacity], ascending, with similarities to the anchor in scores; counts[b] of them.
    /// Queries are in the order of <see cref="Candidates"/>: B anchors, then auxiliary a of anchor b at B + b·A + a.
    /// K·(1 + A) keys and classes an anchor, |F|·D multiply-adds.
    /// </summary>
    /// <param name="candidates">[Q, candidateCapacity] of each query, the K largest first and in any order.</param>
    /// <param name="classOf">[N] the class of equal labels in all clusterings.</param>
    /// <param name="classStart">[classes + 1] where each class begins among the rows by class.</param>
    /// <param name="slides">[N] the slide of each bank row.</param>
    /// <param name="otherSlides">Out [B]: how many of the rows lie on another slide than the anchor.</param>
    /// <param name="capacity">At least (1 + A) · the smaller of K and the rows of the largest class without one.</param>
    public static void FindFeatureNeighbours(
        ArrayView<int> anchors, ArrayView<int> auxiliary, ArrayView<int> classOf, ArrayView<int> classStart,
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<ulong> candidates, ArrayView<int> candidateCounts,
        ArrayView<int> slides, ArrayView<int> rows, ArrayView<float> scores, ArrayView<int> counts, ArrayView<int> otherSlides,
        int batch, int auxiliaryCount, int nearest, int strideQuads, int candidateCapacity, int capacity)
    {
        // One group owns one anchor; a thread owns places of a list, then rows.
        ArrayView<int> found = SharedMemory.Allocate<int>(2);
        ArrayView<int> partial = SharedMemory.Allocate<int>(Partials);
        int b = Grid.IdxX, anchor = anchors[b];
        long first = (long)b * capacity;
        if (Group.IdxX == 0)
        {
            found[0] = 0;
            found[1] = 0;
        }

        Group.Barrier();
        for (int source = 0; source <= auxiliaryCount; source++)
        {
            int own = source == 0 ? anchor : auxiliary[(long)b * auxiliaryCount + source - 1];
            if (own < 0)
                continue;
            int group = classOf[own], query = source == 0 ? b : batch + b * auxiliaryCount + source - 1;
            if (classStart[group + 1] - classStart[group] < 2)
                continue;
            int count = IntrinsicMath.Min(IntrinsicMath.Min(candidateCounts[query], candidateCapacity), nearest);
            for (int i = Group.IdxX; i < count; i += Group.DimX)
            {
                // A list is without its query's own row.
                int row = DeviceMath.RowOf(candidates[(long)query * candidateCapacity + i]);
                if (classOf[row] == group && row != anchor)
                    rows[first + Atomic.Add(ref found[0], 1)] = row;
            }
        }

        Group.Barrier();
        int all = found[0];
        GroupSort.Ascending(rows, first, all);
        int distinct = auxiliaryCount == 0 ? all : KeepDistinct(rows, first, all, partial);
        for (int i = Group.IdxX; i < distinct; i += Group.DimX)
        {
            int row = rows[first + i];
            scores[first + i] = Float4.Dot(queries, b, bank, row, strideQuads);
            if (slides[row] != slides[anchor])
                Atomic.Add(ref found[1], 1);
        }

        Group.Barrier();
        if (Group.IdxX == 0)
        {
            counts[b] = distinct;
            otherSlides[b] = found[1];
        }
    }

    /// <summary>Moves one of each of the ascending rows to the front; how many there are.</summary>
    private static int KeepDistinct(ArrayView<int> rows, long first, int count, ArrayView<int> partial)
    {
        int kept = 0;
        for (int start = 0; start < count; start += Group.DimX)
        {
            int i = start + Group.IdxX, row = i < count ? rows[first + i] : 0;
            // The row before this round's first stands where it stood, or has moved nowhere else than there.
            bool isNew = i < count && (i == 0 || rows[first + i - 1] != row);
            int upTo = GroupScan.InclusiveSum(isNew ? 1 : 0, partial);
            // No further back than the row was, and the group has read up to there.
            if (isNew)
                rows[first + kept + upTo - 1] = row;
            if (Group.IdxX == Group.DimX - 1)
                partial[Kept] = upTo;
            Group.Barrier();
            kept += partial[Kept];
            Group.Barrier();
        }

        return kept;
    }
}
