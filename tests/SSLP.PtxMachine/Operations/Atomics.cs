using System.Numerics;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

internal interface IUpdate<T>
{
    static abstract T Of(T old, T b, T c);
}

/// <summary>
/// atom and red: one lane after the other, in the machine's order. PTX ISA 8.0, "Parallel Synchronization and Communication Instructions:
/// atom, red". Without a qualifier they are relaxed: they order no other access.
/// </summary>
internal static unsafe class Atomics
{
    /// <summary>A <c>delegate*&lt;Warp, Instruction*, void&gt;</c>, or 0.</summary>
    public static nint Find(string operation, string type, bool inShared) => type switch
    {
        "u32" or "b32" => Integer<uint>(operation, inShared),
        "s32" => Integer<int>(operation, inShared),
        "u64" or "b64" => Integer<ulong>(operation, inShared),
        "s64" => Integer<long>(operation, inShared),
        "f32" when operation == "add" => Pick<float, SumFloat<float>>(inShared),
        "f64" when operation == "add" => Pick<double, SumFloat<double>>(inShared),
        _ => 0,
    };

    private static nint Integer<T>(string operation, bool inShared) where T : unmanaged, IBinaryInteger<T> => operation switch
    {
        "add" => Pick<T, Sum<T>>(inShared),
        "min" => Pick<T, Least<T>>(inShared),
        "max" => Pick<T, Most<T>>(inShared),
        "and" => Pick<T, AllBits<T>>(inShared),
        "or" => Pick<T, AnyBits<T>>(inShared),
        "xor" => Pick<T, OddBits<T>>(inShared),
        "exch" => Pick<T, Exchange<T>>(inShared),
        "cas" => Pick<T, CompareAndSwap<T>>(inShared),
        _ => 0,
    };

    private static nint Pick<T, TUpdate>(bool inShared) where T : unmanaged where TUpdate : IUpdate<T>
    {
        delegate*<Warp, Instruction*, void> handler = inShared ? &Shared<T, TUpdate> : &Global<T, TUpdate>;
        return (nint)handler;
    }

    private static void Global<T, TUpdate>(Warp warp, Instruction* i) where T : unmanaged where TUpdate : IUpdate<T>
    {
        warp.Launch.Traffic?.Global(warp, i, sizeof(T));
        for (int k = 0; k < RegisterFile.Lanes; k++)
        {
            int lane = warp.Launch.Options.Order == ExecutionOrder.Forward ? k : RegisterFile.Lanes - 1 - k;
            if ((warp.Active >> lane & 1) == 0)
                continue;
            byte* at = Access.Global(warp, i, lane, Access.Address(warp, i, lane), sizeof(T), out ulong* cells);
            for (int w = 0; w < sizeof(T) / 4; w++)
                History.Update(warp, i, lane, cells + w, warp.Launch.GlobalOrder);
            Change<T, TUpdate>((T*)at, warp, i, lane);
        }
    }

    private static void Shared<T, TUpdate>(Warp warp, Instruction* i) where T : unmanaged where TUpdate : IUpdate<T>
    {
        warp.Launch.Traffic?.Shared(warp, i, sizeof(T));
        for (int k = 0; k < RegisterFile.Lanes; k++)
        {
            int lane = warp.Launch.Options.Order == ExecutionOrder.Forward ? k : RegisterFile.Lanes - 1 - k;
            if ((warp.Active >> lane & 1) == 0)
                continue;
            byte* at = Access.Shared(warp, i, lane, Access.Address(warp, i, lane), sizeof(T), out ulong* cells);
            for (int w = 0; w < sizeof(T) / 4; w++)
                History.Update(warp, i, lane, cells + w, warp.Launch.SharedOrder);
            Change<T, TUpdate>((T*)at, warp, i, lane);
        }
    }

    private static void Change<T, TUpdate>(T* at, Warp warp, Instruction* i, int lane) where T : unmanaged where TUpdate : IUpdate<T>
    {
        T old = *at, c = i->Operand[3] >= 0 ? warp.Register<T>(i->Operand[3])[lane] : default;
        *at = TUpdate.Of(old, warp.Register<T>(i->Operand[2])[lane], c);
        if (i->Operand[1] >= 0)
            warp.Register<T>(i->Operand[1])[lane] = old;
    }

    private readonly struct Sum<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => unchecked(old + b);
    }

    private readonly struct SumFloat<T> : IUpdate<T> where T : IFloatingPoint<T>
    {
        public static T Of(T old, T b, T c) => old + b;
    }

    private readonly struct Least<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => T.Min(old, b);
    }

    private readonly struct Most<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => T.Max(old, b);
    }

    private readonly struct AllBits<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => old & b;
    }

    private readonly struct AnyBits<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => old | b;
    }

    private readonly struct OddBits<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => old ^ b;
    }

    private readonly struct Exchange<T> : IUpdate<T>
    {
        public static T Of(T old, T b, T c) => b;
    }

    private readonly struct CompareAndSwap<T> : IUpdate<T> where T : IBinaryInteger<T>
    {
        public static T Of(T old, T b, T c) => old == b ? c : old;
    }
}
