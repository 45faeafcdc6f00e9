using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// F_i: bank rows that agree with a query's own row in every clustering and are among its K nearest; the union over the anchor's query and
/// those of its auxiliary anchors. Membership is decided by the K-th ranked key of the query's sorted candidates: no list of K is made.
/// </summary>
public static class FeatureNeighbours
{
    /// <summary>
    /// rows [B, capacity], ascending, with similarities to the anchor in scores; counts[b] counts also those without room.
    /// Queries are in the order of <see cref="Candidates"/>: B anchors, then auxiliary a of anchor b at B + b·A + a.
    /// |class|·(1 + A)·D multiply-adds an anchor.
    /// </summary>
    /// <param name="classOf">[N] the class of equal labels in all clusterings.</param>
    /// <param name="classStart">[classes + 1] members of each class in the next.</param>
    /// <param name="members">[N] bank rows by class.</param>
    /// <param name="slides">[N] the slide of each bank row.</param>
    /// <param name="otherSlides">Out [B]: how many of the rows lie on another slide than the anchor.</param>
    public static void FindFeatureNeighbours(
        ArrayView<int> anchors, ArrayView<int> auxiliary, ArrayView<int> classOf, ArrayView<int> classStart, ArrayView<int> members,
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<ulong> sorted, ArrayView<int> candidateCounts,
        ArrayView<int> slides, ArrayView<int> rows, ArrayView<float> scores, ArrayView<int> counts, ArrayView<int> otherSlides,
        int batch, int auxiliaryCount, int nearest, int strideQuads, int candidateCapacity, int capacity)
    {
        // One group owns one anchor; a thread owns members of a class.
        ArrayView<int> found = SharedMemory.Allocate<int>(2);
        int b = Grid.IdxX, anchor = anchors[b];
        long first = (long)b * capacity;
        var lists = new NearestTest(queries, bank, sorted, candidateCounts, nearest, strideQuads, candidateCapacity);
        if (Group.IdxX == 0)
        {
            found[0] = 0;
            found[1] = 0;
        }

        Group.Barrier();
        for (int source = 0; source <= auxiliaryCount; source++)
        {
            int own = Own(source, b, anchor, auxiliary, auxiliaryCount);
            if (own < 0)
                continue;
            int group = classOf[own];
            for (int m = classStart[group] + Group.IdxX; m < classStart[group + 1]; m += Group.DimX)
            {
                int row = members[m];
                if (row == own || row == anchor || !lists.IsNearest(QueryOf(source, b, batch, auxiliaryCount), row))
                    continue;
                bool known = false;
                for (int earlier = 0; earlier < source; earlier++)
                {
                    int other = Own(earlier, b, anchor, auxiliary, auxiliaryCount);
                    known |= other >= 0 && other != row && classOf[other] == group
                        && lists.IsNearest(QueryOf(earlier, b, batch, auxiliaryCount), row);
                }

                if (known)
                    continue;
                int at = Atomic.Add(ref found[0], 1);
                if (at < capacity)
                    rows[first + at] = row;
            }
        }

        Group.Barrier();
        if (Group.IdxX == 0)
            counts[b] = found[0];
        int count = IntrinsicMath.Min(found[0], capacity);
        GroupSort.Ascending(rows, first, count);
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            int row = rows[first + i];
            scores[first + i] = Float4.Dot(queries, b, bank, row, strideQuads);
            if (slides[row] != slides[anchor])
                Atomic.Add(ref found[1], 1);
        }

        Group.Barrier();
        if (Group.IdxX == 0)
            otherSlides[b] = found[1];
    }

    private static int Own(int source, int b, int anchor, ArrayView<int> auxiliary, int auxiliaryCount) =>
        source == 0 ? anchor : auxiliary[(long)b * auxiliaryCount + source - 1];

    private static int QueryOf(int source, int b, int batch, int auxiliaryCount) => source == 0 ? b
        : batch + b * auxiliaryCount + source - 1;

    private readonly struct NearestTest(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<ulong> sorted, ArrayView<int> counts, int nearest, int strideQuads,
        int capacity)
    {
        /// <summary>Whether a row is among the query's K nearest: its ranked key is not below the K-th.</summary>
        public bool IsNearest(int query, int row)
        {
            int count = IntrinsicMath.Min(IntrinsicMath.Min(counts[query], capacity), nearest);
            if (count == 0)
                return false;
            ulong last = sorted[(long)query * capacity + count - 1];
            return DeviceMath.RankedKey(Float4.Dot(queries, query, bank, row, strideQuads), row) >= last;
        }
    }
}
