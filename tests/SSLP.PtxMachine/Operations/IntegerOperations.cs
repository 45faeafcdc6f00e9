using System.Numerics;
using System.Runtime.Intrinsics;

namespace SSLP.PtxMachine.Operations;

// PTX ISA 8.0, "Integer Arithmetic Instructions" and "Logic and Shift Instructions". Sums and products keep their low bits; shift amounts
// beyond the width give zeros or signs, not the amount modulo the width.

internal readonly struct Add<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a + b;
}

internal readonly struct Subtract<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a - b;
}

internal readonly struct Multiply<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a * b;
}

internal readonly struct MultiplyAdd<T> : ITernary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c) => a * b + c;
}

internal readonly struct Smaller<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Min(a, b);
}

internal readonly struct Larger<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Max(a, b);
}

internal readonly struct Negate<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => -a;
}

internal readonly struct Magnitude<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => Vector256.Abs(a);
}

internal readonly struct And<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a & b;
}

internal readonly struct Or<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a | b;
}

internal readonly struct Xor<T> : IBinary<T>
{
    public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a ^ b;
}

internal readonly struct Not<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => ~a;
}

internal readonly struct Copy<T> : IUnary<T>
{
    public static Vector256<T> Of(Vector256<T> a) => a;
}

/// <summary>A quotient by zero is unspecified by the ISA; devices give all ones.</summary>
internal readonly struct Quotient<T> : IMap2<T, T, T> where T : IBinaryInteger<T>, IMinMaxValue<T>
{
    public static T Of(T a, T b) => T.IsZero(b) ? ~T.Zero
        : T.IsNegative(b) && ~b == T.Zero ? unchecked(T.Zero - a) : a / b;
}

/// <summary>A remainder has the sign of the dividend. By zero it is unspecified by the ISA; devices give the dividend.</summary>
internal readonly struct Remainder<T> : IMap2<T, T, T> where T : IBinaryInteger<T>, IMinMaxValue<T>
{
    public static T Of(T a, T b) => T.IsZero(b) ? a : T.IsNegative(b) && ~b == T.Zero ? T.Zero : a % b;
}

/// <summary>mul.hi.</summary>
internal readonly struct HighProduct : IMap2<uint, uint, uint>, IMap2<int, int, int>, IMap2<ulong, ulong, ulong>, IMap2<long, long, long>
{
    public static uint Of(uint a, uint b) => (uint)((ulong)a * b >> 32);

    public static int Of(int a, int b) => (int)((long)a * b >> 32);

    public static ulong Of(ulong a, ulong b) => Math.BigMul(a, b, out _);

    public static long Of(long a, long b) => Math.BigMul(a, b, out long _);
}

/// <summary>mul.wide: two 32-bit factors, all 64 bits.</summary>
internal readonly struct WideProduct : IMap2<uint, uint, ulong>, IMap2<int, int, long>
{
    public static ulong Of(uint a, uint b) => (ulong)a * b;

    public static long Of(int a, int b) => (long)a * b;
}

internal readonly struct ShiftLeft : IMap2<uint, uint, uint>, IMap2<ulong, uint, ulong>
{
    public static uint Of(uint a, uint by) => by > 31 ? 0 : a << (int)by;

    public static ulong Of(ulong a, uint by) => by > 63 ? 0 : a << (int)by;
}

/// <summary>Unsigned operands take in zeros, signed ones their sign.</summary>
internal readonly struct ShiftRight : IMap2<uint, uint, uint>, IMap2<ulong, uint, ulong>, IMap2<int, uint, int>, IMap2<long, uint, long>
{
    public static uint Of(uint a, uint by) => by > 31 ? 0 : a >> (int)by;

    public static ulong Of(ulong a, uint by) => by > 63 ? 0 : a >> (int)by;

    public static int Of(int a, uint by) => a >> (int)Math.Min(by, 31);

    public static long Of(long a, uint by) => a >> (int)Math.Min(by, 63);
}

internal readonly struct PopulationCount : IMap<uint, uint>, IMap<ulong, uint>
{
    public static uint Of(uint a) => (uint)BitOperations.PopCount(a);

    public static uint Of(ulong a) => (uint)BitOperations.PopCount(a);
}

internal readonly struct LeadingZeros : IMap<uint, uint>, IMap<ulong, uint>
{
    public static uint Of(uint a) => (uint)BitOperations.LeadingZeroCount(a);

    public static uint Of(ulong a) => (uint)BitOperations.LeadingZeroCount(a);
}

internal readonly struct PredicateAnd : IMap2<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => a & b;
}

internal readonly struct PredicateOr : IMap2<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => a | b;
}

internal readonly struct PredicateXor : IMap2<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => a ^ b;
}

/// <summary>Of one predicate; it is given twice.</summary>
internal readonly struct PredicateNot : IMap2<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => ~a;
}

/// <summary>Of one predicate; it is given twice.</summary>
internal readonly struct PredicateCopy : IMap2<uint, uint, uint>
{
    public static uint Of(uint a, uint b) => a;
}
