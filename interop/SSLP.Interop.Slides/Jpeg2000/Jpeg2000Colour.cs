using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>Components to packed RGB. A chroma sample stands for all pixels that it covers, as in OpenSlide.</summary>
internal static unsafe class Jpeg2000Colour
{
    /// <param name="across">Columns to a sample of the second and third component: 1, 2 or 4.</param>
    /// <param name="down">Rows to one.</param>
    public static void Write(in Jpeg2000Planes planes, int across, int down, in Jpeg2000Rows rows)
    {
        for (int row = 0; row < rows.Height; row++)
        {
            int* first = planes[0].Samples + ((long)row * planes[0].Width);
            int* second = planes[1].Samples + ((long)(row / down) * planes[1].Width);
            int* third = planes[2].Samples + ((long)(row / down) * planes[2].Width);
            byte* to = rows.Row(row);
            // Four pixels a step; the store is 16 bytes for 12, so the last ones go one by one.
            int x = 0;
            for (; x + 6 <= rows.Width; x += 4)
            {
                Vector128<int> a = Vector128.Load(first + x), b = Four(second + (x / across), across),
                    c = Four(third + (x / across), across);
                if (rows.YCbCr)
                    (a, b, c) = ToRgb(a, b, c);
                Pack(a, b, c).Store(to + (3 * x));
            }
            for (; x < rows.Width; x++)
            {
                Vector128<int> a = Vector128.CreateScalar(first[x]), b = Vector128.CreateScalar(second[x / across]),
                    c = Vector128.CreateScalar(third[x / across]);
                if (rows.YCbCr)
                    (a, b, c) = ToRgb(a, b, c);
                Vector128<byte> pixel = Pack(a, b, c);
                for (int band = 0; band < 3; band++)
                    to[(3 * x) + band] = pixel[band];
            }
        }
    }

    /// <summary>The samples of four pixels that begin with a sample's first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Four(int* samples, int across) => across switch
    {
        1 => Vector128.Load(samples),
        2 => Vector128.Create(samples[0], samples[0], samples[1], samples[1]),
        _ => Vector128.Create(samples[0]),
    };

    /// <summary>
    /// JFIF's matrix in 16 or 20 fractional bits, rounded as OpenSlide does: halves of green up, for all that its factors are rounded
    /// themselves.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<int> Red, Vector128<int> Green, Vector128<int> Blue) ToRgb(
        Vector128<int> luma, Vector128<int> cb, Vector128<int> cr)
    {
        Vector128<int> b = cb - Vector128.Create(128), r = cr - Vector128.Create(128), half = Vector128.Create(1 << 15);
        Vector128<int> green = (Vector128.Create((1 << 19) + 8) - (b * 360857) - (r * 748830)) >> 20;
        return (luma + (((r * 91881) + half) >> 16), luma + green, luma + (((b * 116130) + half) >> 16));
    }

    /// <summary>Twelve bytes of four pixels, clamped, and four that mean nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Pack(Vector128<int> red, Vector128<int> green, Vector128<int> blue)
    {
        Vector128<int> pixels = Byte(red) | (Byte(green) << 8) | (Byte(blue) << 16);
        return Vector128.Shuffle(pixels.AsByte(), Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Byte(Vector128<int> values) =>
        Vector128.Min(Vector128.Max(values, Vector128<int>.Zero), Vector128.Create(255));
}
