using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

/// <summary>ld.param: the same value in every lane.</summary>
internal static unsafe class Parameters
{
    public static void Load<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        T value = *(T*)(warp.Launch.Parameters + i->Immediate);
        T* d = warp.Register<T>(i->Operand[0]);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) != 0)
                d[lane] = value;
        }
    }
}

/// <summary>ld: one to four elements a lane, 16 bytes at most. Elements below 32 bits are extended by their type.</summary>
internal static unsafe class Loads
{
    public static void Global<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        warp.Launch.Traffic?.Global(warp, i, sizeof(T) * i->Count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) != 0)
                FromGlobal<T>(warp, i, lane, Access.Address(warp, i, lane));
        }
    }

    public static void Shared<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        warp.Launch.Traffic?.Shared(warp, i, sizeof(T) * i->Count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) != 0)
                FromShared<T>(warp, i, lane, Access.Address(warp, i, lane));
        }
    }

    /// <summary>Each lane's address says where it is.</summary>
    public static void Generic<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        warp.Launch.Traffic?.Generic(warp, i, sizeof(T) * i->Count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) == 0)
                continue;
            ulong address = Access.Address(warp, i, lane);
            if (address >= BlockMemory.GenericBase)
                FromShared<T>(warp, i, lane, address - BlockMemory.GenericBase);
            else
                FromGlobal<T>(warp, i, lane, address);
        }
    }

    private static void FromGlobal<T>(Warp warp, Instruction* i, int lane, ulong address) where T : unmanaged
    {
        int bytes = sizeof(T) * i->Count;
        byte* source = Access.Global(warp, i, lane, address, bytes, out ulong* cells);
        for (int w = 0; w < (bytes + 3) / 4; w++)
            History.Read(warp, i, lane, cells + w, warp.Launch.GlobalOrder);
        Take((T*)source, warp, i, lane);
    }

    private static void FromShared<T>(Warp warp, Instruction* i, int lane, ulong address) where T : unmanaged
    {
        int bytes = sizeof(T) * i->Count;
        byte* source = Access.Shared(warp, i, lane, address, bytes, out ulong* cells);
        for (int w = 0; w < (bytes + 3) / 4; w++)
            History.Read(warp, i, lane, cells + w, warp.Launch.SharedOrder);
        Take((T*)source, warp, i, lane);
    }

    private static void Take<T>(T* source, Warp warp, Instruction* i, int lane) where T : unmanaged
    {
        for (int e = 0; e < i->Count; e++)
        {
            if (sizeof(T) == 8)
                warp.Register<ulong>(i->Operand[1 + e])[lane] = ((ulong*)source)[e];
            else
                warp.Register<uint>(i->Operand[1 + e])[lane] = Widened(source[e]);
        }
    }

    private static uint Widened<T>(T value) where T : unmanaged =>
        typeof(T) == typeof(byte) ? (byte)(object)value
        : typeof(T) == typeof(sbyte) ? (uint)(sbyte)(object)value
        : typeof(T) == typeof(ushort) ? (ushort)(object)value
        : typeof(T) == typeof(short) ? (uint)(short)(object)value
        : (uint)(object)value;
}

/// <summary>st: one to four elements a lane, 16 bytes at most; of a wider register the low bytes.</summary>
internal static unsafe class Stores
{
    public static void Global<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        warp.Launch.Traffic?.Global(warp, i, sizeof(T) * i->Count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) != 0)
                ToGlobal<T>(warp, i, lane, Access.Address(warp, i, lane));
        }
    }

    public static void Shared<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        warp.Launch.Traffic?.Shared(warp, i, sizeof(T) * i->Count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) != 0)
                ToShared<T>(warp, i, lane, Access.Address(warp, i, lane));
        }
    }

    public static void Generic<T>(Warp warp, Instruction* i) where T : unmanaged
    {
        warp.Launch.Traffic?.Generic(warp, i, sizeof(T) * i->Count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) == 0)
                continue;
            ulong address = Access.Address(warp, i, lane);
            if (address >= BlockMemory.GenericBase)
                ToShared<T>(warp, i, lane, address - BlockMemory.GenericBase);
            else
                ToGlobal<T>(warp, i, lane, address);
        }
    }

    private static void ToGlobal<T>(Warp warp, Instruction* i, int lane, ulong address) where T : unmanaged
    {
        int bytes = sizeof(T) * i->Count;
        byte* to = Access.Global(warp, i, lane, address, bytes, out ulong* cells);
        Note<T>(warp, i, lane, cells, bytes, warp.Launch.GlobalOrder);
        Give((T*)to, warp, i, lane);
    }

    private static void ToShared<T>(Warp warp, Instruction* i, int lane, ulong address) where T : unmanaged
    {
        int bytes = sizeof(T) * i->Count;
        byte* to = Access.Shared(warp, i, lane, address, bytes, out ulong* cells);
        Note<T>(warp, i, lane, cells, bytes, warp.Launch.SharedOrder);
        Give((T*)to, warp, i, lane);
    }

    private static void Note<T>(Warp warp, Instruction* i, int lane, ulong* cells, int bytes, in Order order) where T : unmanaged
    {
        // Threads that write bytes of one word are not told apart: the word counts as written, and nobody is accused.
        if (bytes < 4)
        {
            History.WritePart(cells);
            return;
        }

        for (int w = 0; w < bytes / 4; w++)
            History.Write(warp, i, lane, cells + w, order);
    }

    private static void Give<T>(T* to, Warp warp, Instruction* i, int lane) where T : unmanaged
    {
        for (int e = 0; e < i->Count; e++)
            to[e] = sizeof(T) == 8 ? *(T*)(warp.Register<ulong>(i->Operand[1 + e]) + lane)
                : *(T*)(warp.Register<uint>(i->Operand[1 + e]) + lane);
    }
}
