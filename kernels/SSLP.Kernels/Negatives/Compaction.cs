using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// Moves the wanted lanes of a vector to its front, in order, without a branch: the vector is then stored whole and the next one begins
/// behind the wanted lanes. A target needs room for <see cref="Lanes"/> values more than it will hold.
/// </summary>
internal static unsafe class Compaction
{
    public const int Lanes = 8;

    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>
    /// For each 8-bit mask, the positions of its set bits first: 256 × 8 bytes. A loop keeps it in a local, or it would ask each time
    /// whether this class is initialised.
    /// </summary>
    public static readonly byte* Table = MakeTable();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> ToFront(byte* table, Vector256<int> values, uint wanted) =>
        Avx2.PermuteVar8x32(values, Avx2.ConvertToVector256Int32(table + Lanes * (nint)wanted));

    private static byte* MakeTable()
    {
        byte* table = (byte*)NativeMemory.AlignedAlloc(256 * Lanes, 64);
        new Span<byte>(table, 256 * Lanes).Clear();
        for (int mask = 0; mask < 256; mask++)
        {
            int filled = 0;
            for (int bit = 0; bit < Lanes; bit++)
            {
                if ((mask >> bit & 1) != 0)
                    table[mask * Lanes + filled++] = (byte)bit;
            }
        }
        return table;
    }
}
