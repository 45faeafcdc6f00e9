using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// The inverse transform of a block as libjpeg's "islow" has it, to the bit: Loeffler, Ligtenberg and Moschytz (1989) in whole numbers of
/// 13
/// fraction bits, columns first with 2 bits kept. All eight columns, then all eight rows at a time.
/// </summary>
internal static unsafe class JpegTransform
{
    private const int ColumnShift = 11, RowShift = 18;

    // Constants of the algorithm × 2¹³, as pairs that one multiply-add takes: a · even + b · odd.
    private const short F0298 = 2446, F0390 = 3196, F0541 = 4433, F0765 = 6270, F0899 = 7373, F1175 = 9633, F1501 = 12299, F1847 = 15137,
        F1961 = 16069,
        F2053 = 16819, F2562 = 20995, F3072 = 25172, One = 8192;

    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>Writes 8 × 8 samples.</summary>
    /// <param name="block">64 coefficients, multiplied by their quantisers, row by row.</param>
    /// <param name="to">First sample; rows <paramref name="stride"/> bytes apart.</param>
    [SkipLocalsInit]
    public static void Inverse(short* block, byte* to, int stride)
    {
        OneWay(
            Vector128.Load(block), Vector128.Load(block + 8), Vector128.Load(block + 16), Vector128.Load(block + 24),
            Vector128.Load(block + 32), Vector128.Load(block + 40), Vector128.Load(block + 48), Vector128.Load(block + 56), ColumnShift,
            out Vector256<short> c04, out Vector256<short> c15, out Vector256<short> c26, out Vector256<short> c37);
        OneWay(
            c04.GetLower(), c15.GetLower(), c26.GetLower(), c37.GetLower(), c04.GetUpper(), c15.GetUpper(), c26.GetUpper(),
                c37.GetUpper(), RowShift,
            out Vector256<short> r04, out Vector256<short> r15, out Vector256<short> r26, out Vector256<short> r37);
        var centre = Vector256.Create((byte)128);
        Vector256<byte> r0145 = Avx2.PackSignedSaturate(r04, r15).AsByte() ^ centre,
            r2367 = Avx2.PackSignedSaturate(r26, r37).AsByte() ^ centre;
        Store(r0145.GetLower(), to, stride);
        Store(r2367.GetLower(), to + (2 * stride), stride);
        Store(r0145.GetUpper(), to + (4 * stride), stride);
        Store(r2367.GetUpper(), to + (6 * stride), stride);
    }

    /// <summary>A block of which only the first coefficient is not 0: all samples are equal.</summary>
    public static void Flat(int first, byte* to, int stride)
    {
        ulong samples = (byte)Math.Clamp(((first + 4) >> 3) + 128, 0, 255) * 0x0101010101010101ul;
        for (int row = 0; row < 8; row++)
            Unsafe.WriteUnaligned(to + (row * stride), samples);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> rows, byte* to, int stride)
    {
        Unsafe.WriteUnaligned(to, rows.AsUInt64().GetElement(0));
        Unsafe.WriteUnaligned(to + stride, rows.AsUInt64().GetElement(1));
    }

    /// <summary>
    /// The transform in one direction of eight vectors, and their transpose: vector k of the result, k = 0 … 3, has the outcome's column k
    /// in its lower
    /// half and column k + 4 in its upper.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OneWay(
        Vector128<short> i0, Vector128<short> i1, Vector128<short> i2, Vector128<short> i3, Vector128<short> i4, Vector128<short> i5,
        Vector128<short> i6, Vector128<short> i7, int shift,
        out Vector256<short> o04, out Vector256<short> o15, out Vector256<short> o26, out Vector256<short> o37)
    {
        // The even half.
        Vector256<short> p26 = Pair(i2, i6), p04 = Pair(i0, i4);
        Vector256<int> even3 = Sum(p26, F0541 + F0765, F0541), even2 = Sum(p26, F0541, F0541 - F1847);
        var round = Vector256.Create(1 << (shift - 1));
        Vector256<int> even0 = Sum(p04, One, One) + round, even1 = Sum(p04, One, -One) + round;
        Vector256<int> a0 = even0 + even3, a3 = even0 - even3, a1 = even1 + even2, a2 = even1 - even2;

        // The odd half.
        Vector256<short> p34 = Pair(i7 + i3, i5 + i1), p71 = Pair(i7, i1), p53 = Pair(i5, i3);
        Vector256<int> z3 = Sum(p34, F1175 - F1961, F1175), z4 = Sum(p34, F1175, F1175 - F0390);
        Vector256<int> odd0 = Sum(p71, F0298 - F0899, -F0899) + z3, odd3 = Sum(p71, -F0899, F1501 - F0899) + z4;
        Vector256<int> odd1 = Sum(p53, F2053 - F2562, -F2562) + z4, odd2 = Sum(p53, -F2562, F3072 - F2562) + z3;

        Vector256<short> v01 = Avx2.PackSignedSaturate((a0 + odd3) >> shift, (a1 + odd2) >> shift);
        Vector256<short> v23 = Avx2.PackSignedSaturate((a2 + odd1) >> shift, (a3 + odd0) >> shift);
        Vector256<short> v45 = Avx2.PackSignedSaturate((a3 - odd0) >> shift, (a2 - odd1) >> shift);
        Vector256<short> v67 = Avx2.PackSignedSaturate((a1 - odd2) >> shift, (a0 - odd3) >> shift);

        // Lower halves hold lanes 0 … 3 of two vectors each, upper ones lanes 4 … 7.
        Vector256<short> v02 = Avx2.UnpackLow(v01, v23), v13 = Avx2.UnpackHigh(v01, v23), v46 = Avx2.UnpackLow(v45, v67),
            v57 = Avx2.UnpackHigh(v45, v67);
        Vector256<long> upper01 = Avx2.UnpackLow(v02, v13).AsInt64(), upper23 = Avx2.UnpackHigh(v02, v13).AsInt64();
        Vector256<long> lower01 = Avx2.UnpackLow(v46, v57).AsInt64(), lower23 = Avx2.UnpackHigh(v46, v57).AsInt64();
        o04 = Avx2.UnpackLow(upper01, lower01).AsInt16();
        o15 = Avx2.UnpackHigh(upper01, lower01).AsInt16();
        o26 = Avx2.UnpackLow(upper23, lower23).AsInt16();
        o37 = Avx2.UnpackHigh(upper23, lower23).AsInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pair(Vector128<short> first, Vector128<short> second) =>
        Vector256.Create(Sse2.UnpackLow(first, second), Sse2.UnpackHigh(first, second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Sum(Vector256<short> pairs, short first, short second) =>
        Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((second << 16) | (ushort)first).AsInt16());
}
