using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>Chroma to the resolution of luma, and YCbCr to RGB, as libjpeg does both, to the bit; a row at a time.</summary>
internal static unsafe class JpegColour
{
    // JFIF's matrix × 2¹⁶, each as what 16 bits hold: 1.402 = 1 + 0.402, 1.772 = 2 − 0.228, 0.71414 = 1 − 0.28586.
    private const short Red = 26345, Blue = -14942, GreenOfBlue = -22554, GreenOfRed = 18734;

    /// <summary>
    /// 3 · near + far of two chroma rows: the vertical half of libjpeg's triangle filter. One more on either side repeats the edge.
    /// </summary>
    /// <param name="near">The chroma row that covers the luma row.</param>
    /// <param name="far">The one that is next nearest.</param>
    /// <param name="columns">Samples of the rows.</param>
    /// <param name="sums">Receives columns + 2, and what a vector writes past them.</param>
    public static void ColumnSums(byte* near, byte* far, int columns, short* sums)
    {
        for (int i = 0; i < columns; i += 16)
        {
            Vector256<short> n = Load16(near + i), f = Load16(far + i);
            ((n * 3) + f).Store(sums + 1 + i);
        }
        Edges(sums, columns);
    }

    /// <summary>A chroma row as it is, for images whose chroma is halved across only.</summary>
    public static void ColumnValues(byte* row, int columns, short* sums)
    {
        for (int i = 0; i < columns; i += 16)
            Load16(row + i).Store(sums + 1 + i);
        Edges(sums, columns);
    }

    /// <summary>
    /// Twice as many samples: each 3/4 of the nearer and 1/4 of the farther; the bias alternates, so that rounding favours neither way.
    /// </summary>
    /// <param name="sums">Of <see cref="ColumnSums"/> (<paramref name="shift"/> 4) or <see cref="ColumnValues"/> (2).</param>
    /// <param name="to">Receives 2 · columns, and what a vector writes past them.</param>
    public static void Twice(short* sums, int columns, int shift, byte* to)
    {
        Vector256<short> left = Vector256.Create((short)(shift == 4 ? 8 : 1)), right = Vector256.Create((short)(shift == 4 ? 7 : 2));
        for (int i = 0; i < columns; i += 16)
        {
            Vector256<short> three = Vector256.Load(sums + 1 + i) * 3;
            Vector256<short> even = (three + Vector256.Load(sums + i) + left) >>> shift,
                odd = (three + Vector256.Load(sums + 2 + i) + right) >>> shift;
            (even | (odd << 8)).AsByte().Store(to + (2 * i));
        }
    }

    /// <summary>A row of YCbCr to RGB. Reads whole vectors: up to 15 samples past <paramref name="width"/>.</summary>
    /// <param name="rgb">Receives 3 · width bytes and no more.</param>
    [SkipLocalsInit]
    public static void ToRgb(byte* y, byte* cb, byte* cr, int width, byte* rgb)
    {
        byte* last = stackalloc byte[48];
        for (int x = 0; x < width; x += 16)
        {
            Vector256<short> luma = Load16(y + x);
            Vector256<short> b = Load16(cb + x) - Vector256.Create((short)128), r = Load16(cr + x) - Vector256.Create((short)128);
            Vector128<byte> red = Bytes(luma + r + Scaled(r, Red)), blue = Bytes(luma + b + b + Scaled(b, Blue)),
                green = Bytes(luma - r + Green(b, r));
            int left = width - x;
            Interleave(red, green, blue, left >= 16 ? rgb + (3 * x) : last);
            if (left < 16)
                Unsafe.CopyBlockUnaligned(rgb + (3 * x), last, (uint)(3 * left));
        }
    }

    /// <summary>A row whose components are red, green and blue already.</summary>
    [SkipLocalsInit]
    public static void Interleaved(byte* red, byte* green, byte* blue, int width, byte* rgb)
    {
        byte* last = stackalloc byte[48];
        for (int x = 0; x < width; x += 16)
        {
            int left = width - x;
            Interleave(Vector128.Load(red + x), Vector128.Load(green + x), Vector128.Load(blue + x), left >= 16 ? rgb + (3 * x) : last);
            if (left < 16)
                Unsafe.CopyBlockUnaligned(rgb + (3 * x), last, (uint)(3 * left));
        }
    }

    private static void Edges(short* sums, int columns) => (sums[0], sums[columns + 1]) = (sums[1], sums[columns]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Load16(byte* samples) => Avx2.ConvertToVector256Int16(samples);

    /// <summary>(value · factor + ½) / 2¹⁶, rounded down.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Scaled(Vector256<short> value, short factor) =>
        (Avx2.MultiplyHigh(value + value, Vector256.Create(factor)) + Vector256<short>.One) >> 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Green(Vector256<short> b, Vector256<short> r)
    {
        Vector256<short> factors = Vector256.Create((GreenOfRed << 16) | (GreenOfBlue & 0xFFFF)).AsInt16();
        var half = Vector256.Create(1 << 15);
        Vector256<int> low = (Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(b, r), factors) + half) >> 16;
        Vector256<int> high = (Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(b, r), factors) + half) >> 16;
        return Avx2.PackSignedSaturate(low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Bytes(Vector256<short> values) => Sse2.PackUnsignedSaturate(values.GetLower(), values.GetUpper());

    /// <summary>Sixteen pixels, 48 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(Vector128<byte> r, Vector128<byte> g, Vector128<byte> b, byte* to)
    {
        const byte No = 0x80;
        (Ssse3.Shuffle(r, Vector128.Create(0, No, No, 1, No, No, 2, No, No, 3, No, No, 4, No, No, 5))
            | Ssse3.Shuffle(g, Vector128.Create(No, 0, No, No, 1, No, No, 2, No, No, 3, No, No, 4, No, No))
            | Ssse3.Shuffle(b, Vector128.Create(No, No, 0, No, No, 1, No, No, 2, No, No, 3, No, No, 4, No))).Store(to);
        (Ssse3.Shuffle(r, Vector128.Create(No, No, 6, No, No, 7, No, No, 8, No, No, 9, No, No, 10, No))
            | Ssse3.Shuffle(g, Vector128.Create(5, No, No, 6, No, No, 7, No, No, 8, No, No, 9, No, No, 10))
            | Ssse3.Shuffle(b, Vector128.Create(No, 5, No, No, 6, No, No, 7, No, No, 8, No, No, 9, No, No))).Store(to + 16);
        (Ssse3.Shuffle(r, Vector128.Create(No, 11, No, No, 12, No, No, 13, No, No, 14, No, No, 15, No, No))
            | Ssse3.Shuffle(g, Vector128.Create(No, No, 11, No, No, 12, No, No, 13, No, No, 14, No, No, 15, No))
            | Ssse3.Shuffle(b, Vector128.Create(10, No, No, 11, No, No, 12, No, No, 13, No, No, 14, No, No, 15))).Store(to + 32);
    }
}
