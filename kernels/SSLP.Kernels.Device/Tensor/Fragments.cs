namespace SSLP.Kernels.Device;

/// <summary>
/// A lane's four registers of operands, and where in memory they come from. In shared memory matrices are lines of sixteen-byte parts; the
/// parts of a line are swapped so that eight lines at one depth meet all banks. Which lane holds what: PTX ISA, "Matrix fragments for
/// mma.m16n8k16 with floating point type".
/// </summary>
public struct Fragments
{
    /// <summary>Sixteen-byte parts in a line that holds a chunk of 32 values.</summary>
    public const int ChunkParts = 4;

    /// <summary>In a line that holds sixteen values.</summary>
    public const int PairParts = 2;

    /// <summary>In a line that holds a row of up to 128 values.</summary>
    public const int RowParts = 16;

    private const int A = 0, B = 1;

    public uint R0, R1, R2, R3;
    private int _kind, _first, _line, _part, _lineParts;

    /// <summary>A[16, 16] of a matrix of chunks: lines are its rows, parts eight values of k.</summary>
    /// <param name="first">The matrix's first part in shared memory.</param>
    public static Fragments OfA(int first, int line, int part) => Of(A, first, line, part, ChunkParts);

    /// <summary>Two B[16, 8] of a matrix of chunks, side by side: lines are their columns, parts eight values of k.</summary>
    public static Fragments OfB(int first, int line, int part) => Of(B, first, line, part, ChunkParts);

    /// <summary>The same of a matrix of rows.</summary>
    public static Fragments OfRows(int first, int line, int part) => Of(B, first, line, part, RowParts);

    /// <summary>
    /// Two B[16, 8] of a matrix of rows with lines and parts exchanged: lines are values of k, parts eight columns. Lanes name them in the
    /// order of A.
    /// </summary>
    public static Fragments OfRowsAcross(int first, int line, int part) => Of(A, first, line, part, RowParts);

    /// <summary>
    /// Where, from its first line on, the lane names a part to ldmatrix for A[16, 16] of a matrix of pairs; first lines are multiples of
    /// eight.
    /// </summary>
    public static int LaneOfPairsA(int lane) => At(Of(A, 0, 0, 0, PairParts), lane);

    /// <summary>The same of two B[16, 8] side by side.</summary>
    public static int LaneOfPairsB(int lane) => At(Of(B, 0, 0, 0, PairParts), lane);

    /// <summary>A[16, 16] as the lanes hold it already.</summary>
    public static Fragments OfHeld(UInt4 registers)
    {
        Fragments held = default;
        (held.R0, held.R1, held.R2, held.R3) = (registers.X, registers.Y, registers.Z, registers.W);
        return held;
    }

    /// <summary>Where a part of a line of a matrix of chunks is staged.</summary>
    public static int Place(int line, int part) => Place(line, part, ChunkParts);

    /// <summary>Where a part of a line of a matrix of pairs is staged.</summary>
    public static int PlaceInPairs(int line, int part) => Place(line, part, PairParts);

    /// <summary>Where a part of a line of a matrix of rows is staged.</summary>
    public static int PlaceInRows(int line, int part) => Place(line, part, RowParts);

    /// <summary>
    /// The sixteen bytes that a lane names to ldmatrix. Matrices 0 … 3 become registers 0 … 3: of A rows 0–7, rows 8–15, then both again at
    /// k from 8 on; of B columns 0–7 at k below 8 and from 8 on, then columns 8–15, in either orientation.
    /// </summary>
    public static int At(Fragments of, int lane)
    {
        bool columns = of._kind == B;
        int line = lane % 8 + (columns ? lane / 16 : lane / 8 % 2) * 8, part = columns ? lane / 8 % 2 : lane / 16;
        return of._first + Place(of._line + line, of._part + part, of._lineParts);
    }

    private static int Place(int line, int part, int lineParts) =>
        line * lineParts + (part ^ (lineParts == ChunkParts ? line >> 1 & 3 : lineParts == PairParts ? line >> 2 & 1 : line & 7));

    private static Fragments Of(int kind, int first, int line, int part, int lineParts)
    {
        Fragments fragments = default;
        (fragments._kind, fragments._first, fragments._line, fragments._part, fragments._lineParts) = (kind, first, line, part, lineParts);
        return fragments;
    }
}
