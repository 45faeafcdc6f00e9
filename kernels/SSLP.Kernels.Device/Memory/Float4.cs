using System.Runtime.InteropServices;
using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Four floats that are loaded and stored at once: 16 bytes, aligned to 16. A row of D floats is D/4 of these, D a multiple of
/// 16.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 16)]
public struct Float4
{
    public float X, Y, Z, W;

    /// <summary>sum + factor · value, each component rounded once.</summary>
    public static Float4 MultiplyAdd(float factor, Float4 value, Float4 sum)
    {
        Float4 result;
        result.X = DeviceMath.MultiplyAdd(factor, value.X, sum.X);
        result.Y = DeviceMath.MultiplyAdd(factor, value.Y, sum.Y);
        result.Z = DeviceMath.MultiplyAdd(factor, value.Z, sum.Z);
        result.W = DeviceMath.MultiplyAdd(factor, value.W, sum.W);
        return result;
    }

    public static Float4 Add(Float4 a, Float4 b)
    {
        Float4 result;
        result.X = a.X + b.X;
        result.Y = a.Y + b.Y;
        result.Z = a.Z + b.Z;
        result.W = a.W + b.W;
        return result;
    }

    public static Float4 Scale(Float4 value, float factor)
    {
        Float4 result;
        result.X = value.X * factor;
        result.Y = value.Y * factor;
        result.Z = value.Z * factor;
        result.W = value.W * factor;
        return result;
    }

    /// <summary>
    /// ⟨a, b⟩ of two rows by one thread: a single chain of fused multiply-adds in ascending d, the same as <see cref="ScoreTile"/>'s, so
    /// that a score found again here has the same bits.
    /// </summary>
    public static float Dot(ArrayView<Float4> a, long rowA, ArrayView<Float4> b, long rowB, int strideQuads)
    {
        float sum = 0f;
        for (int d = 0; d < strideQuads; d++)
        {
            Float4 x = a[rowA * strideQuads + d], y = b[rowB * strideQuads + d];
            sum = DeviceMath.MultiplyAdd(x.X, y.X, sum);
            sum = DeviceMath.MultiplyAdd(x.Y, y.Y, sum);
            sum = DeviceMath.MultiplyAdd(x.Z, y.Z, sum);
            sum = DeviceMath.MultiplyAdd(x.W, y.W, sum);
        }

        return sum;
    }
}
