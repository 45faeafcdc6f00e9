using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SSLP.PtxMachine.Operations;

// PTX ISA 8.0, "Floating Point Instructions". What they share:
// - add, sub, mul, fma, div, rcp, sqrt with .rn round to nearest even, as the host does; without a rounding add, sub and mul default to it
// and may be
//   contracted to fma: the machine never does.
// - Without .ftz subnormal numbers are supported in f32, always in f64; the host's are on.
// - A NaN result in f32 is the canonical NaN 0x7fffffff; in f64 a source's payload may go through.

internal static class Canonical
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Of<T>(Vector256<T> value)
    {
        if (typeof(T) == typeof(float))
            return Vector256.ConditionalSelect(Vector256.Equals(value, value), value, Vector256.Create(0x7fffffffu).As<uint, T>());
        return value;
    }
}

internal readonly struct AddFloat<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a + b);
}

internal readonly struct SubtractFloat<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a - b);
}

internal readonly struct MultiplyFloat<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a * b);
}

internal readonly struct DivideFloat<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(a / b);
}

/// <summary>The product is not rounded.</summary>
internal readonly struct FusedMultiplyAdd : ITernary<float>, ITernary<double>
{
    public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Canonical.Of(Vector256.FusedMultiplyAdd(a, b, c));

    public static Vector256<double> Of(Vector256<double> a, Vector256<double> b, Vector256<double> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);
}

internal readonly struct Reciprocal : IUnary<float>, IUnary<double>
{
    public static Vector256<float> Of(Vector256<float> a) => Canonical.Of(Vector256<float>.One / a);

    public static Vector256<double> Of(Vector256<double> a) => Vector256<double>.One / a;
}

internal readonly struct SquareRoot<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => Canonical.Of(Vector256.Sqrt(a));
}

/// <summary>"min", "max": of a NaN and a number the number, of two NaN the canonical one; −0 is below +0.</summary>
internal readonly struct SmallerFloat<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(Vector256.MinNumber(a, b));
}

/// <inheritdoc cref="SmallerFloat{T}"/>
internal readonly struct LargerFloat<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(Vector256.MaxNumber(a, b));
}

/// <summary>"min.NaN", "max.NaN": a NaN where one of the sources is one; −0 is below +0.</summary>
internal readonly struct SmallerOrNaN<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(Vector256.Min(a, b));
}

/// <inheritdoc cref="SmallerOrNaN{T}"/>
internal readonly struct LargerOrNaN<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Canonical.Of(Vector256.Max(a, b));
}

/// <summary>Turns the sign bit; of a NaN the ISA leaves open which NaN comes out.</summary>
internal readonly struct NegateFloat<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => -a;
}

/// <summary>Clears the sign bit; of a NaN the ISA leaves open which NaN comes out.</summary>
internal readonly struct MagnitudeFloat<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => Vector256.Abs(a);
}

// PTX ISA 8.0, "Comparison and Selection Instructions: setp" and "Operators": eq, ne, lt, le, gt, ge are false where a source is NaN, equ …
// geu are true.

internal readonly struct Equal<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, b);
}

internal readonly struct Unequal<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~Vector256.Equals(a, b);
}

/// <summary>ne of floats: both are numbers, and they differ.</summary>
internal readonly struct UnequalNumbers<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b) | Vector256.GreaterThan(a, b);
}

internal readonly struct EqualOrNot<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~(Vector256.LessThan(a, b) | Vector256.GreaterThan(a, b));
}

internal readonly struct Less<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b);
}

internal readonly struct LessOrEqual<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThanOrEqual(a, b);
}

internal readonly struct Greater<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThan(a, b);
}

internal readonly struct GreaterOrEqual<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThanOrEqual(a, b);
}

/// <summary>The opposite of a comparison: ltu is not ge, and so on.</summary>
internal readonly struct Opposite<T, TOperation> : IBinary<T> where TOperation : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~TOperation.Of(a, b);
}

/// <summary>num: both are numbers.</summary>
internal readonly struct BothNumbers<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, a) & Vector256.Equals(b, b);
}
