using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// The similarity at given ranks without a list: exact counts in 4096 equal bins over [−‖q‖, ‖q‖], one pass over the bank, then the middle
/// of the bin that holds each rank, within ‖q‖/4096 of the exact similarity.
/// </summary>
public static class RankHistogram
{
    public const int Bins = 4096;

    /// <summary>scales[q] = bins to a unit of similarity, a hair under 2048/‖q‖ so that ±‖q‖ stay inside; 0 for a zero query.</summary>
    public static void QueryScales(ArrayView<Float4> queries, ArrayView<float> scales, int strideQuads)
    {
        // One group owns one query.
        ArrayView<float> partial = SharedMemory.Allocate<float>(DeviceMath.GroupSize);
        float squared = 0f;
        for (int d = Group.IdxX; d < strideQuads; d += Group.DimX)
        {
            Float4 value = queries[(long)Grid.IdxX * strideQuads + d];
            squared += value.X * value.X + value.Y * value.Y + value.Z * value.Z + value.W * value.W;
        }

        squared = GroupReduce.Sum(squared, partial);
        if (Group.IdxX == 0)
            scales[Grid.IdxX] = squared == 0f ? 0f : (1f - 1e-6f) * (Bins / 2) / MathF.Sqrt(squared);
    }

    /// <summary>
    /// counts [Q, 4096] += the bank rows in each bin, own rows left out. Grid: (N/128, Q/128). Integer atomics: the counts do not depend on
    /// order.
    /// </summary>
    public static void CountRanks(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<float> scales, ArrayView<int> ownRows,
        ArrayView<int> counts, int queryCount, long rowCount, int strideQuads)
    {
        int firstQuery = Grid.IdxY * ScoreTile.Side;
        long firstRow = (long)Grid.IdxX * ScoreTile.Side;
        var tile = ScoreTile.Compute(queries, queryCount, firstQuery, bank, rowCount, firstRow, strideQuads);
        int query = firstQuery + ScoreTile.ThreadQuery, last = queryCount - 1;
        long row = firstRow + ScoreTile.ThreadRow;
        var count = new Counter(counts, rowCount);
        count.Row(query, last, scales, ownRows, row, tile.R0);
        count.Row(query + 1, last, scales, ownRows, row, tile.R1);
        count.Row(query + 2, last, scales, ownRows, row, tile.R2);
        count.Row(query + 3, last, scales, ownRows, row, tile.R3);
        count.Row(query + 4, last, scales, ownRows, row, tile.R4);
        count.Row(query + 5, last, scales, ownRows, row, tile.R5);
        count.Row(query + 6, last, scales, ownRows, row, tile.R6);
        count.Row(query + 7, last, scales, ownRows, row, tile.R7);
    }

    /// <summary>similarities [Q, R] ← the middle of the bin that holds each rank (0 the highest).</summary>
    public static void SimilarityAtRanks(
        ArrayView<int> counts, ArrayView<float> scales, ArrayView<int> ranks, ArrayView<float> similarities, int rankCount)
    {
        // One group owns one query. above[b]: rows in bins higher than b.
        ArrayView<int> above = SharedMemory.Allocate<int>(Bins);
        long first = (long)Grid.IdxX * Bins;
        if (Group.IdxX == 0)
        {
            int sum = 0;
            for (int bin = Bins - 1; bin >= 0; bin--)
            {
                above[bin] = sum;
                sum += counts[first + bin];
            }
        }

        Group.Barrier();
        float scale = scales[Grid.IdxX];
        for (int i = Group.IdxX; i < rankCount; i += Group.DimX)
        {
            // The lowest bin with no more than `rank` rows above it: counts above fall as bins rise.
            int low = 0, high = Bins - 1;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (above[middle] <= ranks[i])
                    high = middle;
                else
                    low = middle + 1;
            }

            similarities[(long)Grid.IdxX * rankCount + i] = scale == 0f ? 0f : (low + 0.5f - Bins / 2) / scale;
        }
    }

    /// <summary>The bin of a score; what is no number is in the lowest.</summary>
    internal static int BinOf(float score, float scale) =>
        (int)DeviceMath.Max(DeviceMath.Min(DeviceMath.MultiplyAdd(score, scale, Bins / 2), Bins - 1f), 0f);

    /// <summary>Where counts go.</summary>
    private readonly struct Counter(ArrayView<int> counts, long rowCount)
    {
        public void Row(int query, int lastQuery, ArrayView<float> scales, ArrayView<int> ownRows, long row, ScoreRow scores)
        {
            if (query > lastQuery)
                return;
            float scale = scales[query];
            long own = ownRows[query];
            One(query, scale, own, row, scores.A);
            One(query, scale, own, row + 1, scores.B);
            One(query, scale, own, row + 2, scores.C);
            One(query, scale, own, row + 3, scores.D);
            row += ScoreTile.FarRows;
            One(query, scale, own, row, scores.E);
            One(query, scale, own, row + 1, scores.F);
            One(query, scale, own, row + 2, scores.G);
            One(query, scale, own, row + 3, scores.H);
        }

        private void One(int query, float scale, long own, long row, float score)
        {
            if (row >= rowCount || row == own)
                return;
            Atomic.Add(ref counts[(long)query * Bins + BinOf(score, scale)], 1);
        }
    }
}
