using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// <see cref="WholeBankLoss.AccumulateWholeBank"/> on tensor cores. The loss is a sum over all rows, so that no few rows can be scored
/// anew: queries, rows and softmax weights are each sums of two bf16 values, three products for one. 12·B·N·D flops; the bank is read once
/// for each 128 queries. Never seen on a device.
/// </summary>
/// <remarks>
/// A score is within δ = <see cref="TensorTile.SplitSlack"/>·‖q‖·‖v‖ of the exact one, a loss within 2δ/τ. A weighted sum's own error, as a
/// share of Σ weight·‖v‖, is 2⁻¹⁵ from the split and 27/8·32·2⁻²³ from a tensor core's sums, which are kept over one tile of 32 rows alone;
/// longer sums are float32's. The gradient of one query is within (4δ/τ + 2⁻¹⁴)·‖v‖/τ, ‖v‖ being the longest row.
/// </remarks>
public static class TensorWholeBankLoss
{
    /// <summary>Queries of a group: sixteen a warp.</summary>
    public const int Queries = 128;

    /// <summary>Rows of a tile.</summary>
    public const int TileRows = 32;

    private const int PlaneParts = TileRows * Fragments.RowParts, StageParts = 2 * PlaneParts, Stages = 3;

    /// <summary>
    /// packed [⌈B/16⌉, D/16, 2, 32] ← what the lanes of a warp hold of A[16, 16] for sixteen queries and each sixteen values of D: as bf16,
    /// then what that left. Zeros beyond the last query. Grid: ⌈B/16⌉.
    /// </summary>
    public static void SplitQueries(ArrayView<Float4> queries, ArrayView<UInt4> packed, int queryCount, int strideQuads)
    {
        // One group, a warp, owns sixteen queries; a thread its lane's registers.
        ArrayView<float> values = queries.Cast<float>();
        int lane = Group.IdxX, row = Grid.IdxX * 16 + lane / 4, steps = strideQuads / 4;
        for (int step = 0; step < steps; step++)
        {
            var lines = new QueryPair(values, queryCount, 4 * strideQuads, 16 * step + lane % 4 * 2);
            UInt4 whole, rest;
            lines.Split(row, 0, out whole.X, out rest.X);
            lines.Split(row + 8, 0, out whole.Y, out rest.Y);
            lines.Split(row, 8, out whole.Z, out rest.Z);
            lines.Split(row + 8, 8, out whole.W, out rest.W);
            long at = ((long)Grid.IdxX * steps + step) * 64 + lane;
            packed[at] = whole;
            packed[at + 32] = rest;
        }
    }

    /// <summary>
    /// What <see cref="WholeBankLoss.AccumulateWholeBank"/> writes, D up to 128. Grid: ⌈B/128⌉ · splits, the query blocks of one split side
    /// by side so that they share its rows in the cache. Splits take rowsPerSplit rows, a multiple of 32.
    /// </summary>
    /// <param name="queries">As <see cref="SplitQueries"/> packs them.</param>
    /// <param name="bank">[2, N, D]: values as bf16, then what that left.</param>
    public static void AccumulateSplitWholeBank(
        ArrayView<UInt4> queries, ArrayView<UInt4> bank, ArrayView<float> sums, ArrayView<float> maxima, ArrayView<float> totals,
        int queryCount, long rowCount, int strideQuads, long rowsPerSplit, float inverseTemperature)
    {
        // A warp owns sixteen queries: their scores with a tile's rows become weights in the registers where they are, and weigh the same
        // rows.
        _ = SharedMemory.Allocate<UInt4>(Stages * StageParts);  // the first: loads and copies name it
        int blocks = (queryCount + Queries - 1) / Queries, split = Grid.IdxX / blocks;
        int firstQuery = Grid.IdxX % blocks * Queries + Group.IdxX / 32 * 16, steps = strideQuads / 4;
        // Beyond the last query the last sixteen are taken again.
        int packed = IntrinsicMath.Min(firstQuery, queryCount - 1) / 16 * steps * 64;
        long firstRow = split * rowsPerSplit, endRow = IntrinsicMath.Min(firstRow + rowsPerSplit, rowCount);
        int tiles = (int)((endRow - firstRow + TileRows - 1) / TileRows);
        var copy = new Copier(rowCount, firstRow, strideQuads / 2, tiles);
        copy.Start(0);
        copy.Start(1);
        RowState near = RowState.Empty, far = RowState.Empty;
        WeightedTile sum = default;
        for (int tile = 0; tile < tiles; tile++)
        {
            TensorCore.WaitForAllCopiesButOneBatch();
            Group.Barrier();
            copy.Start(tile + 2);
            int stage = tile % Stages * StageParts;
            RowScores scores = default;
            for (int step = 0; step < steps; step++)
                scores = scores.Accumulate(queries, packed + 64 * step, stage, 2 * step);

            int left = (int)IntrinsicMath.Min(TileRows, endRow - firstRow - (long)tile * TileRows);
            scores = scores.Logits(inverseTemperature, left);
            near = near.Take(scores.LargestNear);
            far = far.Take(scores.LargestFar);
            scores = scores.Weights(near.Largest, far.Largest);
            near.Total += scores.TotalNear;
            far.Total += scores.TotalFar;
            sum = sum.Accumulate(scores.Hold(), stage, strideQuads, near.Shrink, far.Shrink);
        }

        var output = new Output(sums, maxima, totals, queryCount, (long)split * queryCount, 4 * strideQuads);
        int query = firstQuery + Warp.LaneIdx / 4;
        output.Write(query, near, sum, 0);
        output.Write(query + 8, far, sum, 1);
    }

    private readonly struct QueryPair(ArrayView<float> values, int count, int stride, int column)
    {
        public void Split(int row, int beyond, out uint whole, out uint rest)
        {
            long at = (long)row * stride + column + beyond;
            float low = row < count ? values[at] : 0f, high = row < count ? values[at + 1] : 0f;
            whole = TensorCore.Round(low, high);
            rest = TensorCore.Rest(low, high, whole);
        }
    }

    /// <summary>One query's running softmax: the maximum is that of the four lanes which share the query, the total each lane's
    /// own.</summary>
    private struct RowState
    {
        public float Largest, Total, Shrink;

        public static RowState Empty
        {
            get
            {
                RowState empty = default;
                empty.Largest = -1e30f;
                return empty;
            }
        }

        public readonly RowState Take(float largest)
        {
            RowState next;
            next.Largest = DeviceMath.Max(Largest, largest);
            next.Shrink = DeviceMath.Exp(Largest - next.Largest);
            next.Total = Total * next.Shrink;
            return next;
        }
    }

    /// <summary>Copies of one tile's rows, values and rests, into the stage that is free.</summary>
    private readonly struct Copier(long rowCount, long firstRow, int lineParts, int tiles)
    {
        public void Start(int tile)
        {
            if (tile < tiles)
            {
                int stage = tile % Stages * StageParts;
                long tileRow = firstRow + (long)tile * TileRows;
                for (int element = Group.IdxX; element < PlaneParts; element += Group.DimX)
                {
                    int line = element / Fragments.RowParts, part = element % Fragments.RowParts;
                    if (part >= lineParts)
                        continue;
                    long from = IntrinsicMath.Min(tileRow + line, rowCount - 1) * lineParts + part;
                    int to = stage + Fragments.PlaceInRows(line, part);
                    TensorCore.StartCopyOfRow(to, from);
                    TensorCore.StartCopyOfRow(to + PlaneParts, from + rowCount * lineParts);
                }
            }

            TensorCore.CloseCopies();
        }
    }

    private readonly struct Output(ArrayView<float> sums, ArrayView<float> maxima, ArrayView<float> totals, int queryCount,
        long firstPart, int stride)
    {
        public void Write(int query, RowState row, WeightedTile sum, int far)
        {
            float total = row.Total;
            total += Warp.ShuffleXor(total, 1);
            total += Warp.ShuffleXor(total, 2);
            if (query >= queryCount)
                return;
            long part = firstPart + query;
            sum.Write(sums, part * stride + Warp.LaneIdx % 4 * 2, stride, far);
            if (Warp.LaneIdx % 4 == 0)
            {
                maxima[part] = row.Largest;
                totals[part] = total;
            }
        }
    }
}
