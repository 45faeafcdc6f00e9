using System.Runtime.CompilerServices;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Memory;

/// <summary>
/// Who last wrote and who read a word: 8 bytes a word, the writer's tag below, the reader's above. A tag is (number · 32 + lane) · 4 +
/// flags; numbers are given to (block, interval between barriers, warp) in rising order over all launches, so that an order of tags is an
/// order in time and comparisons tell who is ordered before whom: an earlier launch, an earlier interval of the same block, and nobody else
/// but the thread itself. PTX ISA 8.0, "Memory Consistency Model": morally strong or not, two accesses of which one is a plain write race
/// unless one happens before the other.
/// </summary>
internal static unsafe class History
{
    /// <summary>The host, a copy or a fill wrote the word: lane 1 of a warp that never is.</summary>
    public const uint HostWriter = 4;

    /// <summary>Writers from here on are no threads: cp.async is still writing the word.</summary>
    public const uint InFlight = 0x7E000000;

    /// <summary>The word is between a block's variables.</summary>
    public const uint NoVariable = 0x7F000000;

    /// <summary>Numbers stay below this.</summary>
    public const uint MaxNumber = InFlight >> TagShift;

    public const int TagShift = 7;
    private const int LaneShift = 2;
    private const uint Flags = 3;

    // Of a writer: plain, an atomic, atomics of several threads.
    private const uint Atomic = 1, SeveralAtomics = 2;

    // Of a reader: other threads of the interval read, too; so did another block of the launch.
    private const uint Several = 1, OtherBlock = 2;

    /// <summary>A plain read of a word by a lane of a warp.</summary>
    /// <param name="order">What is ordered before the warp, in the memory that the cell is of.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(Warp warp, Instruction* i, int lane, ulong* cell, in Order order)
    {
        uint writer = (uint)*cell, tag = warp.Tag | (uint)lane << LaneShift;
        if (!order.IsBefore(writer))
            CheckRead(warp, i, lane, writer, tag, order);
        *cell = writer | (ulong)NextReader((uint)(*cell >> 32), tag, order) << 32;
    }

    /// <summary>A plain write.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Warp warp, Instruction* i, int lane, ulong* cell, in Order order)
    {
        uint writer = (uint)*cell, reader = (uint)(*cell >> 32), tag = warp.Tag | (uint)lane << LaneShift;
        if (!(order.IsBefore(writer) || order.IsVacant(writer))
            || !(order.IsPast(reader) || (reader & ~Flags) == tag && (reader & Flags) == 0))
            CheckWrite(warp, i, lane, writer, reader, tag, order);
        *cell = tag;
    }

    /// <summary>Bytes of a word that nothing else is known of.</summary>
    public static void WritePart(ulong* cell)
    {
        if ((uint)*cell < HostWriter)
            *cell |= HostWriter;
    }

    /// <summary>An atomic: it reads and writes, and may meet other atomics.</summary>
    public static void Update(Warp warp, Instruction* i, int lane, ulong* cell, in Order order)
    {
        uint writer = (uint)*cell, reader = (uint)(*cell >> 32), tag = warp.Tag | (uint)lane << LaneShift;
        if (order.IsVacant(writer))
            throw warp.Fault(PtxFaultKind.Unwritten, i, lane, "updates a word that nothing wrote");
        bool beside = (writer & Flags) is Atomic or SeveralAtomics && writer < InFlight;
        if (!order.IsBefore(writer) && !beside || !order.IsPast(reader) && reader != tag)
            CheckWrite(warp, i, lane, writer, reader, tag, order);

        // An update by another block of the launch stays on record: this block is never ordered behind it.
        if (beside && writer >= order.Launch && writer < order.Block)
            return;
        bool several = beside && writer >= order.Interval && ((writer & ~Flags) != tag || (writer & Flags) == SeveralAtomics);
        *cell = tag | (several ? SeveralAtomics : Atomic);
    }

    /// <summary>cp.async begins to write a word. A copy still on its way, or a thread that may still read or write the word, is a
    /// fault.</summary>
    public static void BeginCopy(Warp warp, Instruction* i, int lane, ulong* cell, in Order order)
    {
        Write(warp, i, lane, cell, order);
        *cell = InFlight;
    }

    /// <summary>cp.async's write is visible to its own thread, and to others behind a barrier: an ordinary write of now.</summary>
    public static void EndCopy(Warp warp, int lane, ulong* cell) => *cell = warp.Tag | (uint)lane << LaneShift;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint NextReader(uint reader, uint tag, in Order order)
    {
        if (reader < order.Launch || (reader & ~Flags) == tag)
            return reader < order.Launch ? tag : reader;
        if (reader < order.Block)
            return tag | OtherBlock;
        return tag | (reader & OtherBlock) | (reader >= order.Interval ? Several : 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CheckRead(Warp warp, Instruction* i, int lane, uint writer, uint tag, in Order order)
    {
        if (writer >= NoVariable)
            throw warp.Fault(PtxFaultKind.Address, i, lane, "reads between the block's shared variables");
        if (writer >= InFlight)
            throw warp.Fault(PtxFaultKind.AsyncCopy, i, lane,
                "reads a word that cp.async may still be writing: no wait_group of the copying thread is behind the copy");
        if (order.IsVacant(writer))
            throw warp.Fault(PtxFaultKind.Unwritten, i, lane, "reads a word that nothing wrote");
        if ((writer & ~Flags) != tag || (writer & Flags) == SeveralAtomics)
            throw warp.Fault(PtxFaultKind.Race, i, lane, $"reads a word that {Who(warp, writer, order)} wrote");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CheckWrite(Warp warp, Instruction* i, int lane, uint writer, uint reader, uint tag, in Order order)
    {
        if (writer >= NoVariable)
            throw warp.Fault(PtxFaultKind.Address, i, lane, "writes between the block's shared variables");
        if (writer >= InFlight)
            throw warp.Fault(PtxFaultKind.AsyncCopy, i, lane, "writes a word that cp.async may still be writing");
        bool others = !order.IsVacant(writer) && !order.IsBefore(writer);
        if (others && ((writer & ~Flags) != tag || (writer & Flags) == SeveralAtomics))
            throw warp.Fault(PtxFaultKind.Race, i, lane, $"writes a word that {Who(warp, writer, order)} wrote");
        if (!order.IsPast(reader) && reader != tag)
            throw warp.Fault(PtxFaultKind.Race, i, lane, $"writes a word that {Reader(warp, reader, tag, order)} read");
    }

    private static string Reader(Warp warp, uint reader, uint tag, in Order order) =>
        (reader & OtherBlock) != 0 ? "another block of the launch"
        : (reader & ~Flags) == tag ? "another thread of the block, with no barrier between,"
        : Who(warp, reader, order);

    private static string Who(Warp warp, uint tag, in Order order)
    {
        uint number = tag >> TagShift;
        if (tag < order.Block)
            return $"block {warp.Launch.BlockOf(number)} of the launch";
        int thread = (int)(number - (order.Interval >> TagShift)) * RegisterFile.Lanes + (int)(tag >> LaneShift & 31);
        return $"thread {thread}, with no barrier between,";
    }
}

/// <summary>Tags as borders in time for the block that runs: what is ordered before it.</summary>
/// <param name="First">The lowest tag of a writer whose word counts as written: the host's in global memory, the block's first in shared
/// memory.</param>
/// <param name="Launch">The launch's first tag; in shared memory the block's.</param>
/// <param name="Block">The block's first tag.</param>
/// <param name="Interval">The first tag since the last barrier.</param>
internal readonly record struct Order(uint First, uint Launch, uint Block, uint Interval)
{
    /// <summary>Whether nothing has written the word: in shared memory, nothing of this block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsVacant(uint writer) => writer < First;

    /// <summary>Whether a writer is before this interval: of an earlier launch, or of an earlier interval of this block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsBefore(uint writer) => writer - First < Launch - First || writer - Block < Interval - Block;

    /// <summary>Whether readers are past: those of earlier launches, and those of this block before its last barrier if no other block
    /// read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsPast(uint reader) => reader < Launch || reader - Block < Interval - Block && (reader & 2) == 0;
}
