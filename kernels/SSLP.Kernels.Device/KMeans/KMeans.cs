using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// One iteration of Lloyd's algorithm. Sums are kept in 64-bit fixed point, so that atomics give the same sum in any order: unit rows times
/// 2³⁶ leave room for 2²⁷ rows in a cluster.
/// </summary>
public static class KMeans
{
    /// <summary>Fixed-point ones: sums are exact to 2⁻³⁶ a row.</summary>
    public const float FixedPoint = 68719476736f;

    /// <summary>bias[c] = −‖c‖²/2: ⟨v, c⟩ + bias is largest where ‖v − c‖ is smallest.</summary>
    public static void CentroidBias(ArrayView<Float4> centroids, ArrayView<float> bias, int strideQuads)
    {
        // One group owns one centroid.
        if (Group.IdxX == 0)
            bias[Grid.IdxX] = -0.5f * Float4.Dot(centroids, Grid.IdxX, centroids, Grid.IdxX, strideQuads);
    }

    /// <summary>labels [N] ← the nearest centroid, ties to the lower one. 2·N·C·D flops; no N × C array. Grid: N/128.</summary>
    public static void AssignClusters(
        ArrayView<Float4> bank, ArrayView<Float4> centroids, ArrayView<float> bias, ArrayView<int> labels, int rowCount, int clusters,
        int strideQuads)
    {
        // A group owns 128 rows and walks all centroids; a thread keeps the best of its columns for its eight rows.
        ArrayView<ulong> best = SharedMemory.Allocate<ulong>(ScoreTile.Side * 16);
        int firstRow = Grid.IdxX * ScoreTile.Side, column = Group.IdxX % 16;
        ulong b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0, b7 = 0;
        for (int first = 0; first < clusters; first += ScoreTile.Side)
        {
            var tile = ScoreTile.Compute(bank, rowCount, firstRow, centroids, clusters, first, strideQuads);
            var nearest = new Nearest(bias, clusters, first + ScoreTile.ThreadRow);
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
        for (int row = Group.IdxX; row < ScoreTile.Side && firstRow + row < rowCount; row += Group.DimX)
        {
            ulong key = best[row * 16];
            for (int other = 1; other < 16; other++)
                key = IntrinsicMath.Max(key, best[row * 16 + other]);
            labels[firstRow + row] = DeviceMath.RowOf(key);
        }
    }

    /// <summary>sums [C, D] in fixed point and sizes [C] += the rows of each cluster. Both must begin as 0. Grid: N.</summary>
    public static void SumClusters(ArrayView<Float4> bank, ArrayView<int> labels, ArrayView<long> sums, ArrayView<int> sizes,
        int strideQuads)
    {
        // One group owns one row.
        int label = labels[Grid.IdxX];
        ArrayView<float> values = bank.Cast<float>();
        long from = 4L * strideQuads * Grid.IdxX, to = 4L * strideQuads * label;
        for (int d = Group.IdxX; d < 4 * strideQuads; d += Group.DimX)
            Atomic.Add(ref sums[to + d], (long)(values[from + d] * FixedPoint));
        if (Group.IdxX == 0)
            Atomic.Add(ref sizes[label], 1);
    }

    /// <summary>distances [N] ← ‖v − c‖² of each row to its own centroid. Grid: N/256.</summary>
    public static void RowDistances(
        ArrayView<Float4> bank, ArrayView<Float4> centroids, ArrayView<int> labels, ArrayView<float> distances, int rowCount,
        int strideQuads)
    {
        // A thread owns every (GridDimX · DimX)-th row: it is asked for only where a cluster is empty.
        for (int row = Grid.IdxX * Group.DimX + Group.IdxX; row < rowCount; row += Grid.DimX * Group.DimX)
        {
            long from = (long)row * strideQuads, to = (long)labels[row] * strideQuads;
            float squared = 0f;
            for (int d = 0; d < strideQuads; d++)
            {
                Float4 value = bank[from + d], centre = centroids[to + d];
                float x = value.X - centre.X, y = value.Y - centre.Y, z = value.Z - centre.Z, w = value.W - centre.W;
                squared += x * x + y * y + z * z + w * w;
            }

            distances[row] = squared;
        }
    }

    /// <summary>centroids [C, D] ← the mean of each cluster; an empty one keeps its place.</summary>
    public static void MeanClusters(ArrayView<long> sums, ArrayView<int> sizes, ArrayView<Float4> centroids, int strideQuads)
    {
        // One group owns one cluster.
        int size = sizes[Grid.IdxX];
        if (size == 0)
            return;
        ArrayView<float> values = centroids.Cast<float>();
        long first = 4L * strideQuads * Grid.IdxX;
        for (int d = Group.IdxX; d < 4 * strideQuads; d += Group.DimX)
            values[first + d] = (float)(sums[first + d] / ((double)FixedPoint * size));
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
