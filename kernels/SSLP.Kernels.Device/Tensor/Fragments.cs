using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Which lane and register of a warp hold what in mma.m16n8k16 with bf16 (PTX ISA, "Matrix fragments for mma.m16n8k16 with floating point type"):
/// a register of A or B holds two values that are neighbours in k, a register of C one.
/// </summary>
public static class FragmentLayout
{
    /// <summary>Lane that holds A[row, k].</summary>
    public static int LaneOfA(int row, int k) => row % 8 * 4 + k % 8 / 2;

    /// <summary>Its register: 0, 1 for rows 0–7 and 8–15 at k below 8; 2, 3 at k from 8 on.</summary>
    public static int RegisterOfA(int row, int k) => row / 8 + k / 8 * 2;

    /// <summary>Lane that holds B[k, column].</summary>
    public static int LaneOfB(int k, int column) => column * 4 + k % 8 / 2;

    /// <summary>Its register: 0 at k below 8, else 1.</summary>
    public static int RegisterOfB(int k) => k / 8;

    /// <summary>Row of C that a lane's register holds.</summary>
    public static int RowOfC(int lane, int register) => lane / 4 + register / 2 * 8;

    /// <summary>Column of C that a lane's register holds.</summary>
    public static int ColumnOfC(int lane, int register) => lane % 4 * 2 + register % 2;
}

/// <summary>
/// A lane's four registers of operands, and where in memory they come from. In shared memory matrices are lines of sixteen-byte parts; the parts of a
/// line are swapped so that eight lines at one depth meet all banks.
/// </summary>
public struct Fragments
{
    /// <summary>Sixteen-byte parts in a line that holds a chunk of 32 values.</summary>
    public const int ChunkParts = 4;

    /// <summary>In a line that holds a row of up to 128 values.</summary>
    public const int RowParts = 16;

    private const int Held = 0, A = 1, B = 2, BAcross = 3;

    public uint R0, R1, R2, R3;
    private int _kind, _first, _line, _part, _lineParts;

    /// <summary>A[16, 16] of a matrix of chunks: lines are its rows, parts eight values of k.</summary>
    /// <param name="first">The matrix's first part in shared memory.</param>
    public static Fragments OfA(int first, int line, int part) => Of(A, first, line, part, ChunkParts);

    /// <summary>Two B[16, 8] of a matrix of chunks, side by side: lines are their columns, parts eight values of k.</summary>
    public static Fragments OfB(int first, int line, int part) => Of(B, first, line, part, ChunkParts);

    /// <summary>The same of a matrix of rows.</summary>
    public static Fragments OfRows(int first, int line, int part) => Of(B, first, line, part, RowParts);

    /// <summary>Two B[16, 8] of a matrix of rows with lines and parts exchanged: lines are values of k, parts eight columns.</summary>
    public static Fragments OfRowsAcross(int first, int line, int part) => Of(BAcross, first, line, part, RowParts);

    /// <summary>A[16, 16] as the lanes hold it: lane l's registers are, or would be, element first + l.</summary>
    public static Fragments OfHeld(int first, UInt4 registers)
    {
        Fragments held = Of(Held, first, 0, 0, ChunkParts);
        (held.R0, held.R1, held.R2, held.R3) = (registers.X, registers.Y, registers.Z, registers.W);
        return held;
    }

    /// <summary>Where a part of a line of a matrix of chunks is staged.</summary>
    public static int Place(int line, int part) => Place(line, part, ChunkParts);

    /// <summary>Where a part of a line of a matrix of rows is staged.</summary>
    public static int PlaceInRows(int line, int part) => Place(line, part, RowParts);

    /// <summary>
    /// The sixteen bytes that a lane names to ldmatrix. Matrices 0 … 3 become registers 0 … 3: of A rows 0–7, rows 8–15, then both again at k from 8
    /// on; of B columns 0–7 at k below 8 and from 8 on, then columns 8–15, in either orientation.
    /// </summary>
    public static int At(Fragments of, int lane)
    {
        bool columns = of._kind == B;
        int line = lane % 8 + (columns ? lane / 16 : lane / 8 % 2) * 8, part = columns ? lane / 8 % 2 : lane / 16;
        return of._first + Place(of._line + line, of._part + part, of._lineParts);
    }

    /// <summary>
    /// What ldmatrix puts into a register of a lane, found from the addresses that the lanes name: of matrix `register` row lane/4 at pair
    /// lane%4, or with lines and parts exchanged column lane/4 of rows 2·(lane%4) and the next. Of held fragments the lane's own.
    /// </summary>
    public static uint RegisterOf(ArrayView<UInt4> memory, Fragments of, int lane, int register)
    {
        ArrayView<uint> words = memory.Cast<uint>();
        if (of._kind == Held)
            return words[4 * (of._first + lane) + register];
        if (of._kind != BAcross)
            return words[4 * At(of, 8 * register + lane / 4) + lane % 4];
        int first = 8 * register + lane % 4 * 2, word = lane / 8, shift = 16 * (lane / 4 % 2);
        uint low = words[4 * At(of, first) + word] >> shift, high = words[4 * At(of, first + 1) + word] >> shift;
        return low & 0xFFFFu | high << 16;
    }

    private static int Place(int line, int part, int lineParts) =>
        line * lineParts + (part ^ (lineParts == ChunkParts ? line >> 1 & 3 : line & 7));

    private static Fragments Of(int kind, int first, int line, int part, int lineParts)
    {
        Fragments fragments = default;
        (fragments._kind, fragments._first, fragments._line, fragments._part, fragments._lineParts) = (kind, first, line, part, lineParts);
        return fragments;
    }
}
