using System.Runtime.CompilerServices;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Memory;

/// <summary>Addresses of lanes: where their bytes are, and their words' history. PTX ISA 8.0, "Data Movement and Conversion Instructions":
/// an access is aligned to its whole size; one that is not is undefined.</summary>
internal static unsafe class Access
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(Warp warp, Instruction* i, int lane) =>
        (ulong)i->Immediate + (i->NarrowAddress ? warp.Register<uint>(i->Operand[0])[lane] : warp.Register<ulong>(i->Operand[0])[lane]);

    /// <summary>The bytes at a global address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Global(Warp warp, Instruction* i, int lane, ulong address, int bytes, out ulong* cells) =>
        Global(warp, i, lane, address, bytes, aligned: true, out cells);

    /// <inheritdoc cref="Global(Warp, Instruction*, int, ulong, int, out ulong*)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Global(Warp warp, Instruction* i, int lane, ulong address, int bytes, bool aligned, out ulong* cells)
    {
        Allocation[] allocations = warp.Launch.Allocations;
        if ((uint)i->Allocation >= (uint)allocations.Length || !allocations[i->Allocation].Holds(address, (ulong)bytes))
            i->Allocation = Locate(warp, i, lane, address, bytes);
        if (aligned && (address & (uint)(bytes - 1)) != 0)
            throw Misaligned(warp, i, lane, address, bytes);
        cells = allocations[i->Allocation].Cells + (address - allocations[i->Allocation].Start) / 4;
        return (byte*)address;
    }

    /// <summary>The bytes at an address of the block's shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Shared(Warp warp, Instruction* i, int lane, ulong address, int bytes, out ulong* cells)
    {
        BlockMemory shared = warp.Launch.Shared;
        if (address >= (ulong)shared.Size || address + (ulong)bytes > (ulong)shared.Size)
        {
            throw warp.Fault(PtxFaultKind.Address, i, lane,
                $"uses {bytes} bytes at shared address {(long)address}, outside of the block's {warp.Launch.Program.Shared.DeclaredBytes}");
        }

        if ((address & (uint)(bytes - 1)) != 0)
            throw Misaligned(warp, i, lane, address, bytes);
        cells = shared.Cells + address / 4;
        return shared.Bytes + address;
    }

    private static int Locate(Warp warp, Instruction* i, int lane, ulong address, int bytes)
    {
        int found = warp.Launch.Memory.Find(address, (ulong)bytes);
        return found >= 0 ? found
            : throw warp.Fault(PtxFaultKind.Address, i, lane,
                $"uses {bytes} bytes at {warp.Launch.Memory.Describe(address)}: outside of every allocation");
    }

    private static PtxFaultException Misaligned(Warp warp, Instruction* i, int lane, ulong address, int bytes) =>
        warp.Fault(PtxFaultKind.Alignment, i, lane, $"uses {bytes} bytes at address 0x{address:x}, which is not a multiple of {bytes}");
}
