using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Candidates: for each query the bank rows whose score reaches its threshold, found in one pass over the bank, then sorted. Everything that
/// asks about ranks (nearest keys, K-th similarity, rows at drawn ranks) reads the sorted lists. A threshold from a sample of the bank only
/// decides how long the lists are; a list that came out too long or too short is flagged by its count and the caller repeats the pass.
/// Deterministic: lists are filled in any order, but keys are unique and the sort is total.
/// </summary>
public static class Candidates
{
    private const int SortBins = 2048;

    /// <summary>scores [Q, S] of the queries with the sampled rows. Grid: (S/128, Q/128).</summary>
    public static void ScoreSamples(
        ArrayView<Float4> queries, ArrayView<Float4> samples, ArrayView<float> scores, int queryCount, int sampleCount, int strideQuads)
    {
        int firstQuery = Grid.IdxY * ScoreTile.Side, firstRow = Grid.IdxX * ScoreTile.Side;
        ScoreTile tile = ScoreTile.Compute(queries, queryCount, firstQuery, samples, sampleCount, firstRow, strideQuads);
        int query = firstQuery + ScoreTile.ThreadQuery, row = firstRow + ScoreTile.ThreadRow;
        StoreRow(scores, query, queryCount, row, sampleCount, tile.R0);
        StoreRow(scores, query + 1, queryCount, row, sampleCount, tile.R1);
        StoreRow(scores, query + 2, queryCount, row, sampleCount, tile.R2);
        StoreRow(scores, query + 3, queryCount, row, sampleCount, tile.R3);
        StoreRow(scores, query + 4, queryCount, row, sampleCount, tile.R4);
        StoreRow(scores, query + 5, queryCount, row, sampleCount, tile.R5);
        StoreRow(scores, query + 6, queryCount, row, sampleCount, tile.R6);
        StoreRow(scores, query + 7, queryCount, row, sampleCount, tile.R7);
    }

    /// <summary>
    /// thresholds[q] = the score of rank ranks[q] (0 the highest) among the query's samples; −∞ where the rank is below 0, +∞ where it is
    /// beyond the samples. Radix selection, a byte of the ordered bits at a time.
    /// </summary>
    public static void SelectThresholds(ArrayView<float> scores, ArrayView<int> ranks, ArrayView<float> thresholds, int sampleCount)
    {
        // One group owns one query.
        ArrayView<int> counts = SharedMemory.Allocate<int>(256);
        ArrayView<uint> chosen = SharedMemory.Allocate<uint>(2);  // the prefix so far, and the rank left within it
        long first = (long)Grid.IdxX * sampleCount;
        int rank = ranks[Grid.IdxX];
        if (Group.IdxX == 0)
        {
            chosen[0] = 0u;
            chosen[1] = (uint)IntrinsicMath.Clamp(rank, 0, sampleCount - 1);
        }

        for (int shift = 24; shift >= 0; shift -= 8)
        {
            for (int bin = Group.IdxX; bin < 256; bin += Group.DimX)
                counts[bin] = 0;
            Group.Barrier();
            uint prefix = chosen[0];
            for (int s = Group.IdxX; s < sampleCount; s += Group.DimX)
            {
                uint bits = (uint)(DeviceMath.RankedKey(scores[first + s], 0) >> 32);
                // A shift by 32 keeps the operand on some devices and clears it on others: take it in two.
                if (((bits ^ prefix) >> shift >> 8) == 0u)
                    Atomic.Add(ref counts[(int)(bits >> shift & 255u)], 1);
            }

            Group.Barrier();
            if (Group.IdxX == 0)
            {
                int left = (int)chosen[1], bin = 255;
                for (; bin > 0 && left >= counts[bin]; bin--)
                    left -= counts[bin];
                chosen[0] = prefix | (uint)bin << shift;
                chosen[1] = (uint)left;
            }

            Group.Barrier();
        }

        if (Group.IdxX == 0)
        {
            float threshold = DeviceMath.SimilarityOf((ulong)chosen[0] << 32);
            thresholds[Grid.IdxX] = rank < 0 ? float.NegativeInfinity : rank >= sampleCount ? float.PositiveInfinity : threshold;
        }
    }

    /// <summary>
    /// Streams the bank past the queries and appends (score, row) of every row that reaches the query's threshold and is not its own to
    /// keys [Q, capacity]; counts[q] counts also those that found no room. 2·Q·N·D flops, 4·N·D bytes for each 128 queries.
    /// Grid: (N/128, Q/128). counts must be 0.
    /// </summary>
    public static void CollectCandidates(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<float> thresholds, ArrayView<int> ownRows,
        ArrayView<ulong> keys, ArrayView<int> counts, int queryCount, long rowCount, int strideQuads, int capacity)
    {
        int firstQuery = Grid.IdxY * ScoreTile.Side;
        long firstRow = (long)Grid.IdxX * ScoreTile.Side;
        ScoreTile tile = ScoreTile.Compute(queries, queryCount, firstQuery, bank, rowCount, firstRow, strideQuads);
        int query = firstQuery + ScoreTile.ThreadQuery, last = queryCount - 1;
        long row = firstRow + ScoreTile.ThreadRow;
        var list = new Append(keys, counts, capacity, rowCount);
        list.Row(query, last, thresholds, ownRows, row, tile.R0);
        list.Row(query + 1, last, thresholds, ownRows, row, tile.R1);
        list.Row(query + 2, last, thresholds, ownRows, row, tile.R2);
        list.Row(query + 3, last, thresholds, ownRows, row, tile.R3);
        list.Row(query + 4, last, thresholds, ownRows, row, tile.R4);
        list.Row(query + 5, last, thresholds, ownRows, row, tile.R5);
        list.Row(query + 6, last, thresholds, ownRows, row, tile.R6);
        list.Row(query + 7, last, thresholds, ownRows, row, tile.R7);
    }

    /// <summary>
    /// sorted [Q, capacity] ← the first min(counts[q], capacity) keys of each list, descending. Counting sort by equal bins of score, then a
    /// heap sort within each bin by one thread: a bin holds a few dozen keys unless scores repeat.
    /// </summary>
    public static void SortCandidates(ArrayView<ulong> keys, ArrayView<int> counts, ArrayView<ulong> sorted, int capacity)
    {
        // One group owns one query's list.
        ArrayView<int> starts = SharedMemory.Allocate<int>(SortBins + 1);
        ArrayView<int> cursors = SharedMemory.Allocate<int>(SortBins);
        ArrayView<float> partial = SharedMemory.Allocate<float>(DeviceMath.GroupSize);
        long first = (long)Grid.IdxX * capacity;
        int count = IntrinsicMath.Min(counts[Grid.IdxX], capacity);
        float largest = float.NegativeInfinity, smallest = float.PositiveInfinity;
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            float score = DeviceMath.SimilarityOf(keys[first + i]);
            largest = IntrinsicMath.Max(largest, score);
            smallest = IntrinsicMath.Min(smallest, score);
        }

        largest = GroupReduce.Max(largest, partial);
        smallest = -GroupReduce.Max(-smallest, partial);
        float binsPerUnit = largest > smallest ? (SortBins - 1) / (largest - smallest) : 0f;

        for (int bin = Group.IdxX; bin < SortBins; bin += Group.DimX)
            cursors[bin] = 0;
        Group.Barrier();
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            Atomic.Add(ref cursors[BinOf(keys[first + i], largest, binsPerUnit)], 1);
        Group.Barrier();
        if (Group.IdxX == 0)
        {
            int start = 0;
            for (int bin = 0; bin < SortBins; bin++)
            {
                starts[bin] = start;
                start += cursors[bin];
            }

            starts[SortBins] = start;
        }

        Group.Barrier();
        for (int bin = Group.IdxX; bin < SortBins; bin += Group.DimX)
            cursors[bin] = starts[bin];
        Group.Barrier();
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            ulong key = keys[first + i];
            int at = Atomic.Add(ref cursors[BinOf(key, largest, binsPerUnit)], 1);
            sorted[first + at] = key;
        }

        Group.Barrier();
        for (int bin = Group.IdxX; bin < SortBins; bin += Group.DimX)
            HeapSortDescending(sorted, first + starts[bin], starts[bin + 1] - starts[bin]);
    }

    /// <summary>rows and similarities [Q, k] ← the first k of each sorted list.</summary>
    public static void TakeNearest(ArrayView<ulong> sorted, ArrayView<int> rows, ArrayView<float> similarities, int capacity, int k)
    {
        // One group owns one query.
        for (int i = Group.IdxX; i < k; i += Group.DimX)
        {
            ulong key = sorted[(long)Grid.IdxX * capacity + i];
            rows[(long)Grid.IdxX * k + i] = DeviceMath.RowOf(key);
            similarities[(long)Grid.IdxX * k + i] = DeviceMath.SimilarityOf(key);
        }
    }

    /// <summary>Position of a key in a descending list, or −1.</summary>
    internal static int Find(ArrayView<ulong> sorted, long first, int count, ulong key)
    {
        int low = 0, high = count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[first + middle] > key)
                low = middle + 1;
            else
                high = middle;
        }

        return low < count && sorted[first + low] == key ? low : -1;
    }

    // Monotone in the score: bins descend as scores do.
    private static int BinOf(ulong key, float largest, float binsPerUnit) =>
        IntrinsicMath.Min((int)((largest - DeviceMath.SimilarityOf(key)) * binsPerUnit), SortBins - 1);

    private static void HeapSortDescending(ArrayView<ulong> keys, long first, int count)
    {
        for (int root = count / 2 - 1; root >= 0; root--)
            SiftDown(keys, first, root, count, keys[first + root]);
        for (int end = count - 1; end > 0; end--)
        {
            ulong moving = keys[first + end];
            keys[first + end] = keys[first];
            SiftDown(keys, first, 0, end, moving);
        }
    }

    // A heap with the smallest key at its root; moving is the key that belongs at or below a root.
    private static void SiftDown(ArrayView<ulong> keys, long first, int root, int count, ulong moving)
    {
        int child = 2 * root + 1;
        while (child < count)
        {
            if (child + 1 < count && keys[first + child + 1] < keys[first + child])
                child++;
            if (keys[first + child] >= moving)
                break;
            keys[first + root] = keys[first + child];
            root = child;
            child = 2 * root + 1;
        }

        keys[first + root] = moving;
    }

    private static void StoreRow(ArrayView<float> scores, int query, int queryCount, int row, int rowCount, ScoreRow values)
    {
        if (query >= queryCount)
            return;
        Store(scores, query, row, rowCount, values.A);
        Store(scores, query, row + 1, rowCount, values.B);
        Store(scores, query, row + 2, rowCount, values.C);
        Store(scores, query, row + 3, rowCount, values.D);
        row += ScoreTile.FarRows;
        Store(scores, query, row, rowCount, values.E);
        Store(scores, query, row + 1, rowCount, values.F);
        Store(scores, query, row + 2, rowCount, values.G);
        Store(scores, query, row + 3, rowCount, values.H);
    }

    private static void Store(ArrayView<float> scores, int query, int row, int rowCount, float value)
    {
        if (row < rowCount)
            scores[(long)query * rowCount + row] = value;
    }

    /// <summary>Where candidates go.</summary>
    private readonly struct Append(ArrayView<ulong> keys, ArrayView<int> counts, int capacity, long rowCount)
    {
        public void Row(int query, int lastQuery, ArrayView<float> thresholds, ArrayView<int> ownRows, long row, ScoreRow scores)
        {
            if (query > lastQuery)
                return;
            float threshold = thresholds[query];
            long own = ownRows[query];
            One(query, threshold, own, row, scores.A);
            One(query, threshold, own, row + 1, scores.B);
            One(query, threshold, own, row + 2, scores.C);
            One(query, threshold, own, row + 3, scores.D);
            row += ScoreTile.FarRows;
            One(query, threshold, own, row, scores.E);
            One(query, threshold, own, row + 1, scores.F);
            One(query, threshold, own, row + 2, scores.G);
            One(query, threshold, own, row + 3, scores.H);
        }

        private void One(int query, float threshold, long own, long row, float score)
        {
            if (row >= rowCount || row == own || !(score >= threshold))
                return;
            int at = Atomic.Add(ref counts[query], 1);
            if (at < capacity)
                keys[(long)query * capacity + at] = DeviceMath.RankedKey(score, (int)row);
        }
    }
}
