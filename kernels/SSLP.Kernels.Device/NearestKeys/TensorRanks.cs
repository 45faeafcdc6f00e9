using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// <see cref="RankHistogram.CountRanks"/> on tensor cores. A bin is narrower than what bf16 can tell, and a row that lies near a bin's edge
/// is no exception that could be scored anew. So both operands are sums of two bf16 values, which costs three products: a score is then
/// within <see cref="TensorTile.SplitSlack"/>·‖q‖·‖v‖ of the exact one, and the similarity found at a rank within half a bin and that.
/// Never seen on a device.
/// </summary>
public static class TensorRanks
{
    /// <summary>
    /// counts [Q, 4096] += the bank rows in each bin, own rows left out. 6·Q·N·D flops, 4·N·D bytes for each 128 queries.
    /// Grid: ⌈Q/128⌉ · splits, as <see cref="TensorCandidates.CollectRoundedCandidates"/>'s.
    /// </summary>
    /// <param name="queries">[2, Q, D]: values as bf16, then what that left.</param>
    /// <param name="bank">[2, N, D], likewise.</param>
    public static void CountSplitRanks(
        ArrayView<UInt4> queries, ArrayView<UInt4> bank, ArrayView<float> scales, ArrayView<int> ownRows, ArrayView<int> counts,
        int queryCount, long rowCount, int strideQuads, long rowsPerSplit)
    {
        int blocks = (queryCount + TensorTile.Side - 1) / TensorTile.Side;
        int firstQuery = Grid.IdxX % blocks * TensorTile.Side;
        long firstRow = Grid.IdxX / blocks * rowsPerSplit, endRow = IntrinsicMath.Min(firstRow + rowsPerSplit, rowCount);
        var sink = new Counter(scales, ownRows, counts, queryCount, endRow);
        TensorTile.StreamSplit(queries, queryCount, firstQuery, bank, rowCount, firstRow, endRow, strideQuads, sink);
    }

    private readonly struct Counter(ArrayView<float> scales, ArrayView<int> ownRows, ArrayView<int> counts, int queryCount, long endRow)
        : IScoreSink
    {
        public void Take(int query, long row, QueryScores first, QueryScores second, QueryScores third, QueryScores fourth)
        {
            Count(query, row, first);
            Count(query + 8, row, second);
            Count(query + 16, row, third);
            Count(query + 24, row, fourth);
        }

        private void Count(int query, long row, QueryScores s)
        {
            if (query >= queryCount)
                return;
            float scale = scales[query];
            long own = ownRows[query];
            Two(query, scale, own, row, s.S0, s.S1);
            Two(query, scale, own, row + 8, s.S8, s.S9);
            Two(query, scale, own, row + 16, s.S16, s.S17);
            Two(query, scale, own, row + 24, s.S24, s.S25);
            Two(query, scale, own, row + 32, s.S32, s.S33);
            Two(query, scale, own, row + 40, s.S40, s.S41);
            Two(query, scale, own, row + 48, s.S48, s.S49);
            Two(query, scale, own, row + 56, s.S56, s.S57);
        }

        private void Two(int query, float scale, long own, long row, float score, float next)
        {
            One(query, scale, own, row, score);
            One(query, scale, own, row + 1, next);
        }

        private void One(int query, float scale, long own, long row, float score)
        {
            if (row < endRow && row != own)
                Atomic.Add(ref counts[(long)query * RankHistogram.Bins + RankHistogram.BinOf(score, scale)], 1);
        }
    }
}
