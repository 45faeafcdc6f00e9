using System.Runtime.Intrinsics;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

// PTX ISA 8.0, "Data Movement and Conversion Instructions: cvt". Integers are extended by their own sign and cut to the destination's
// width. Floats to integers are rounded by .rni, .rzi, .rmi, .rpi and clamped to the destination's range; NaN becomes 0 where neither side
// is 64 bits wide, else the integer with the top bit alone.

/// <summary>Integers of one width to another; the sign is the source's.</summary>
internal readonly struct Resize : IMap<byte, int>, IMap<sbyte, int>, IMap<ushort, int>, IMap<short, int>, IMap<byte, long>,
    IMap<ushort, long>
{
    static int IMap<byte, int>.Of(byte a) => a;

    static int IMap<sbyte, int>.Of(sbyte a) => a;

    static int IMap<ushort, int>.Of(ushort a) => a;

    static int IMap<short, int>.Of(short a) => a;

    static long IMap<byte, long>.Of(byte a) => a;

    static long IMap<ushort, long>.Of(ushort a) => a;
}

/// <summary>To the nearest even integer; towards 0; down; up.</summary>
internal readonly struct RoundNearest : IUnary<float>, IUnary<double>, IRounding
{
    public static Vector256<float> Of(Vector256<float> a) => Canonical.Of(Vector256.Round(a));

    public static Vector256<double> Of(Vector256<double> a) => Vector256.Round(a);

    public static double Round(double value) => Math.Round(value, MidpointRounding.ToEven);
}

internal readonly struct RoundToZero : IUnary<float>, IUnary<double>, IRounding
{
    public static Vector256<float> Of(Vector256<float> a) => Canonical.Of(Vector256.Truncate(a));

    public static Vector256<double> Of(Vector256<double> a) => Vector256.Truncate(a);

    public static double Round(double value) => Math.Truncate(value);
}

internal readonly struct RoundDown : IUnary<float>, IUnary<double>, IRounding
{
    public static Vector256<float> Of(Vector256<float> a) => Canonical.Of(Vector256.Floor(a));

    public static Vector256<double> Of(Vector256<double> a) => Vector256.Floor(a);

    public static double Round(double value) => Math.Floor(value);
}

internal readonly struct RoundUp : IUnary<float>, IUnary<double>, IRounding
{
    public static Vector256<float> Of(Vector256<float> a) => Canonical.Of(Vector256.Ceiling(a));

    public static Vector256<double> Of(Vector256<double> a) => Vector256.Ceiling(a);

    public static double Round(double value) => Math.Ceiling(value);
}

internal interface IRounding
{
    static abstract double Round(double value);
}

internal readonly struct ToInteger<TRounding> :
    IMap<float, int>, IMap<float, uint>, IMap<float, long>, IMap<float, ulong>, IMap<double, int>, IMap<double, uint>, IMap<double, long>,
        IMap<double, ulong>
    where TRounding : IRounding
{
    // The casts clamp, and give 0 for NaN.
    static int IMap<float, int>.Of(float a) => (int)TRounding.Round(a);

    static uint IMap<float, uint>.Of(float a) => (uint)TRounding.Round(a);

    static long IMap<float, long>.Of(float a) => float.IsNaN(a) ? long.MinValue : (long)TRounding.Round(a);

    static ulong IMap<float, ulong>.Of(float a) => float.IsNaN(a) ? 1ul << 63 : (ulong)TRounding.Round(a);

    static int IMap<double, int>.Of(double a) => double.IsNaN(a) ? int.MinValue : (int)TRounding.Round(a);

    static uint IMap<double, uint>.Of(double a) => double.IsNaN(a) ? 1u << 31 : (uint)TRounding.Round(a);

    static long IMap<double, long>.Of(double a) => double.IsNaN(a) ? long.MinValue : (long)TRounding.Round(a);

    static ulong IMap<double, ulong>.Of(double a) => double.IsNaN(a) ? 1ul << 63 : (ulong)TRounding.Round(a);
}

/// <summary>.rn: to the nearest even float.</summary>
internal readonly struct ToFloat :
    IMap<int, float>, IMap<uint, float>, IMap<long, float>, IMap<ulong, float>, IMap<int, double>, IMap<uint, double>, IMap<long, double>,
        IMap<ulong, double>,
    IMap<float, double>, IMap<double, float>
{
    static float IMap<int, float>.Of(int a) => a;

    static float IMap<uint, float>.Of(uint a) => a;

    static float IMap<long, float>.Of(long a) => a;

    static float IMap<ulong, float>.Of(ulong a) => a;

    static double IMap<int, double>.Of(int a) => a;

    static double IMap<uint, double>.Of(uint a) => a;

    static double IMap<long, double>.Of(long a) => a;

    static double IMap<ulong, double>.Of(ulong a) => a;

    static double IMap<float, double>.Of(float a) => a;

    static float IMap<double, float>.Of(double a) => double.IsNaN(a) ? BitConverter.UInt32BitsToSingle(0x7fffffff) : (float)a;
}

/// <summary>Integers of 32 and 64 bits into each other, eight at once: most conversions of an index are these.</summary>
internal static unsafe class Widths
{
    public static void Extend(Warp warp, Instruction* i)
    {
        long* d = warp.Register<long>(i->Operand[0]);
        int* a = warp.Register<int>(i->Operand[1]);
        for (int k = 0; k < RegisterFile.Lanes; k += 8)
        {
            (Vector256<long> low, Vector256<long> high) = Vector256.Widen(Vector256.Load(a + k));
            Lanes.Put(d + k, low, warp.Active, k);
            Lanes.Put(d + k + 4, high, warp.Active, k + 4);
        }
    }

    public static void ExtendUnsigned(Warp warp, Instruction* i)
    {
        ulong* d = warp.Register<ulong>(i->Operand[0]);
        uint* a = warp.Register<uint>(i->Operand[1]);
        for (int k = 0; k < RegisterFile.Lanes; k += 8)
        {
            (Vector256<ulong> low, Vector256<ulong> high) = Vector256.Widen(Vector256.Load(a + k));
            Lanes.Put(d + k, low, warp.Active, k);
            Lanes.Put(d + k + 4, high, warp.Active, k + 4);
        }
    }

    /// <summary>mul.wide.u32.</summary>
    public static void MultiplyUnsigned(Warp warp, Instruction* i)
    {
        ulong* d = warp.Register<ulong>(i->Operand[0]);
        uint* a = warp.Register<uint>(i->Operand[1]), b = warp.Register<uint>(i->Operand[2]);
        for (int k = 0; k < RegisterFile.Lanes; k += 8)
        {
            (Vector256<ulong> lowA, Vector256<ulong> highA) = Vector256.Widen(Vector256.Load(a + k));
            (Vector256<ulong> lowB, Vector256<ulong> highB) = Vector256.Widen(Vector256.Load(b + k));
            Lanes.Put(d + k, lowA * lowB, warp.Active, k);
            Lanes.Put(d + k + 4, highA * highB, warp.Active, k + 4);
        }
    }

    public static void Cut(Warp warp, Instruction* i)
    {
        uint* d = warp.Register<uint>(i->Operand[0]);
        ulong* a = warp.Register<ulong>(i->Operand[1]);
        for (int k = 0; k < RegisterFile.Lanes; k += 8)
            Lanes.Put(d + k, Vector256.Narrow(Vector256.Load(a + k), Vector256.Load(a + k + 4)), warp.Active, k);
    }
}
