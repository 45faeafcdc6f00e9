using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>
/// Sums over a row in one order on every machine. The BCL's follow the processor's widest vector and the row's address, so that a program
/// compiled while it runs and a library compiled ahead of time, or two machines, would train with other losses after some steps.
/// </summary>
/// <remarks>
/// Element i goes to lane i mod 32, each lane one chain in ascending order, for all whole groups of 8; the lanes are added by halves, and
/// the last n mod 8 elements one after another. Vectors of 8 floats, which narrower processors do in two parts with the same bits.
/// Additions are rounded once with their product: relative error below (n/32 + 12)·2⁻²⁴ of the sum of magnitudes. NaN gives NaN.
/// </remarks>
internal static unsafe class OrderedSums
{
    /// <summary>⟨a, b⟩, n multiply-adds.</summary>
    /// <param name="a">n floats.</param>
    /// <param name="b">As many.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (a.Length != b.Length)
            throw new ArgumentException($"A row of {a.Length} floats has no product with one of {b.Length}.");
        fixed (float* x = a, y = b)
            return Sum<Products>(x, y, a.Length);
    }

    /// <summary>⟨a, a⟩.</summary>
    public static float Squares(ReadOnlySpan<float> a)
    {
        fixed (float* x = a)
            return Sum<Products>(x, x, a.Length);
    }

    /// <summary>Σ a.</summary>
    public static float Sum(ReadOnlySpan<float> a)
    {
        fixed (float* x = a)
            return Sum<Values>(x, x, a.Length);
    }

    private static float Sum<TTerm>(float* x, float* y, nint length)
        where TTerm : struct, ITerm
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        nint i = 0;
        for (; i + 32 <= length; i += 32)
        {
            s0 = TTerm.Add(s0, x + i, y + i);
            s1 = TTerm.Add(s1, x + i + 8, y + i + 8);
            s2 = TTerm.Add(s2, x + i + 16, y + i + 16);
            s3 = TTerm.Add(s3, x + i + 24, y + i + 24);
        }
        if (i + 8 <= length)
            s0 = TTerm.Add(s0, x + i, y + i);
        if (i + 16 <= length)
            s1 = TTerm.Add(s1, x + i + 8, y + i + 8);
        if (i + 24 <= length)
            s2 = TTerm.Add(s2, x + i + 16, y + i + 16);
        Vector256<float> eight = s0 + s2 + (s1 + s3);
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        float sum = four[0] + four[2] + (four[1] + four[3]);
        for (i = length & ~(nint)7; i < length; i++)
            sum = TTerm.Add(sum, x[i], y[i]);
        return sum;
    }

    private interface ITerm
    {
        static abstract Vector256<float> Add(Vector256<float> sum, float* x, float* y);

        static abstract float Add(float sum, float x, float y);
    }

    private readonly struct Products : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Add(Vector256<float> sum, float* x, float* y) =>
            Vector256.FusedMultiplyAdd(Vector256.Load(x), Vector256.Load(y), sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float Add(float sum, float x, float y) => MathF.FusedMultiplyAdd(x, y, sum);
    }

    private readonly struct Values : ITerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Add(Vector256<float> sum, float* x, float* y) => sum + Vector256.Load(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static float Add(float sum, float x, float y) => sum + x;
    }
}
