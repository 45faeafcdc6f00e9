using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Execution;

/// <summary>
/// A warp's asynchronous copies on their way. PTX ISA 8.0, "Data Movement and Conversion Instructions: cp.async, cp.async.commit_group,
/// cp.async.wait_group": a copy's bytes may appear at any time up to the wait that covers its group, and are visible to the waiting thread
/// behind that wait alone. Here they appear at that wait and not before; a thread that reads earlier is told so.
/// </summary>
internal sealed unsafe class PendingCopies
{
    private readonly List<Entry> _entries = [];
    private readonly int[] _committed = new int[RegisterFile.Lanes];

    public void Clear()
    {
        _entries.Clear();
        _committed.AsSpan().Clear();
    }

    public void Add(int lane, int line, int to, UInt128 bytes, int count) =>
        _entries.Add(new Entry(lane, _committed[lane], line, to, bytes, count));

    public void Commit(uint lanes)
    {
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            _committed[lane] += (int)(lanes >> lane & 1);
    }

    /// <summary>Ends the copies of all groups but each lane's latest few.</summary>
    public void Wait(Warp warp, long allowed)
    {
        BlockMemory shared = warp.Launch.Shared;
        int kept = 0;
        for (int e = 0; e < _entries.Count; e++)
        {
            Entry entry = _entries[e];
            if ((warp.Active >> entry.Lane & 1) == 0 || entry.Group >= _committed[entry.Lane] - allowed)
            {
                _entries[kept++] = entry;
                continue;
            }

            UInt128 bytes = entry.Bytes;
            new ReadOnlySpan<byte>(&bytes, entry.Count).CopyTo(new Span<byte>(shared.Bytes + entry.To, entry.Count));
            for (int w = 0; w < entry.Count / 4; w++)
                History.EndCopy(warp, entry.Lane, shared.Cells + entry.To / 4 + w);
        }

        _entries.RemoveRange(kept, _entries.Count - kept);
    }

    /// <summary>A thread that ends with a copy on its way has copied for nobody.</summary>
    public void RequireNone(Warp warp, int lane)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Lane == lane)
                throw warp.Fault(PtxFaultKind.AsyncCopy, entry.Line, lane, "the thread ends before it has waited for this copy");
        }
    }

    private readonly record struct Entry(int Lane, int Group, int Line, int To, UInt128 Bytes, int Count);
}
