using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>The two passes of the separable resize, a row at a time. One pixel is one Vector128 (r, g, b, 0) on the way across, planes from
/// there on.</summary>
internal static unsafe class ResizeRows
{
    /// <summary>Bytes r g b r g b … become floats r g b 0 …, unscaled.</summary>
    public static void Expand(byte* source, int width, float* pixels)
    {
        var spread = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        int x = 0;
        // Four pixels are 12 bytes, but 16 are loaded: stop where the load would leave the row.
        for (; 3 * x + 16 <= 3 * width; x += 4)
        {
            var four = Vector128.Shuffle(Vector128.Load(source + 3 * x), spread);
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(four);
            (Vector128<uint> p0, Vector128<uint> p1) = Vector128.Widen(low);
            (Vector128<uint> p2, Vector128<uint> p3) = Vector128.Widen(high);
            Vector128.ConvertToSingle(p0.AsInt32()).Store(pixels + 4 * x);
            Vector128.ConvertToSingle(p1.AsInt32()).Store(pixels + 4 * x + 4);
            Vector128.ConvertToSingle(p2.AsInt32()).Store(pixels + 4 * x + 8);
            Vector128.ConvertToSingle(p3.AsInt32()).Store(pixels + 4 * x + 12);
        }

        for (; x < width; x++)
            Vector128.Create((float)source[3 * x], source[3 * x + 1], source[3 * x + 2], 0f).Store(pixels + 4 * x);
    }

    /// <summary>
    /// One row of pixels becomes one row of each plane: r at <paramref name="planes"/>, g and b <paramref name="stride"/> and 2·stride
    /// floats on. The last pixel is repeated up to a multiple of four.
    /// </summary>
    public static void Horizontal(float* pixels, ResizeTaps taps, float* planes, int stride)
    {
        int outputs = taps.Start.Length, last = outputs - 1, count = taps.Count;
        fixed (int* start = taps.Start)
        fixed (float* weights = taps.Weights)
        {
            for (int x = 0; x < outputs; x += 4)
            {
                int x1 = Math.Min(x + 1, last), x2 = Math.Min(x + 2, last), x3 = Math.Min(x + 3, last);
                Vector128<float> p0, p1, p2, p3;
                if (count == 2)
                {
                    p0 = TwoTaps(pixels + 4 * start[x], weights + 2 * x);
                    p1 = TwoTaps(pixels + 4 * start[x1], weights + 2 * x1);
                    p2 = TwoTaps(pixels + 4 * start[x2], weights + 2 * x2);
                    p3 = TwoTaps(pixels + 4 * start[x3], weights + 2 * x3);
                }
                else
                {
                    p0 = Taps(pixels + 4 * start[x], weights + count * x, count);
                    p1 = Taps(pixels + 4 * start[x1], weights + count * x1, count);
                    p2 = Taps(pixels + 4 * start[x2], weights + count * x2, count);
                    p3 = Taps(pixels + 4 * start[x3], weights + count * x3, count);
                }

                StorePlanes(p0, p1, p2, p3, planes + x, stride);
            }
        }
    }

    /// <summary>result[x] = Σ_t weights[t] · ring row (first + t) [x]: one output row of all three planes at once.</summary>
    /// <param name="ring">Rows of <paramref name="length"/> floats; source row j is in slot j mod <paramref name="slots"/>.</param>
    public static void Vertical(float* ring, int slots, int first, ReadOnlySpan<float> weights, float* result, int length)
    {
        Scale(ring + (nint)(first % slots) * length, weights[0], result, length);
        for (int t = 1; t < weights.Length; t++)
            AddScaled(ring + (nint)((first + t) % slots) * length, weights[t], result, length);
    }

    private static void Scale(float* source, float weight, float* result, int length)
    {
        var w = Vector256.Create(weight);
        for (int x = 0; x < length; x += Vector256<float>.Count)
            (w * Vector256.Load(source + x)).Store(result + x);
    }

    private static void AddScaled(float* source, float weight, float* result, int length)
    {
        var w = Vector256.Create(weight);
        for (int x = 0; x < length; x += Vector256<float>.Count)
            Vector256.FusedMultiplyAdd(w, Vector256.Load(source + x), Vector256.Load(result + x)).Store(result + x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> TwoTaps(float* pixels, float* weights) =>
        Vector128.FusedMultiplyAdd(Vector128.Create(weights[1]), Vector128.Load(pixels + 4),
            Vector128.Create(weights[0]) * Vector128.Load(pixels));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Taps(float* pixels, float* weights, int count)
    {
        Vector128<float> sum = Vector128.Create(weights[0]) * Vector128.Load(pixels);
        for (int t = 1; t < count; t++)
            sum = Vector128.FusedMultiplyAdd(Vector128.Create(weights[t]), Vector128.Load(pixels + 4 * t), sum);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePlanes(Vector128<float> p0, Vector128<float> p1, Vector128<float> p2, Vector128<float> p3,
        float* planes, int stride)
    {
        if (Sse.IsSupported)
        {
            Vector128<float> rg01 = Sse.UnpackLow(p0, p1), rg23 = Sse.UnpackLow(p2, p3);
            Sse.MoveLowToHigh(rg01, rg23).Store(planes);
            Sse.MoveHighToLow(rg23, rg01).Store(planes + stride);
            Sse.MoveLowToHigh(Sse.UnpackHigh(p0, p1), Sse.UnpackHigh(p2, p3)).Store(planes + 2 * stride);
        }
        else
        {
            for (int channel = 0; channel < 3; channel++)
                Vector128.Create(p0[channel], p1[channel], p2[channel], p3[channel]).Store(planes + (nint)channel * stride);
        }
    }
}
