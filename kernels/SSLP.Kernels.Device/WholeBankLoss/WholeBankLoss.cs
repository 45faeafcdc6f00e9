using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Each query against the whole bank: loss_i = log Σ_j exp(d_ij/τ) − d_ip/τ and its gradient, in one pass, scores and exponentials never
/// leaving their tile. The bank is split among groups, each keeps a running maximum, sum and weighted row sum for its 32 queries; a second
/// small kernel merges the splits in a fixed order. 4·B·N·D flops; the bank is read once for each 32 queries.
/// </summary>
public static class WholeBankLoss
{
    /// <summary>Queries of a group.</summary>
    public const int Queries = 32;

    /// <summary>Values of D that a group accumulates; wider vectors take more groups, which score again.</summary>
    public const int ColumnQuads = 32;

    private const int TileRows = 64, Depth = 16, DepthQuads = Depth / 4, MergedAtOnce = 256;
    private const int QueryPitch = Queries + 4, RowPitch = TileRows + 4, WeightPitch = TileRows + 1;

    /// <summary>
    /// sums [splits, B, D] ← Σ exp((d − max)/τ)·v over the split's rows; maxima (of d/τ) and totals [splits, B].
    /// Grid: (splits, B/32, D/128). Splits take rowsPerSplit rows, a multiple of 64.
    /// </summary>
    public static void AccumulateWholeBank(
        ArrayView<Float4> queries, ArrayView<Float4> bank, ArrayView<Float4> sums, ArrayView<float> maxima, ArrayView<float> totals,
        int queryCount, long rowCount, int strideQuads, long rowsPerSplit, float inverseTemperature)
    {
        // A warp owns four queries. A thread owns their scores with two rows of a tile, then four values of D of their sums.
        ArrayView<float> stagedQueries = SharedMemory.Allocate<float>(Depth * QueryPitch);
        ArrayView<float> stagedRows = SharedMemory.Allocate<float>(Depth * RowPitch);
        ArrayView<float> weights = SharedMemory.Allocate<float>(Queries * WeightPitch);
        int lane = Group.IdxX % 32, firstOwn = Group.IdxX / 32 * 4, firstQuery = Grid.IdxY * Queries;
        int column = Grid.IdxZ * ColumnQuads + lane;
        long firstRow = Grid.IdxX * rowsPerSplit, endRow = IntrinsicMath.Min(firstRow + rowsPerSplit, rowCount);
        Running r0 = Running.Empty, r1 = Running.Empty, r2 = Running.Empty, r3 = Running.Empty;
        for (long tile = firstRow; tile < endRow; tile += TileRows)
        {
            Pair s0 = default, s1 = default, s2 = default, s3 = default;
            for (int depth = 0; depth < strideQuads; depth += DepthQuads)
            {
                Group.Barrier();
                Stage(queries, stagedQueries, QueryPitch, Queries, firstQuery, queryCount, depth, strideQuads);
                Stage(bank, stagedRows, RowPitch, TileRows, tile, rowCount, depth, strideQuads);
                Group.Barrier();
                for (int d = 0; d < Depth; d++)
                {
                    float near = stagedRows[d * RowPitch + lane], far = stagedRows[d * RowPitch + lane + 32];
                    int query = d * QueryPitch + firstOwn;
                    s0 = s0.MultiplyAdd(stagedQueries[query], near, far);
                    s1 = s1.MultiplyAdd(stagedQueries[query + 1], near, far);
                    s2 = s2.MultiplyAdd(stagedQueries[query + 2], near, far);
                    s3 = s3.MultiplyAdd(stagedQueries[query + 3], near, far);
                }
            }

            bool hasNear = tile + lane < endRow, hasFar = tile + lane + 32 < endRow;
            int line = firstOwn * WeightPitch + lane;
            r0 = r0.Weigh(s0, hasNear, hasFar, inverseTemperature, weights, line);
            r1 = r1.Weigh(s1, hasNear, hasFar, inverseTemperature, weights, line + WeightPitch);
            r2 = r2.Weigh(s2, hasNear, hasFar, inverseTemperature, weights, line + 2 * WeightPitch);
            r3 = r3.Weigh(s3, hasNear, hasFar, inverseTemperature, weights, line + 3 * WeightPitch);
            Group.Barrier();
            int rows = (int)IntrinsicMath.Min((long)TileRows, endRow - tile);
            for (int r = 0; r < rows && column < strideQuads; r++)
            {
                Float4 value = bank[(tile + r) * strideQuads + column];
                line = firstOwn * WeightPitch + r;
                r0.Sum = Float4.MultiplyAdd(weights[line], value, r0.Sum);
                r1.Sum = Float4.MultiplyAdd(weights[line + WeightPitch], value, r1.Sum);
                r2.Sum = Float4.MultiplyAdd(weights[line + 2 * WeightPitch], value, r2.Sum);
                r3.Sum = Float4.MultiplyAdd(weights[line + 3 * WeightPitch], value, r3.Sum);
            }
        }

        var output = new Output(sums, maxima, totals, queryCount, strideQuads, column);
        output.Write(firstQuery + firstOwn, r0);
        output.Write(firstQuery + firstOwn + 1, r1);
        output.Write(firstQuery + firstOwn + 2, r2);
        output.Write(firstQuery + firstOwn + 3, r3);
    }

    /// <summary>
    /// losses [B] and gradient [B, D] ← the splits' parts and the positives; the gradient is scaled by <paramref name="scale"/>, 1/(τ·B)
    /// for a mean.
    /// </summary>
    /// <param name="positives">[B, D].</param>
    /// <param name="extraPositive">1 where the positive is no bank row and joins the sum; 0 where it is one of those summed.</param>
    public static void MergeWholeBank(
        ArrayView<Float4> queries, ArrayView<Float4> positives,
        ArrayView<Float4> sums, ArrayView<float> maxima, ArrayView<float> totals, ArrayView<float> losses, ArrayView<Float4> gradient,
        int queryCount, int strideQuads, int splits, int extraPositive, float inverseTemperature, float scale)
    {
        // One group, a warp, owns one query; a thread owns every DimX-th split, then every DimX-th four values of D.
        ArrayView<float> weights = SharedMemory.Allocate<float>(MergedAtOnce);
        int b = Grid.IdxX;
        float positive = Float4.Dot(queries, b, positives, b, strideQuads) * inverseTemperature;
        float largest = extraPositive != 0 ? positive : -1e30f, total = 0f;
        for (int split = Group.IdxX; split < splits; split += Group.DimX)
            largest = DeviceMath.Max(largest, maxima[(long)split * queryCount + b]);
        for (int step = 16; step > 0; step /= 2)
            largest = DeviceMath.Max(largest, Warp.ShuffleXor(largest, step));
        for (int split = Group.IdxX; split < splits; split += Group.DimX)
            total += totals[(long)split * queryCount + b] * DeviceMath.Exp(maxima[(long)split * queryCount + b] - largest);
        for (int step = 16; step > 0; step /= 2)
            total += Warp.ShuffleXor(total, step);
        float own = extraPositive != 0 ? DeviceMath.Exp(positive - largest) : 0f;
        total += own;
        for (int first = 0; first < strideQuads; first += Group.DimX)
        {
            int d = first + Group.IdxX;
            Float4 sum = default;
            for (int from = 0; from < splits; from += MergedAtOnce)
            {
                int count = IntrinsicMath.Min(MergedAtOnce, splits - from);
                Group.Barrier();
                for (int i = Group.IdxX; i < count; i += Group.DimX)
                    weights[i] = DeviceMath.Exp(maxima[(long)(from + i) * queryCount + b] - largest) / total;
                Group.Barrier();
                for (int i = 0; i < count && d < strideQuads; i++)
                    sum = Float4.MultiplyAdd(weights[i], sums[((long)(from + i) * queryCount + b) * strideQuads + d], sum);
            }

            if (d >= strideQuads)
                continue;
            sum = Float4.MultiplyAdd(own / total - 1f, positives[(long)b * strideQuads + d], sum);
            gradient[(long)b * strideQuads + d] = Float4.Scale(sum, scale);
        }

        if (Group.IdxX == 0)
            losses[b] = largest + DeviceMath.Log(total) - positive;
    }

    // Lines first … of a matrix, four quads of each, to floats [depth, line]; beyond the last line the last is repeated.
    private static void Stage(
        ArrayView<Float4> matrix, ArrayView<float> staged, int pitch, int lines, long first, long lineCount, int depth, int strideQuads)
    {
        for (int element = Group.IdxX; element < lines * DepthQuads; element += Group.DimX)
        {
            // A warp takes two quads of sixteen lines: its stores meet all banks.
            int line = element / 2 % lines, quad = element / (2 * lines) * 2 + element % 2;
            Float4 value = matrix[IntrinsicMath.Min(first + line, lineCount - 1) * strideQuads + depth + quad];
            staged[4 * quad * pitch + line] = value.X;
            staged[(4 * quad + 1) * pitch + line] = value.Y;
            staged[(4 * quad + 2) * pitch + line] = value.Z;
            staged[(4 * quad + 3) * pitch + line] = value.W;
        }
    }

    /// <summary>One query's scores with two rows.</summary>
    private struct Pair
    {
        public float Near, Far;

        public readonly Pair MultiplyAdd(float query, float near, float far)
        {
            Pair result;
            result.Near = DeviceMath.MultiplyAdd(query, near, Near);
            result.Far = DeviceMath.MultiplyAdd(query, far, Far);
            return result;
        }
    }

    /// <summary>One query's running softmax: the maximum is the warp's, the total each lane's own.</summary>
    private struct Running
    {
        public float Largest, Total;
        public Float4 Sum;

        public static Running Empty
        {
            get
            {
                Running empty = default;
                empty.Largest = -1e30f;
                return empty;
            }
        }

        public readonly Running Weigh(Pair score, bool hasNear, bool hasFar, float inverseTemperature, ArrayView<float> weights, int line)
        {
            float near = hasNear ? score.Near * inverseTemperature : -1e30f, far = hasFar ? score.Far * inverseTemperature : -1e30f;
            float largest = DeviceMath.Max(near, far);
            for (int step = 16; step > 0; step /= 2)
                largest = DeviceMath.Max(largest, Warp.ShuffleXor(largest, step));
            largest = DeviceMath.Max(largest, Largest);
            near = hasNear ? DeviceMath.Exp(near - largest) : 0f;
            far = hasFar ? DeviceMath.Exp(far - largest) : 0f;
            weights[line] = near;
            weights[line + 32] = far;
            float shrink = DeviceMath.Exp(Largest - largest);
            Running result;
            result.Largest = largest;
            result.Total = Total * shrink + near + far;
            result.Sum = Float4.Scale(Sum, shrink);
            return result;
        }
    }

    private readonly struct Output(
        ArrayView<Float4> sums, ArrayView<float> maxima, ArrayView<float> totals, int queryCount, int strideQuads, int column)
    {
        public void Write(int query, Running running)
        {
            float total = running.Total;
            for (int step = 16; step > 0; step /= 2)
                total += Warp.ShuffleXor(total, step);
            if (query >= queryCount)
                return;
            long part = (long)Grid.IdxX * queryCount + query;
            if (column < strideQuads)
                sums[part * strideQuads + column] = running.Sum;
            if (Group.IdxX % 32 == 0 && Grid.IdxZ == 0)
            {
                maxima[part] = running.Largest;
                totals[part] = total;
            }
        }
    }
}
