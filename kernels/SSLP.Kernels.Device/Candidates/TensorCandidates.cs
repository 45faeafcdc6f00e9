using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// <see cref="Candidates.CollectCandidates"/> on tensor cores, for the same answer. Scores of bf16 operands lie within
/// <see cref="TensorTile.Slack"/>·‖q‖·‖v‖ of the float32 ones: every row whose bf16 score reaches the threshold less that margin is noted,
/// then scored anew in float32, and kept where it reaches the threshold itself. Never seen on a device.
/// </summary>
public static class TensorCandidates
{
    /// <summary>
    /// rounded [n, D] ← rows as bf16, lengths[n] ← an upper bound of ‖row‖, largest[0] ← the greatest of what it was and these. Row n is
    /// row ids[n] on both sides where <paramref name="byIds"/> is 1, else row n; an id that occurs twice is done once. Rounding ties to
    /// even.
    /// </summary>
    /// <param name="restFrom">Where in <paramref name="rounded"/> [n, D] of the rests lie: value − bf16(value) as bf16; 0 where none are
    /// wanted.</param>
    public static void RoundRows(
        ArrayView<Float4> rows, ArrayView<int> ids, ArrayView<uint> rounded, ArrayView<float> lengths, ArrayView<int> largest,
        long restFrom, int strideQuads, int byIds)
    {
        // One group owns one row; a thread owns every DimX-th four values of D. Each sums the squares of them all: the loads are shared,
        // and no thread waits for another.
        long row = byIds != 0 ? ids[Grid.IdxX] : Grid.IdxX;
        for (int earlier = 0; earlier < Grid.IdxX && byIds != 0; earlier++)
        {
            if (ids[earlier] == row)
                return;
        }

        float squared = 0f;
        for (int d = 0; d < strideQuads; d++)
        {
            Float4 value = rows[row * strideQuads + d];
            squared += value.X * value.X + value.Y * value.Y + value.Z * value.Z + value.W * value.W;
        }

        for (int d = Group.IdxX; d < strideQuads; d += Group.DimX)
        {
            Float4 value = rows[row * strideQuads + d];
            long at = (row * strideQuads + d) * 2;
            uint low = TensorCore.Round(value.X, value.Y), high = TensorCore.Round(value.Z, value.W);
            rounded[at] = low;
            rounded[at + 1] = high;
            if (restFrom != 0)
            {
                rounded[restFrom + at] = TensorCore.Rest(value.X, value.Y, low);
                rounded[restFrom + at + 1] = TensorCore.Rest(value.Z, value.W, high);
            }
        }

        if (Group.IdxX == 0)
        {
            // Squares below the smallest float vanish: no length is taken for less than that hides.
            float length = MathF.Sqrt(squared) * 1.0001f + 1e-18f;
            lengths[row] = length;
            Atomic.Max(ref largest[0], (int)Interop.FloatAsInt(length));
        }
    }

    /// <summary>
    /// Appends every row but the query's own whose bf16 score is not below the threshold's − slack·lengths[q]·longest row to rows [Q,
    /// capacity]; counts[q] counts also those that found no room. 2·Q·N·D flops, 2·N·D bytes for each 128 queries. counts must be 0.
    /// Grid: ⌈Q/128⌉ · splits, the query blocks of one split side by side so that they share its rows in the cache. Splits take
    /// rowsPerSplit rows, a multiple of 128.
    /// </summary>
    public static void CollectRoundedCandidates(
        ArrayView<UInt4> queries, ArrayView<UInt4> bank, ArrayView<ulong> thresholds, ArrayView<float> lengths, ArrayView<int> largest,
        ArrayView<int> ownRows, ArrayView<int> rows, ArrayView<int> counts,
        int queryCount, long rowCount, int strideQuads, int capacity, long rowsPerSplit)
    {
        int blocks = (queryCount + TensorTile.Side - 1) / TensorTile.Side;
        int firstQuery = Grid.IdxX % blocks * TensorTile.Side;
        long firstRow = Grid.IdxX / blocks * rowsPerSplit, endRow = IntrinsicMath.Min(firstRow + rowsPerSplit, rowCount);
        float slack = TensorTile.Slack(strideQuads) * Interop.IntAsFloat((uint)largest[0]);
        var sink = new Collector(thresholds, lengths, ownRows, rows, counts, slack, queryCount, capacity, endRow);
        TensorTile.Stream(queries, queryCount, firstQuery, bank, rowCount, firstRow, endRow, strideQuads, sink);
    }

    /// <summary>
    /// keys [Q, capacity] ← (float32 score, row) of each noted row that reaches thresholds[q], counts[q] of them; counts must be 0. The
    /// score is the chain of fused multiply-adds that <see cref="ScoreTile"/> computes, to the bit. Grid: (Q, groups).
    /// </summary>
    public static void RescoreCandidates(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<ulong> thresholds, ArrayView<int> rows, ArrayView<int> noted,
        ArrayView<ulong> keys, ArrayView<int> counts, int strideQuads, int capacity)
    {
        // A thread owns every (GridDimY · DimX)-th noted row of one query.
        int query = Grid.IdxX, count = IntrinsicMath.Min(noted[query], capacity);
        ulong threshold = thresholds[query];
        float least = DeviceMath.SimilarityOf(threshold);
        for (int i = Grid.IdxY * Group.DimX + Group.IdxX; i < count; i += Grid.DimY * Group.DimX)
        {
            int row = rows[(long)query * capacity + i];
            float score = Float4.Dot(queries, query, bank, row, strideQuads);
            ulong key = DeviceMath.RankedKey(score, row);
            if (score >= least && key >= threshold)
                keys[(long)query * capacity + Atomic.Add(ref counts[query], 1)] = key;
        }
    }

    /// <summary>
    /// <see cref="Candidates.CollectCandidates"/> by three products of bf16 in place of one of float32: the score in a key is
    /// <see cref="TensorTile.StreamSplit"/>'s, within <see cref="TensorTile.SplitSlack"/>·‖q‖·‖v‖ of the exact one, and lists are in its
    /// order. 6·Q·N·D flops, 4·N·D bytes for each 128 queries; one atomic for each query and 64 rows. Grid: as
    /// <see cref="CollectRoundedCandidates"/>'s. counts must be 0.
    /// </summary>
    /// <param name="queries">[2, Q, D]: values as bf16, then what that left.</param>
    /// <param name="bank">[2, N, D], likewise.</param>
    public static void CollectSplitCandidates(
        ArrayView<UInt4> queries, ArrayView<UInt4> bank, ArrayView<ulong> thresholds, ArrayView<int> ownRows,
        ArrayView<ulong> keys, ArrayView<int> counts, int queryCount, long rowCount, int strideQuads, int capacity, long rowsPerSplit)
    {
        int blocks = (queryCount + TensorTile.Side - 1) / TensorTile.Side;
        int firstQuery = Grid.IdxX % blocks * TensorTile.Side;
        long firstRow = Grid.IdxX / blocks * rowsPerSplit, endRow = IntrinsicMath.Min(firstRow + rowsPerSplit, rowCount);
        var sink = new SplitCollector(thresholds, ownRows, keys, counts, queryCount, capacity, endRow);
        TensorTile.StreamSplit(queries, queryCount, firstQuery, bank, rowCount, firstRow, endRow, strideQuads, sink);
    }

    /// <summary>
    /// scores [Q, S] of the queries with the sampled rows, as <see cref="CollectSplitCandidates"/> scores the bank: equal rows have equal
    /// scores in both. Grid: as its, over the samples.
    /// </summary>
    /// <param name="queries">[2, Q, D]: values as bf16, then what that left.</param>
    /// <param name="bank">[2, S, D] the samples, likewise.</param>
    public static void ScoreSplitSamples(
        ArrayView<UInt4> queries, ArrayView<UInt4> bank, ArrayView<float> scores, int queryCount, int sampleCount, int strideQuads,
        long rowsPerSplit)
    {
        int blocks = (queryCount + TensorTile.Side - 1) / TensorTile.Side;
        int firstQuery = Grid.IdxX % blocks * TensorTile.Side;
        long firstRow = Grid.IdxX / blocks * rowsPerSplit, endRow = IntrinsicMath.Min(firstRow + rowsPerSplit, sampleCount);
        var sink = new Writer(scores, queryCount, sampleCount);
        TensorTile.StreamSplit(queries, queryCount, firstQuery, bank, sampleCount, firstRow, endRow, strideQuads, sink);
    }

    private readonly struct Writer(ArrayView<float> scores, int queryCount, int sampleCount) : IScoreSink
    {
        public void Take(int query, long row, QueryScores first, QueryScores second, QueryScores third, QueryScores fourth)
        {
            Write(query, row, first);
            Write(query + 8, row, second);
            Write(query + 16, row, third);
            Write(query + 24, row, fourth);
        }

        private void Write(int query, long row, QueryScores s)
        {
            if (query >= queryCount)
                return;
            Two(query, row, s.S0, s.S1);
            Two(query, row + 8, s.S8, s.S9);
            Two(query, row + 16, s.S16, s.S17);
            Two(query, row + 24, s.S24, s.S25);
            Two(query, row + 32, s.S32, s.S33);
            Two(query, row + 40, s.S40, s.S41);
            Two(query, row + 48, s.S48, s.S49);
            Two(query, row + 56, s.S56, s.S57);
        }

        private void Two(int query, long row, float score, float next)
        {
            if (row < sampleCount)
                scores[(long)query * sampleCount + row] = score;
            if (row + 1 < sampleCount)
                scores[(long)query * sampleCount + row + 1] = next;
        }
    }

    /// <summary>
    /// Appends keys. Four lanes have a query's 64 rows: they add up their counts by shuffles, and each of them reserves room for one of
    /// their four queries, so that a warp waits for one atomic a tile.
    /// </summary>
    private readonly struct SplitCollector(
        ArrayView<ulong> thresholds, ArrayView<int> ownRows, ArrayView<ulong> keys, ArrayView<int> counts, int queryCount, int capacity,
        long endRow) : IScoreSink
    {
        /// <summary>From a lane's first row on, of which it has sixteen.</summary>
        private const int Rows = 64;

        public void Take(int query, long row, QueryScores first, QueryScores second, QueryScores third, QueryScores fourth)
        {
            // Sixteen bits for each query: which of its rows are candidates.
            uint low = Test(query, row, first) | Test(query + 8, row, second) << 16,
                high = Test(query + 16, row, third) | Test(query + 24, row, fourth) << 16;
            int place = Warp.LaneIdx % 4, quad = Warp.LaneIdx - place;
            uint own = CountOf(low) | CountOf(high) << 16, upTo = own;  // a byte for each query: at most 64 rows
            uint before = Warp.ShuffleUp(upTo, 1);
            upTo += place >= 1 ? before : 0u;
            before = Warp.ShuffleUp(upTo, 2);
            upTo += place >= 2 ? before : 0u;
            int total = (int)(Warp.Shuffle(upTo, quad + 3) >> 8 * place & 255u);
            int room = total > 0 ? Atomic.Add(ref counts[query + 8 * place], total) : 0;
            uint from = upTo - own;
            Write(query, row, first, low, Warp.Shuffle(room, quad) + (int)(from & 255u));
            Write(query + 8, row, second, low >> 16, Warp.Shuffle(room, quad + 1) + (int)(from >> 8 & 255u));
            Write(query + 16, row, third, high, Warp.Shuffle(room, quad + 2) + (int)(from >> 16 & 255u));
            Write(query + 24, row, fourth, high >> 16, Warp.Shuffle(room, quad + 3) + (int)(from >> 24));
        }

        private uint Test(int query, long row, QueryScores s)
        {
            if (query >= queryCount)
                return 0u;
            ulong threshold = thresholds[query];
            float least = DeviceMath.SimilarityOf(threshold);
            long last = DeviceMath.RowOf(threshold);
            // Of equal scores those up to the threshold's row reach it: the lane's rows lie all before it, all behind it, or, in one tile,
            // around it.
            if (row <= last && last < row + Rows)
                return Around(row, s, new ReachTest(least, last, ownRows[query], endRow));
            float bar = row <= last ? least : DeviceMath.Above(least);
            uint reached = Two(s.S0, s.S1, bar) | Two(s.S8, s.S9, bar) << 2 | Two(s.S16, s.S17, bar) << 4 | Two(s.S24, s.S25, bar) << 6
                | Two(s.S32, s.S33, bar) << 8 | Two(s.S40, s.S41, bar) << 10 | Two(s.S48, s.S49, bar) << 12
                | Two(s.S56, s.S57, bar) << 14;
            long own = ownRows[query] - row;
            if (own >= 0 && own < Rows && (own & 7) < 2)
                reached &= ~(1u << (int)(own / 8 * 2 + (own & 1)));
            // Rows 0, 1, 8, 9 … of what is left before the end.
            long left = endRow - row;
            if (left < Rows)
                reached &= left <= 0 ? 0u : (1u << (int)(left / 8 * 2 + IntrinsicMath.Min(left & 7, 2L))) - 1;
            return reached;
        }

        private static uint Two(float score, float next, float bar) => (score >= bar ? 1u : 0u) | (next >= bar ? 2u : 0u);

        private static uint Around(long row, QueryScores s, ReachTest test) =>
            test.Two(s.S0, s.S1, row) | test.Two(s.S8, s.S9, row + 8) << 2 | test.Two(s.S16, s.S17, row + 16) << 4
                | test.Two(s.S24, s.S25, row + 24) << 6 | test.Two(s.S32, s.S33, row + 32) << 8 | test.Two(s.S40, s.S41, row + 40) << 10
                | test.Two(s.S48, s.S49, row + 48) << 12 | test.Two(s.S56, s.S57, row + 56) << 14;

        private void Write(int query, long row, QueryScores s, uint candidates, int room)
        {
            var list = new ListPart(keys, (long)query * capacity, capacity, room);
            list.Two(candidates, s.S0, s.S1, row);
            list.Two(candidates >> 2, s.S8, s.S9, row + 8);
            list.Two(candidates >> 4, s.S16, s.S17, row + 16);
            list.Two(candidates >> 6, s.S24, s.S25, row + 24);
            list.Two(candidates >> 8, s.S32, s.S33, row + 32);
            list.Two(candidates >> 10, s.S40, s.S41, row + 40);
            list.Two(candidates >> 12, s.S48, s.S49, row + 48);
            list.Two(candidates >> 14, s.S56, s.S57, row + 56);
        }

        // The bits that are set in each half, in the two low bytes.
        private static uint CountOf(uint bits)
        {
            uint bytes = CandidateAppend.CountBytes(bits);
            bytes = (bytes & 0x00FF00FFu) + (bytes >> 8 & 0x00FF00FFu);
            return (bytes | bytes >> 8) & 0xFFFFu;
        }
    }

    /// <summary>Whether a row's key, score first and then row, reaches a query's. A score that is no number reaches nothing.</summary>
    private readonly struct ReachTest(float least, long last, long own, long endRow)
    {
        public uint Two(float score, float next, long row) => One(score, row) | One(next, row + 1) << 1;

        private uint One(float score, long row) =>
            score >= least && (score > least || row <= last) && row < endRow && row != own ? 1u : 0u;
    }

    /// <summary>A thread's part of one query's list.</summary>
    private struct ListPart(ArrayView<ulong> keys, long first, int capacity, int room)
    {
        private int _at = room;

        public void Two(uint candidates, float score, float next, long row)
        {
            One(candidates & 1u, score, row);
            One(candidates & 2u, next, row + 1);
        }

        private void One(uint isCandidate, float score, long row)
        {
            if (isCandidate == 0u)
                return;
            if (_at < capacity)
                keys[first + _at] = DeviceMath.RankedKey(score, (int)row);
            _at++;
        }
    }

    private readonly struct Collector(
        ArrayView<ulong> thresholds, ArrayView<float> lengths, ArrayView<int> ownRows, ArrayView<int> rows, ArrayView<int> counts,
        float slack, int queryCount, int capacity, long endRow) : IScoreSink
    {
        public void Take(int query, long row, QueryScores first, QueryScores second, QueryScores third, QueryScores fourth)
        {
            Note(query, row, first);
            Note(query + 8, row, second);
            Note(query + 16, row, third);
            Note(query + 24, row, fourth);
        }

        private void Note(int query, long row, QueryScores s)
        {
            if (query >= queryCount)
                return;
            float threshold = DeviceMath.SimilarityOf(thresholds[query]) - slack * lengths[query];
            long own = ownRows[query];
            Two(query, threshold, own, row, s.S0, s.S1);
            Two(query, threshold, own, row + 8, s.S8, s.S9);
            Two(query, threshold, own, row + 16, s.S16, s.S17);
            Two(query, threshold, own, row + 24, s.S24, s.S25);
            Two(query, threshold, own, row + 32, s.S32, s.S33);
            Two(query, threshold, own, row + 40, s.S40, s.S41);
            Two(query, threshold, own, row + 48, s.S48, s.S49);
            Two(query, threshold, own, row + 56, s.S56, s.S57);
        }

        private void Two(int query, float threshold, long own, long row, float score, float next)
        {
            One(query, threshold, own, row, score);
            One(query, threshold, own, row + 1, next);
        }

        // A score that is no number (values beyond bf16) is not below: float32 decides.
        private void One(int query, float threshold, long own, long row, float score)
        {
            if (score < threshold || row >= endRow || row == own)
                return;
            int at = Atomic.Add(ref counts[query], 1);
            if (at < capacity)
                rows[(long)query * capacity + at] = (int)row;
        }
    }
}
