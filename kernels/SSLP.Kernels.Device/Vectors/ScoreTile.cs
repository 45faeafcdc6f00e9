using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Scores of one query with eight rows: four neighbours, and the four 64 rows further on.</summary>
public struct ScoreRow
{
    public float A, B, C, D, E, F, G, H;

    public static ScoreRow MultiplyAdd(float query, Float4 near, Float4 far, ScoreRow sum)
    {
        ScoreRow result;
        result.A = DeviceMath.MultiplyAdd(query, near.X, sum.A);
        result.B = DeviceMath.MultiplyAdd(query, near.Y, sum.B);
        result.C = DeviceMath.MultiplyAdd(query, near.Z, sum.C);
        result.D = DeviceMath.MultiplyAdd(query, near.W, sum.D);
        result.E = DeviceMath.MultiplyAdd(query, far.X, sum.E);
        result.F = DeviceMath.MultiplyAdd(query, far.Y, sum.F);
        result.G = DeviceMath.MultiplyAdd(query, far.Z, sum.G);
        result.H = DeviceMath.MultiplyAdd(query, far.W, sum.H);
        return result;
    }
}

/// <summary>One thread's 8 × 8 scores of a group's 128 × 128.</summary>
public struct ScoreTile
{
    /// <summary>Queries and bank rows of a group's tile; a group is 16 × 16 threads.</summary>
    public const int Side = 128;

    /// <summary>From a thread's first four rows to its other four.</summary>
    public const int FarRows = 64;

    private const int Depth = 16;          // values of D that are staged at a time
    private const int DepthQuads = Depth / 4;
    private const int Pitch = Side + 4;    // floats between staged depths: a warp's two quads of sixteen lines meet all banks
    private const int PitchQuads = Pitch / 4;

    public ScoreRow R0, R1, R2, R3, R4, R5, R6, R7;

    /// <summary>First query of the calling thread within the tile; it owns eight in a row.</summary>
    public static int ThreadQuery => Group.IdxX / 16 * 8;

    /// <summary>First bank row of the calling thread within the tile; it owns four in a row from here and from <see cref="FarRows"/>
    /// on.</summary>
    public static int ThreadRow => Group.IdxX % 16 * 4;

    /// <summary>
    /// Inner products of queries firstQuery … +127 with rows firstRow … +127, [·, D] each, in 128-bit loads. A thread owns an 8 × 8
    /// register tile; both operands pass through shared memory, transposed, 16 values of D at a time. Beyond the last query or row the last
    /// one is repeated: callers drop those scores. Each score is one chain of fused multiply-adds in ascending d.
    /// </summary>
    public static ScoreTile Compute(
        ArrayView<Float4> queries, int queryCount, int firstQuery, ArrayView<Float4> rows, long rowCount, long firstRow, int strideQuads)
    {
        ArrayView<Float4> stagedQueries = SharedMemory.Allocate<Float4>(Depth * PitchQuads);
        ArrayView<Float4> stagedRows = SharedMemory.Allocate<Float4>(Depth * PitchQuads);
        ScoreTile tile = default;
        for (int depth = 0; depth < strideQuads; depth += DepthQuads)
        {
            Group.Barrier();
            for (int element = Group.IdxX; element < Side * DepthQuads; element += Group.DimX)
            {
                int line = element / 2 % Side, quad = element / (2 * Side) * 2 + element % 2;
                long query = IntrinsicMath.Min(firstQuery + line, queryCount - 1), row = IntrinsicMath.Min(firstRow + line, rowCount - 1);
                StoreTransposed(stagedQueries, queries[query * strideQuads + depth + quad], line, quad);
                StoreTransposed(stagedRows, rows[row * strideQuads + depth + quad], line, quad);
            }

            Group.Barrier();
            int q = Group.IdxX / 16 * 2, r = Group.IdxX % 16;
            for (int d = 0; d < Depth; d++)
            {
                int line = d * PitchQuads;
                Float4 low = stagedQueries[line + q], high = stagedQueries[line + q + 1];
                Float4 near = stagedRows[line + r], far = stagedRows[line + r + FarRows / 4];
                tile.R0 = ScoreRow.MultiplyAdd(low.X, near, far, tile.R0);
                tile.R1 = ScoreRow.MultiplyAdd(low.Y, near, far, tile.R1);
                tile.R2 = ScoreRow.MultiplyAdd(low.Z, near, far, tile.R2);
                tile.R3 = ScoreRow.MultiplyAdd(low.W, near, far, tile.R3);
                tile.R4 = ScoreRow.MultiplyAdd(high.X, near, far, tile.R4);
                tile.R5 = ScoreRow.MultiplyAdd(high.Y, near, far, tile.R5);
                tile.R6 = ScoreRow.MultiplyAdd(high.Z, near, far, tile.R6);
                tile.R7 = ScoreRow.MultiplyAdd(high.W, near, far, tile.R7);
            }
        }

        return tile;
    }

    private static void StoreTransposed(ArrayView<Float4> staged, Float4 value, int line, int quad)
    {
        ArrayView<float> floats = staged.Cast<float>();
        floats[(4 * quad) * Pitch + line] = value.X;
        floats[(4 * quad + 1) * Pitch + line] = value.Y;
        floats[(4 * quad + 2) * Pitch + line] = value.Z;
        floats[(4 * quad + 3) * Pitch + line] = value.W;
    }
}
