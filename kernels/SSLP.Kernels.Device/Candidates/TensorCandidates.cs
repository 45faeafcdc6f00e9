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
        TensorTile.Stream(queries, queryCount, firstQuery, bank, rowCount, firstRow, endRow, strideQuads, 1, sink);
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

    private readonly struct Collector(
        ArrayView<ulong> thresholds, ArrayView<float> lengths, ArrayView<int> ownRows, ArrayView<int> rows, ArrayView<int> counts,
        float slack, int queryCount, int capacity, long endRow) : IScoreSink
    {
        public void Take(int query, long row, QueryScores s)
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
