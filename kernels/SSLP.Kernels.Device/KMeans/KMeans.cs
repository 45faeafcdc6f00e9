using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Lloyd's algorithm, R runs at once: a run's clusters follow those of the run before, so that cluster c of run r is centroid r·C + c.
/// Sums are kept in 64-bit fixed point, so that atomics give the same sum in any order: unit rows times 2³⁶ leave room for 2²⁷ rows in a
/// cluster.
/// </summary>
public static class KMeans
{
    /// <summary>Fixed-point ones: sums are exact to 2⁻³⁶ a row.</summary>
    public const float FixedPoint = 68719476736f;

    /// <summary>Threads of the one group that looks through a run's rows for the farthest.</summary>
    public const int FillGroupSize = 1024;

    /// <summary>Squares of differences of unit size that are rounding alone.</summary>
    private const float AtCentre = 1e-12f;

    /// <summary>
    /// labels [R, N] ← the nearest centroid of each run, ties to the lower one. Where <paramref name="isJoining"/> is not 0, sums [R·C, D]
    /// in fixed point and sizes [R·C] += the rows of each cluster, and distances [R, N] ← ‖v − c‖². 2·R·N·C·D flops; no N × C array.
    /// Grid: N/128 × R.
    /// </summary>
    public static void AssignClusters(
        ArrayView<Float4> bank, ArrayView<Float4> centroids, ArrayView<float> bias, ArrayView<int> labels, ArrayView<float> distances,
        ArrayView<long> sums, ArrayView<int> sizes, int rowCount, int clusters, int strideQuads, int isJoining)
    {
        // A group owns 128 rows in one run and walks the run's centroids; a thread keeps the best of its columns for its eight rows.
        ArrayView<ulong> best = SharedMemory.Allocate<ulong>(ScoreTile.Side * 16);
        int firstRow = Grid.IdxX * ScoreTile.Side, column = Group.IdxX % 16;
        int firstCluster = Grid.IdxY * clusters, endCluster = firstCluster + clusters;
        ulong b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0, b7 = 0;
        for (int first = firstCluster; first < endCluster; first += ScoreTile.Side)
        {
            var tile = ScoreTile.Compute(bank, rowCount, firstRow, centroids, endCluster, first, strideQuads);
            var nearest = new Nearest(bias, endCluster, first + ScoreTile.ThreadRow);
            b0 = nearest.Of(tile.R0, b0);
            b1 = nearest.Of(tile.R1, b1);
            b2 = nearest.Of(tile.R2, b2);
            b3 = nearest.Of(tile.R3, b3);
            b4 = nearest.Of(tile.R4, b4);
            b5 = nearest.Of(tile.R5, b5);
            b6 = nearest.Of(tile.R6, b6);
            b7 = nearest.Of(tile.R7, b7);
        }

        int line = ScoreTile.ThreadQuery * 16 + column;
        best[line] = b0;
        best[line + 16] = b1;
        best[line + 32] = b2;
        best[line + 48] = b3;
        best[line + 64] = b4;
        best[line + 80] = b5;
        best[line + 96] = b6;
        best[line + 112] = b7;
        Group.Barrier();

        // A warp owns every eighth of the group's rows: the group has just read them, and neighbouring lanes add to neighbouring words.
        long firstLabel = (long)Grid.IdxY * rowCount;
        for (int row = Group.IdxX / 32; row < ScoreTile.Side && firstRow + row < rowCount; row += Group.DimX / 32)
        {
            ulong key = best[row * 16 + Warp.LaneIdx % 16];
            for (int step = 8; step > 0; step /= 2)
                key = IntrinsicMath.Max(key, Warp.ShuffleXor(key, step));
            int cluster = DeviceMath.RowOf(key);
            if (Warp.LaneIdx == 0)
                labels[firstLabel + firstRow + row] = cluster - firstCluster;
            if (isJoining == 0)
                continue;
            float squared = Join(bank, firstRow + row, centroids, cluster, sums, strideQuads);
            if (Warp.LaneIdx == 0)
            {
                distances[firstLabel + firstRow + row] = squared;
                Atomic.Add(ref sizes[cluster], 1);
            }
        }
    }

    /// <summary>
    /// Seeds empty clusters anew, in ascending order, each at the row of its run that is farthest from its centroid among those whose
    /// cluster has others, ties to the lower row; while no row lies off its centroid, a cluster stays empty. labels, distances, sums and
    /// sizes follow. largest [R] ← the most rows that a cluster has had, or what it was. Grid: R.
    /// </summary>
    public static void FillEmptyClusters(
        ArrayView<Float4> bank, ArrayView<int> labels, ArrayView<float> distances, ArrayView<long> sums, ArrayView<int> sizes,
        ArrayView<int> largest, int rowCount, int clusters, int strideQuads)
    {
        // One group owns one run. Most find no empty cluster and read C numbers.
        ArrayView<ulong> partial = SharedMemory.Allocate<ulong>(FillGroupSize);
        long firstCluster = (long)Grid.IdxX * clusters, firstLabel = (long)Grid.IdxX * rowCount;
        ulong most = 0;
        for (int c = Group.IdxX; c < clusters; c += Group.DimX)
            most = IntrinsicMath.Max(most, (ulong)sizes[firstCluster + c]);
        most = GroupReduce.Max(most, partial);
        if (Group.IdxX == 0)
            largest[Grid.IdxX] = IntrinsicMath.Max(largest[Grid.IdxX], (int)most);

        for (int empty = NextEmpty(sizes, firstCluster, 0, clusters, partial); empty < clusters;
            empty = NextEmpty(sizes, firstCluster, empty + 1, clusters, partial))
        {
            ulong farthest = 0;
            for (int row = Group.IdxX; row < rowCount; row += Group.DimX)
            {
                float distance = distances[firstLabel + row];
                ulong key = DeviceMath.RankedKey(distance, row);
                if (distance > AtCentre && key > farthest && sizes[firstCluster + labels[firstLabel + row]] > 1)
                    farthest = key;
            }

            farthest = GroupReduce.Max(farthest, partial);
            if (farthest == 0)
                return;
            int moved = DeviceMath.RowOf(farthest), label = labels[firstLabel + moved];
            Group.Barrier();
            Move(bank, moved, sums, firstCluster + label, firstCluster + empty, strideQuads);
            if (Group.IdxX == 0)
            {
                sizes[firstCluster + label] -= 1;
                sizes[firstCluster + empty] = 1;
                labels[firstLabel + moved] = empty;
                distances[firstLabel + moved] = 0f;
            }

            Group.Barrier();
        }
    }

    /// <summary>
    /// centroids [R·C, D] ← the mean of each cluster; an empty one keeps its place. bias[c] = −‖c‖²/2: ⟨v, c⟩ + bias is largest where
    /// ‖v − c‖ is smallest. sums and sizes ← 0, for the next assignment. Grid: R·C.
    /// </summary>
    public static void MeanClusters(
        ArrayView<long> sums, ArrayView<int> sizes, ArrayView<Float4> centroids, ArrayView<float> bias, int strideQuads)
    {
        // One group, a warp, owns one cluster.
        int size = sizes[Grid.IdxX];
        ArrayView<float> values = centroids.Cast<float>();
        long first = 4L * strideQuads * Grid.IdxX;
        float squared = 0f;
        for (int d = Group.IdxX; d < 4 * strideQuads; d += Group.DimX)
        {
            float value;
            if (size == 0)
            {
                value = values[first + d];
            }
            else
            {
                value = (float)(sums[first + d] / ((double)FixedPoint * size));
                values[first + d] = value;
            }

            sums[first + d] = 0L;
            squared = DeviceMath.MultiplyAdd(value, value, squared);
        }

        squared = SumOfWarp(squared);
        // No lane may still have to read the size.
        Group.Barrier();
        if (Group.IdxX == 0)
        {
            bias[Grid.IdxX] = -0.5f * squared;
            sizes[Grid.IdxX] = 0;
        }
    }

    /// <summary>Adds a row to its cluster's sum, by a warp; all lanes get ‖v − c‖².</summary>
    private static float Join(
        ArrayView<Float4> bank, int row, ArrayView<Float4> centroids, int cluster, ArrayView<long> sums, int strideQuads)
    {
        ArrayView<float> values = bank.Cast<float>(), centres = centroids.Cast<float>();
        long from = 4L * strideQuads * row, to = 4L * strideQuads * cluster;
        float squared = 0f;
        for (int d = Warp.LaneIdx; d < 4 * strideQuads; d += 32)
        {
            float value = values[from + d], apart = value - centres[to + d];
            squared = DeviceMath.MultiplyAdd(apart, apart, squared);
            Atomic.Add(ref sums[to + d], (long)(value * FixedPoint));
        }

        return SumOfWarp(squared);
    }

    /// <summary>Takes a row from one cluster's sum and gives it to another's, by the group: exact, as sums are whole numbers.</summary>
    private static void Move(ArrayView<Float4> bank, int row, ArrayView<long> sums, long from, long to, int strideQuads)
    {
        ArrayView<float> values = bank.Cast<float>();
        for (int d = Group.IdxX; d < 4 * strideQuads; d += Group.DimX)
        {
            long value = (long)(values[4L * strideQuads * row + d] * FixedPoint);
            sums[4L * strideQuads * from + d] -= value;
            sums[4L * strideQuads * to + d] += value;
        }
    }

    /// <summary>The lowest cluster without rows from a number on; the count of clusters where there is none. For all threads.</summary>
    private static int NextEmpty(ArrayView<int> sizes, long firstCluster, int from, int clusters, ArrayView<ulong> partial)
    {
        ulong lowest = 0;
        for (int c = from + Group.IdxX; c < clusters; c += Group.DimX)
        {
            if (sizes[firstCluster + c] == 0)
                lowest = IntrinsicMath.Max(lowest, (ulong)(clusters - c));
        }

        return clusters - (int)GroupReduce.Max(lowest, partial);
    }

    private static float SumOfWarp(float value)
    {
        for (int step = 16; step > 0; step /= 2)
            value += Warp.ShuffleXor(value, step);
        return value;
    }

    /// <summary>The best of a thread's eight centroids for one row, as a ranked key.</summary>
    private readonly struct Nearest(ArrayView<float> bias, int clusters, int first)
    {
        public ulong Of(ScoreRow scores, ulong best)
        {
            best = One(scores.A, first, best);
            best = One(scores.B, first + 1, best);
            best = One(scores.C, first + 2, best);
            best = One(scores.D, first + 3, best);
            best = One(scores.E, first + ScoreTile.FarRows, best);
            best = One(scores.F, first + ScoreTile.FarRows + 1, best);
            best = One(scores.G, first + ScoreTile.FarRows + 2, best);
            return One(scores.H, first + ScoreTile.FarRows + 3, best);
        }

        private ulong One(float score, int cluster, ulong best) =>
            cluster < clusters ? IntrinsicMath.Max(best, DeviceMath.RankedKey(score + bias[cluster], cluster)) : best;
    }
}
