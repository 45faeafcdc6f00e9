using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

internal interface IUnary<T>
{
    static abstract Vector256<T> Of(Vector256<T> a);
}

internal interface IBinary<T>
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b);
}

internal interface ITernary<T>
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c);
}

/// <summary>A result and a source of any two widths, or two sources, one lane at a time.</summary>
internal interface IMap<TFrom, TTo>
{
    static abstract TTo Of(TFrom a);
}

internal interface IMap2<TA, TB, TTo>
{
    static abstract TTo Of(TA a, TB b);
}

/// <summary>Operations from registers to registers for the active lanes of a warp, eight or four lanes at once where they have a vector
/// form.</summary>
internal static unsafe class Lanes
{
    private const int Count = RegisterFile.Lanes;

    public static void Unary<T, TOperation>(Warp warp, Instruction* i) where T : unmanaged where TOperation : IUnary<T>
    {
        T* d = warp.Register<T>(i->Operand[0]), a = warp.Register<T>(i->Operand[1]);
        for (int k = 0; k < Count; k += Vector256<T>.Count)
            Put(d + k, TOperation.Of(Vector256.Load(a + k)), warp.Active, k);
    }

    public static void Binary<T, TOperation>(Warp warp, Instruction* i) where T : unmanaged where TOperation : IBinary<T>
    {
        T* d = warp.Register<T>(i->Operand[0]), a = warp.Register<T>(i->Operand[1]), b = warp.Register<T>(i->Operand[2]);
        for (int k = 0; k < Count; k += Vector256<T>.Count)
            Put(d + k, TOperation.Of(Vector256.Load(a + k), Vector256.Load(b + k)), warp.Active, k);
    }

    public static void Ternary<T, TOperation>(Warp warp, Instruction* i) where T : unmanaged where TOperation : ITernary<T>
    {
        T* d = warp.Register<T>(i->Operand[0]), a = warp.Register<T>(i->Operand[1]), b = warp.Register<T>(i->Operand[2]),
            c = warp.Register<T>(i->Operand[3]);
        for (int k = 0; k < Count; k += Vector256<T>.Count)
            Put(d + k, TOperation.Of(Vector256.Load(a + k), Vector256.Load(b + k), Vector256.Load(c + k)), warp.Active, k);
    }

    /// <summary>setp: a bit a lane. The operation answers all ones or all zeros an element.</summary>
    public static void Compare<T, TOperation>(Warp warp, Instruction* i) where T : unmanaged where TOperation : IBinary<T>
    {
        uint* d = warp.Register<uint>(i->Operand[0]);
        T* a = warp.Register<T>(i->Operand[1]), b = warp.Register<T>(i->Operand[2]);
        uint bits = 0;
        for (int k = 0; k < Count; k += Vector256<T>.Count)
            bits |= TOperation.Of(Vector256.Load(a + k), Vector256.Load(b + k)).ExtractMostSignificantBits() << k;
        *d = (*d & ~warp.Active) | (bits & warp.Active);
    }

    /// <summary>selp: PTX ISA 8.0, "Comparison and Selection Instructions: selp".</summary>
    public static void Select<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        T* d = warp.Register<T>(i->Operand[0]), a = warp.Register<T>(i->Operand[1]), b = warp.Register<T>(i->Operand[2]);
        uint chosen = *warp.Register<uint>(i->Operand[3]);
        for (int k = 0; k < Count; k += Vector256<T>.Count)
            Put(d + k, Vector256.ConditionalSelect(Mask<T>(chosen, k), Vector256.Load(a + k), Vector256.Load(b + k)), warp.Active, k);
    }

    public static void Map<TFrom, TTo, TOperation>(Warp warp, Instruction* i)
        where TFrom : unmanaged where TTo : unmanaged where TOperation : IMap<TFrom, TTo>
    {
        byte* d = warp.Register<byte>(i->Operand[0]), a = warp.Register<byte>(i->Operand[1]);
        uint active = warp.Active;
        for (int lane = 0; lane < Count; lane++)
        {
            if ((active >> lane & 1) != 0)
                *(TTo*)(d + lane * Step<TTo>()) = TOperation.Of(*(TFrom*)(a + lane * Step<TFrom>()));
        }
    }

    public static void Map2<TA, TB, TTo, TOperation>(Warp warp, Instruction* i)
        where TA : unmanaged where TB : unmanaged where TTo : unmanaged where TOperation : IMap2<TA, TB, TTo>
    {
        byte* d = warp.Register<byte>(i->Operand[0]), a = warp.Register<byte>(i->Operand[1]), b = warp.Register<byte>(i->Operand[2]);
        uint active = warp.Active;
        for (int lane = 0; lane < Count; lane++)
        {
            if ((active >> lane & 1) != 0)
                *(TTo*)(d + lane * Step<TTo>()) = TOperation.Of(*(TA*)(a + lane * Step<TA>()), *(TB*)(b + lane * Step<TB>()));
        }
    }

    /// <summary>Predicates, all lanes at once.</summary>
    public static void Predicate<TOperation>(Warp warp, Instruction* i) where TOperation : IMap2<uint, uint, uint>
    {
        uint* d = warp.Register<uint>(i->Operand[0]);
        uint bits = TOperation.Of(*warp.Register<uint>(i->Operand[1]), *warp.Register<uint>(i->Operand[2]));
        *d = (*d & ~warp.Active) | (bits & warp.Active);
    }

    /// <summary>An instruction under @p or @!p: the others' lanes keep what they have.</summary>
    public static void Guarded(Warp warp, Instruction* i)
    {
        uint active = warp.Active, allowed = active & (*warp.Register<uint>(i->Guard) ^ i->GuardFlip);
        if (allowed == 0)
            return;
        warp.Active = allowed;
        i->Unguarded(warp, i);
        warp.Active = active;
    }

    /// <summary>All ones in the elements of the lanes from <paramref name="first"/> on whose bit is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Mask<T>(uint lanes, int first) => Unsafe.SizeOf<T>() == 4
        ? Vector256.Equals(Vector256.Create(lanes >> first) & Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128),
            Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128)).As<uint, T>()
        : Vector256.Equals(Vector256.Create((ulong)(lanes >> first)) & Vector256.Create(1ul, 2, 4, 8), Vector256.Create(1ul, 2, 4, 8))
            .As<ulong, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<T>(T* to, Vector256<T> values, uint active, int first) where T : unmanaged
    {
        if (active != uint.MaxValue)
            values = Vector256.ConditionalSelect(Mask<T>(active, first), values, Vector256.Load(to));
        values.Store(to);
    }

    // A register of fewer than 32 bits has the room of one of 32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Step<T>() where T : unmanaged => Math.Max(sizeof(T), 4);
}
