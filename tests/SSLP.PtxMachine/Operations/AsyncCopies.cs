using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

/// <summary>cp.async and what orders it; see <see cref="PendingCopies"/>.</summary>
internal static unsafe class AsyncCopies
{
    /// <summary>Reads the source now and makes the destination's words unreadable until the wait. Bytes beyond src-size are
    /// zeros.</summary>
    public static void Copy(Warp warp, Instruction* i)
    {
        int count = i->Count;
        ulong* from = warp.Register<ulong>(i->Operand[1]);
        uint* sizes = warp.Register<uint>(i->Operand[2]);
        warp.Launch.Traffic?.Copy(warp, i, count);
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((warp.Active >> lane & 1) == 0)
                continue;
            int size = (int)sizes[lane];
            if (size < 0 || size > count)
                throw warp.Fault(PtxFaultKind.Address, i, lane, $"copies {size} of {count} bytes");
            if ((from[lane] & (uint)(count - 1)) != 0)
                throw warp.Fault(PtxFaultKind.Alignment, i, lane,
                    $"copies {count} bytes from address 0x{from[lane]:x}, which is not a multiple of {count}");
            UInt128 bytes = 0;
            if (size > 0)
            {
                byte* source = Access.Global(warp, i, lane, from[lane], size, aligned: false, out ulong* read);
                for (int w = 0; w < (size + 3) / 4; w++)
                    History.Read(warp, i, lane, read + w, warp.Launch.GlobalOrder);
                new ReadOnlySpan<byte>(source, size).CopyTo(new Span<byte>(&bytes, sizeof(UInt128)));
            }

            ulong to = Access.Address(warp, i, lane);
            Access.Shared(warp, i, lane, to, count, out ulong* written);
            for (int w = 0; w < count / 4; w++)
                History.BeginCopy(warp, i, lane, written + w, warp.Launch.SharedOrder);
            warp.Copies.Add(lane, i->Line, (int)to, bytes, count);
        }
    }

    public static void Commit(Warp warp, Instruction* i) => warp.Copies.Commit(warp.Active);

    /// <summary>wait_group N: all but the latest N groups are done.</summary>
    public static void Wait(Warp warp, Instruction* i) => warp.Copies.Wait(warp, i->Immediate);

    public static void WaitAll(Warp warp, Instruction* i)
    {
        warp.Copies.Commit(warp.Active);
        warp.Copies.Wait(warp, 0);
    }
}
