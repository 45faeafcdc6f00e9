using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

internal interface IShuffle
{
    /// <returns>The lane to take from, and whether it is within the segment.</returns>
    static abstract (int Lane, bool Within) From(int lane, uint b, uint clamp, uint segment);
}

internal readonly struct ByXor : IShuffle
{
    public static (int Lane, bool Within) From(int lane, uint b, uint clamp, uint segment)
    {
        int from = lane ^ (int)b;
        return (from, from <= (int)((uint)lane & segment | clamp & ~segment));
    }
}

internal readonly struct Down : IShuffle
{
    public static (int Lane, bool Within) From(int lane, uint b, uint clamp, uint segment)
    {
        int from = lane + (int)b;
        return (from, from <= (int)((uint)lane & segment | clamp & ~segment));
    }
}

internal readonly struct Up : IShuffle
{
    public static (int Lane, bool Within) From(int lane, uint b, uint clamp, uint segment)
    {
        int from = lane - (int)b;
        return (from, from >= (int)((uint)lane & segment | clamp & ~segment));
    }
}

internal readonly struct ByIndex : IShuffle
{
    public static (int Lane, bool Within) From(int lane, uint b, uint clamp, uint segment)
    {
        int from = (int)((uint)lane & segment | b & ~segment);
        return (from, from <= (int)((uint)lane & segment | clamp & ~segment));
    }
}

/// <summary>
/// PTX ISA 8.0, "Data Movement and Conversion Instructions: shfl.sync": c holds the clamp in bits 0–4 and the segment mask in bits 8–12; a
/// lane whose source is outside of its segment keeps its own value; a source that does not take part is undefined, and so is a thread that
/// is not in its own member mask.
/// </summary>
internal static unsafe class Shuffles
{
    public static void Exchange<TMode>(Warp warp, Instruction* i) where TMode : IShuffle
    {
        uint members = (uint)i->Immediate & warp.All;
        if ((warp.Active & members) != warp.Active || warp.Active != members)
        {
            throw warp.Fault(PtxFaultKind.Convergence, i, System.Numerics.BitOperations.TrailingZeroCount(warp.Active),
                $"shfl.sync names the lanes {members:x8}, but {warp.Active:x8} execute it");
        }

        uint* d = warp.Register<uint>(i->Operand[0]), a = warp.Register<uint>(i->Operand[1]);
        uint* b = warp.Register<uint>(i->Operand[2]), c = warp.Register<uint>(i->Operand[3]);
        uint* values = stackalloc uint[RegisterFile.Lanes];
        new ReadOnlySpan<uint>(a, RegisterFile.Lanes).CopyTo(new Span<uint>(values, RegisterFile.Lanes));
        uint* results = stackalloc uint[RegisterFile.Lanes];
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) == 0)
                continue;
            (int from, bool within) = TMode.From(lane, b[lane] & 31, c[lane] & 31, c[lane] >> 8 & 31);
            if (within && (members >> from & 1) == 0)
                throw warp.Fault(PtxFaultKind.Convergence, i, lane, $"shfl.sync takes from lane {from}, which does not execute it");
            results[lane] = values[within ? from : lane];
        }

        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) != 0)
                d[lane] = results[lane];
        }
    }
}
