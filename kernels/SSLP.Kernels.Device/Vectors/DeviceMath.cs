using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace SSLP.Kernels.Device;

/// <summary>Scalar functions of the device code. The same operations in the same order on every device that rounds as IEEE 754
/// does.</summary>
public static class DeviceMath
{
    /// <summary>Whole warps; every kernel's group has this many threads but for those that say otherwise.</summary>
    public const int GroupSize = 256;

    private const float Log2E = 1.44269502f, Log2ELow = 1.92596299e-8f, Ln2 = 0.693147181f;

    /// <summary>a·b + c, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c)
    {
        if (!CudaAsm.IsSupported)
            return (float)((double)a * b + c);  // the product is exact; of 2²⁹ sums one may round twice
        CudaAsm.Emit("fma.rn.f32 %0, %1, %2, %3;", out float result, a, b, c);
        return result;
    }

    /// <summary>The larger of two; NaN where one is, which a device's plain maximum drops.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(float a, float b)
    {
        if (!CudaAsm.IsSupported)
            return a > b || IsNaN(a) ? a : b;
        CudaAsm.Emit("max.NaN.f32 %0, %1, %2;", out float result, a, b);
        return result;
    }

    /// <summary>The smaller of two; NaN where one is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Min(float a, float b)
    {
        if (!CudaAsm.IsSupported)
            return a < b || IsNaN(a) ? a : b;
        CudaAsm.Emit("min.NaN.f32 %0, %1, %2;", out float result, a, b);
        return result;
    }

    /// <summary>Whether a value is neither NaN nor infinite.</summary>
    public static bool IsFinite(float value) => (Interop.FloatAsInt(value) & 0x7F800000u) != 0x7F800000u;

    // By its bits: ILGPU's own test is an instruction of its own.
    private static bool IsNaN(float value) => (Interop.FloatAsInt(value) & 0x7FFFFFFFu) > 0x7F800000u;

    /// <summary>eˣ to about 2·2⁻²⁴ relative; 0 below −87, clamped above 88, NaN of a NaN.</summary>
    public static float Exp(float x)
    {
        if (x < -87f)
            return 0f;
        x = Min(x, 88f);
        float n = MathF.Floor(MultiplyAdd(x, Log2E, 0.5f));
        float f = MultiplyAdd(x, Log2ELow, MultiplyAdd(x, Log2E, -n));
        // 2^f on [−½, ½]: Taylor in f·ln 2, the first term left out is below 2⁻²⁷.
        float p = 1.53527369e-5f;
        p = MultiplyAdd(p, f, 1.54035304e-4f);
        p = MultiplyAdd(p, f, 1.33335581e-3f);
        p = MultiplyAdd(p, f, 9.61812911e-3f);
        p = MultiplyAdd(p, f, 5.55041087e-2f);
        p = MultiplyAdd(p, f, 0.240226507f);
        p = MultiplyAdd(p, f, 0.693147181f);
        p = MultiplyAdd(p, f, 1f);
        return p * Interop.IntAsFloat((uint)(((int)n + 127) << 23));
    }

    /// <summary>ln x for normal positive x, to about 2⁻²² of the larger of 1 and the result; NaN of a NaN.</summary>
    public static float Log(float x)
    {
        int bits = (int)Interop.FloatAsInt(x);
        int exponent = ((bits - 0x3F3504F3) >> 23);  // √½: the mantissa lands in [√½, √2)
        float mantissa = Interop.IntAsFloat((uint)(bits - (exponent << 23)));
        float s = (mantissa - 1f) / (mantissa + 1f), s2 = s * s;
        float p = MultiplyAdd(s2, MultiplyAdd(s2, MultiplyAdd(s2, MultiplyAdd(s2, 2f / 9f, 2f / 7f), 2f / 5f), 2f / 3f), 2f);
        return IsNaN(x) ? x : MultiplyAdd(exponent, Ln2, p * s);
    }

    /// <summary>ln(1 + eˣ).</summary>
    public static float SoftPlus(float x) => Max(x, 0f) + Log(1f + Exp(-IntrinsicMath.Abs(x)));

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public static float Logistic(float x)
    {
        float e = Exp(-IntrinsicMath.Abs(x));
        return x >= 0f ? 1f / (1f + e) : e / (1f + e);
    }

    /// <summary>
    /// A similarity and a bank row as one number whose descending order is: larger similarity first, then lower row; the two zeros tie.
    /// The same numbers as the CPU's ranked keys.
    /// </summary>
    public static ulong RankedKey(float similarity, int row)
    {
        uint bits = Interop.FloatAsInt(similarity);
        bits = bits == 0x80000000u ? 0u : bits;  // as similarity + 0f, which ILGPU folds away
        uint ordered = (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
        return ((ulong)ordered << 32) | ~(uint)row;
    }

    /// <summary>The next larger number; NaN, which nothing reaches, of infinity.</summary>
    public static float Above(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        bits = bits == 0x80000000u ? 0u : bits;
        return Interop.IntAsFloat((bits & 0x80000000u) != 0u ? bits - 1 : bits + 1);
    }

    public static int RowOf(ulong key) => (int)~(uint)key;

    public static float SimilarityOf(ulong key)
    {
        uint ordered = (uint)(key >> 32);
        return Interop.IntAsFloat((ordered & 0x80000000u) != 0u ? ordered & 0x7FFFFFFFu : ~ordered);
    }
}
