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
/// Fragments of one ldmatrix: a lane's four registers, and where in shared memory they come from. Lines of sixteen-byte parts; the parts of a line
/// are swapped so that eight lines at one depth meet all banks.
/// </summary>
public struct Fragments
{
    /// <summary>Sixteen-byte parts in a line: 32 values.</summary>
    public const int LineParts = 4;

    public uint R0, R1, R2, R3;
    private int _first, _line, _part;
    private bool _isA;

    /// <summary>A[16, 16]: lines are its rows, parts eight values of k.</summary>
    /// <param name="first">The matrix's first part in shared memory.</param>
    public static Fragments OfA(int first, int line, int part) => Of(first, line, part, true);

    /// <summary>Two B[16, 8], side by side: lines are their columns, parts eight values of k.</summary>
    public static Fragments OfB(int first, int line, int part) => Of(first, line, part, false);

    /// <summary>Where a part of a line is staged.</summary>
    public static int Place(int line, int part) => line * LineParts + (part ^ (line >> 1 & 3));

    /// <summary>
    /// The sixteen bytes that a lane names. Matrices 0 … 3 become registers 0 … 3: of A rows 0–7, rows 8–15, then both again at k from 8 on; of B
    /// columns 0–7 at k below 8 and from 8 on, then columns 8–15.
    /// </summary>
    public static int At(Fragments of, int lane) =>
        of._first + (of._isA ? Place(of._line + lane % 16, of._part + lane / 16) : Place(of._line + lane / 16 * 8 + lane % 8, of._part + lane / 8 % 2));

    private static Fragments Of(int first, int line, int part, bool isA)
    {
        Fragments fragments = default;
        fragments._first = first;
        fragments._line = line;
        fragments._part = part;
        fragments._isA = isA;
        return fragments;
    }
}
