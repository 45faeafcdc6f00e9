using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Sixteen scores of one query, of rows 0, 1, 8, 9, 16, 17 … from the lane's first on.</summary>
public struct QueryScores
{
    public float S0, S1, S8, S9, S16, S17, S24, S25, S32, S33, S40, S41, S48, S49, S56, S57;
}

/// <summary>What becomes of scores.</summary>
public interface IScoreSink
{
    /// <summary>Takes a lane's scores of four queries; all lanes of a warp together, four of which have the same queries.</summary>
    /// <param name="query">The first one; the others are 8, 16 and 24 further on. They may be beyond the last one.</param>
    /// <param name="row">The lane's first row; rows may be beyond the last one.</param>
    void Take(int query, long row, QueryScores first, QueryScores second, QueryScores third, QueryScores fourth);
}

/// <summary>A warp's scores of 32 queries with 64 rows: fragments of C, named by query tile and row tile.</summary>
public struct TensorTile
{
    /// <summary>Queries, and rows at a time, of a group of 256 threads.</summary>
    public const int Side = 128;

    private const int WarpQueries = 32, WarpRows = 64, WarpsAcross = Side / WarpRows;
    private const int ChunkQuads = Fragments.ChunkParts;  // sixteen bytes each: 32 values of D are staged at a time
    private const int MatrixQuads = Side * ChunkQuads, StageQuads = 2 * MatrixQuads, Stages = 3;
    private const int SplitQuads = Side * Fragments.PairParts;  // of a stage's four matrices: queries, their rests, rows, theirs

    private Float4 _a0, _a1, _a2, _a3, _a4, _a5, _a6, _a7, _b0, _b1, _b2, _b3, _b4, _b5, _b6, _b7;

    /// <summary>
    /// Scores of bf16 queries firstQuery … +127 with all rows firstRow … endRow−1, [·, D] each, handed to the sink 128 rows at a time.
    /// Three stages of shared memory are filled by asynchronous copies, 32 values of D each, while the one before them is multiplied; in
    /// the order of <see cref="Fragments"/>. Beyond the last query or row the last one is repeated. A product of bf16 values is exact and
    /// sums are float32, so a score is off by what rounding the operands does and by the sum's own rounding: <see cref="Slack"/>.
    /// </summary>
    public static void Stream<TSink>(
        ArrayView<UInt4> queries, int queryCount, int firstQuery, ArrayView<UInt4> bank, long rowCount, long firstRow, long endRow,
        int strideQuads, TSink sink)
        where TSink : struct, IScoreSink
    {
        // The first shared allocation of the kernel: loads and copies name it.
        _ = SharedMemory.Allocate<UInt4>(Stages * StageQuads);
        int lane = Warp.LaneIdx, warp = Group.IdxX / 32;
        int query = warp / WarpsAcross * WarpQueries, row = warp % WarpsAcross * WarpRows;
        int halves = strideQuads / 4;                    // steps of 16 values of D: strideQuads counts four floats
        int chunks = (halves + 1) / 2;
        int steps = (int)((endRow - firstRow + Side - 1) / Side) * chunks;
        var copy = new Copier(queryCount, firstQuery, rowCount, firstRow, strideQuads / 2, chunks);
        copy.Start(0, steps);
        copy.Start(1, steps);
        TensorTile tile = default;
        for (int step = 0; step < steps; step++)
        {
            TensorCore.WaitForAllCopiesButOneBatch();
            Group.Barrier();
            copy.Start(step + 2, steps);
            int chunk = step % chunks, stage = step % Stages * StageQuads;  // a tile is whole chunks
            for (int half = 0; half < 2 && 2 * chunk + half < halves; half++)
                tile = tile.Accumulate(stage, query, row, half);
            if (chunk == chunks - 1)
            {
                tile.HandOver(firstQuery + query + lane / 4, firstRow + (long)(step / chunks) * Side + row + lane % 4 * 2, sink);
                tile = default;
            }
        }
    }

    /// <summary>
    /// The same where both operands are sums of two bf16 values: behind either matrix lies one of what its rounding left, and the products
    /// of the values with the values, the values with the other's rest and the rest with the other's values are summed. A stage holds
    /// sixteen values of D of all four, each of which is loaded once for the three products. A score is within <see cref="SplitSlack"/>.
    /// </summary>
    public static void StreamSplit<TSink>(
        ArrayView<UInt4> queries, int queryCount, int firstQuery, ArrayView<UInt4> bank, long rowCount, long firstRow, long endRow,
        int strideQuads, TSink sink)
        where TSink : struct, IScoreSink
    {
        // The first shared allocation of the kernel: loads and copies name it.
        _ = SharedMemory.Allocate<UInt4>(Stages * StageQuads);
        int lane = Warp.LaneIdx, warp = Group.IdxX / 32;
        int query = warp / WarpsAcross * WarpQueries, row = warp % WarpsAcross * WarpRows, depths = strideQuads / 4, stage = 0;
        int nearPart = Fragments.LaneOfPairsA(lane) + query * Fragments.PairParts,
            rowPart = Fragments.LaneOfPairsB(lane) + 2 * SplitQuads + row * Fragments.PairParts;
        var copy = new SplitCopier(queryCount, firstQuery, rowCount, firstRow, endRow, strideQuads / 2);
        copy.Start();
        copy.Start();
        for (long tileRow = firstRow; tileRow < endRow; tileRow += Side)
        {
            TensorTile tile = default;
            for (int depth = 0; depth < depths; depth++)
            {
                TensorCore.WaitForAllCopiesButOneBatch();
                Group.Barrier();
                copy.Start();
                tile = tile.AccumulateSplit(stage + nearPart, stage + rowPart);
                stage = stage == (Stages - 1) * StageQuads ? 0 : stage + StageQuads;
            }

            tile.HandOver(firstQuery + query + lane / 4, tileRow + row + lane % 4 * 2, sink);
        }
    }

    /// <summary>
    /// Bound on |score − exact score| over ‖q‖·‖v‖. bf16 has eight significant bits: rounding is off by up to 2⁻⁸ of a value, both operands
    /// together by 2·2⁻⁸ + 2⁻¹⁶. The sums: a tensor core may cut each addend of eight products and the sum at 2⁻²³ of the largest, none of
    /// which exceeds ‖q‖·‖v‖ (9/8·D·2⁻²³); the float32 chain that the score is compared with rounds D times (D·2⁻²⁴). Together below
    /// 2⁻⁷ + 2⁻¹⁶ + D·2⁻²².
    /// </summary>
    public static float Slack(int strideQuads) => 0.0078125f + 1.53e-5f + 4 * strideQuads * 2.3841858e-7f;

    /// <summary>
    /// The same where a value is a sum of two bf16. The first leaves up to 2⁻⁸ of the value, half a unit of its last place, the second up
    /// to 2⁻¹⁷ of the value; the product of the seconds, up to 2⁻¹⁶, is left out: 2·2⁻¹⁷ + 2⁻¹⁶ = 2⁻¹⁵. The sums, of three times as many
    /// products: 27/8·D·2⁻²³. Together below 2⁻¹⁵ + D·2⁻²¹.
    /// </summary>
    public static float SplitSlack(int strideQuads) => 3.06e-5f + 4 * strideQuads * 4.7683716e-7f;

    // One step of 16 values of D: two fragments of A, four loads of two fragments of B, sixteen products.
    private readonly TensorTile Accumulate(int stage, int query, int row, int half)
    {
        TensorTile sum = this;
        int rows = stage + MatrixQuads;
        Fragments near = TensorCore.Load(Fragments.OfA(stage, query, 2 * half));
        Fragments far = TensorCore.Load(Fragments.OfA(stage, query + 16, 2 * half));
        Fragments columns = TensorCore.Load(Fragments.OfB(rows, row, 2 * half));
        sum._a0 = TensorCore.MultiplyAdd(near, columns, 0, sum._a0);
        sum._b0 = TensorCore.MultiplyAdd(far, columns, 0, sum._b0);
        sum._a1 = TensorCore.MultiplyAdd(near, columns, 1, sum._a1);
        sum._b1 = TensorCore.MultiplyAdd(far, columns, 1, sum._b1);
        columns = TensorCore.Load(Fragments.OfB(rows, row + 16, 2 * half));
        sum._a2 = TensorCore.MultiplyAdd(near, columns, 0, sum._a2);
        sum._b2 = TensorCore.MultiplyAdd(far, columns, 0, sum._b2);
        sum._a3 = TensorCore.MultiplyAdd(near, columns, 1, sum._a3);
        sum._b3 = TensorCore.MultiplyAdd(far, columns, 1, sum._b3);
        columns = TensorCore.Load(Fragments.OfB(rows, row + 32, 2 * half));
        sum._a4 = TensorCore.MultiplyAdd(near, columns, 0, sum._a4);
        sum._b4 = TensorCore.MultiplyAdd(far, columns, 0, sum._b4);
        sum._a5 = TensorCore.MultiplyAdd(near, columns, 1, sum._a5);
        sum._b5 = TensorCore.MultiplyAdd(far, columns, 1, sum._b5);
        columns = TensorCore.Load(Fragments.OfB(rows, row + 48, 2 * half));
        sum._a6 = TensorCore.MultiplyAdd(near, columns, 0, sum._a6);
        sum._b6 = TensorCore.MultiplyAdd(far, columns, 0, sum._b6);
        sum._a7 = TensorCore.MultiplyAdd(near, columns, 1, sum._a7);
        sum._b7 = TensorCore.MultiplyAdd(far, columns, 1, sum._b7);
        return sum;
    }

    // One step of 16 values of D: four fragments of A, eight loads of two fragments of B, 48 products.
    private readonly TensorTile AccumulateSplit(int queryPart, int rowPart)
    {
        TensorTile sum = this;
        const int sixteen = 16 * Fragments.PairParts;
        Fragments near = TensorCore.Load(queryPart), far = TensorCore.Load(queryPart + sixteen);
        Fragments nearRest = TensorCore.Load(queryPart + SplitQuads), farRest = TensorCore.Load(queryPart + SplitQuads + sixteen);
        ThreeProducts(near, far, nearRest, farRest, rowPart, ref sum._a0, ref sum._a1, ref sum._b0, ref sum._b1);
        ThreeProducts(near, far, nearRest, farRest, rowPart + sixteen, ref sum._a2, ref sum._a3, ref sum._b2, ref sum._b3);
        ThreeProducts(near, far, nearRest, farRest, rowPart + 2 * sixteen, ref sum._a4, ref sum._a5, ref sum._b4, ref sum._b5);
        ThreeProducts(near, far, nearRest, farRest, rowPart + 3 * sixteen, ref sum._a6, ref sum._a7, ref sum._b6, ref sum._b7);
        return sum;
    }

    // Neighbouring products have different sums: none waits for the one before it.
    private static void ThreeProducts(
        Fragments near, Fragments far, Fragments nearRest, Fragments farRest, int rowPart,
        ref Float4 nearLow, ref Float4 nearHigh, ref Float4 farLow, ref Float4 farHigh)
    {
        Fragments columns = TensorCore.Load(rowPart), rests = TensorCore.Load(rowPart + SplitQuads);
        nearLow = TensorCore.MultiplyAdd(near, columns, 0, nearLow);
        nearHigh = TensorCore.MultiplyAdd(near, columns, 1, nearHigh);
        farLow = TensorCore.MultiplyAdd(far, columns, 0, farLow);
        farHigh = TensorCore.MultiplyAdd(far, columns, 1, farHigh);
        nearLow = TensorCore.MultiplyAdd(near, rests, 0, nearLow);
        nearHigh = TensorCore.MultiplyAdd(near, rests, 1, nearHigh);
        farLow = TensorCore.MultiplyAdd(far, rests, 0, farLow);
        farHigh = TensorCore.MultiplyAdd(far, rests, 1, farHigh);
        nearLow = TensorCore.MultiplyAdd(nearRest, columns, 0, nearLow);
        nearHigh = TensorCore.MultiplyAdd(nearRest, columns, 1, nearHigh);
        farLow = TensorCore.MultiplyAdd(farRest, columns, 0, farLow);
        farHigh = TensorCore.MultiplyAdd(farRest, columns, 1, farHigh);
    }

    private readonly void HandOver<TSink>(int query, long row, TSink sink) where TSink : struct, IScoreSink
    {
        QueryScores a, b, c, d;
        (a.S0, a.S1, a.S8, a.S9, a.S16, a.S17, a.S24, a.S25) = (_a0.X, _a0.Y, _a1.X, _a1.Y, _a2.X, _a2.Y, _a3.X, _a3.Y);
        (a.S32, a.S33, a.S40, a.S41, a.S48, a.S49, a.S56, a.S57) = (_a4.X, _a4.Y, _a5.X, _a5.Y, _a6.X, _a6.Y, _a7.X, _a7.Y);
        (b.S0, b.S1, b.S8, b.S9, b.S16, b.S17, b.S24, b.S25) = (_a0.Z, _a0.W, _a1.Z, _a1.W, _a2.Z, _a2.W, _a3.Z, _a3.W);
        (b.S32, b.S33, b.S40, b.S41, b.S48, b.S49, b.S56, b.S57) = (_a4.Z, _a4.W, _a5.Z, _a5.W, _a6.Z, _a6.W, _a7.Z, _a7.W);
        (c.S0, c.S1, c.S8, c.S9, c.S16, c.S17, c.S24, c.S25) = (_b0.X, _b0.Y, _b1.X, _b1.Y, _b2.X, _b2.Y, _b3.X, _b3.Y);
        (c.S32, c.S33, c.S40, c.S41, c.S48, c.S49, c.S56, c.S57) = (_b4.X, _b4.Y, _b5.X, _b5.Y, _b6.X, _b6.Y, _b7.X, _b7.Y);
        (d.S0, d.S1, d.S8, d.S9, d.S16, d.S17, d.S24, d.S25) = (_b0.Z, _b0.W, _b1.Z, _b1.W, _b2.Z, _b2.W, _b3.Z, _b3.W);
        (d.S32, d.S33, d.S40, d.S41, d.S48, d.S49, d.S56, d.S57) = (_b4.Z, _b4.W, _b5.Z, _b5.W, _b6.Z, _b6.W, _b7.Z, _b7.W);
        sink.Take(query, row, a, b, c, d);
    }

    /// <summary>Copies of one chunk of the queries and of the rows into the stage that is free.</summary>
    private readonly struct Copier(int queryCount, int firstQuery, long rowCount, long firstRow, int lineQuads, int chunks)
    {
        public void Start(int step, int steps)
        {
            if (step < steps)
            {
                int stage = step % Stages * StageQuads, depth = step % chunks * ChunkQuads;
                long tileRow = firstRow + (long)(step / chunks) * Side;
                for (int element = Group.IdxX; element < MatrixQuads; element += Group.DimX)
                {
                    int line = element / ChunkQuads, quad = element % ChunkQuads;
                    if (depth + quad >= lineQuads)
                        continue;
                    long query = IntrinsicMath.Min(firstQuery + line, queryCount - 1),
                        row = IntrinsicMath.Min(tileRow + line, rowCount - 1);
                    TensorCore.StartCopyOfQuery(stage + Fragments.Place(line, quad), query * lineQuads + depth + quad);
                    TensorCore.StartCopyOfRow(stage + MatrixQuads + Fragments.Place(line, quad), row * lineQuads + depth + quad);
                }
            }

            TensorCore.CloseCopies();
        }
    }

    /// <summary>
    /// Copies of sixteen values of D of all four matrices into the stage that is free, one depth after the other and one tile after the
    /// other: a thread has one part of a line, the same of each, so that its addresses only move on.
    /// </summary>
    private struct SplitCopier(int queryCount, int firstQuery, long rowCount, long firstRow, long endRow, int lineQuads)
    {
        private long _tileRow = firstRow;
        private int _depth, _stage;

        public void Start()
        {
            if (_tileRow < endRow)
            {
                int line = Group.IdxX / Fragments.PairParts, part = Group.IdxX % Fragments.PairParts;
                int to = _stage + Fragments.PlaceInPairs(line, part);
                long query = (long)IntrinsicMath.Min(firstQuery + line, queryCount - 1) * lineQuads + _depth + part,
                    row = IntrinsicMath.Min(_tileRow + line, rowCount - 1) * lineQuads + _depth + part;
                TensorCore.StartCopyOfQuery(to, query);
                TensorCore.StartCopyOfQuery(to + SplitQuads, query + (long)queryCount * lineQuads);
                TensorCore.StartCopyOfRow(to + 2 * SplitQuads, row);
                TensorCore.StartCopyOfRow(to + 3 * SplitQuads, row + rowCount * lineQuads);
                _stage = _stage == (Stages - 1) * StageQuads ? 0 : _stage + StageQuads;
                _depth += Fragments.PairParts;
                if (_depth == lineQuads)
                {
                    _depth = 0;
                    _tileRow += Side;
                }
            }

            TensorCore.CloseCopies();
        }
    }
}
