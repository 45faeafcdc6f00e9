using System.Runtime.InteropServices;

namespace SSLP.PtxMachine.Memory;

/// <summary>A piece of memory that kernels may use, and a cell of history for each of its words.</summary>
internal unsafe struct Allocation
{
    public ulong Start;
    public ulong Bytes;

    /// <summary>One cell for each 4 bytes from the start.</summary>
    public ulong* Cells;

    /// <summary>Whether the bytes are somebody else's: a tensor's on the host.</summary>
    public bool Borrowed;

    public readonly bool Holds(ulong address, ulong bytes) => address - Start < Bytes && Bytes - (address - Start) >= bytes;

    public readonly ulong Words => (Bytes + 3) / 4;
}

/// <summary>
/// The machine's device memory: the host's, so that a device address is a pointer, known by allocation and byte. Beside the bytes it keeps
/// who wrote and who read each word; see <see cref="History"/>.
/// </summary>
public sealed unsafe class DeviceMemory : IDisposable
{
    /// <summary>What cuMemAlloc promises.</summary>
    private const int Alignment = 256;

    private readonly List<Allocation> _allocations = [];

    /// <summary>Bytes allocated now, without borrowed ones.</summary>
    public long Bytes { get; private set; }

    /// <summary>Allocations that live now.</summary>
    public int Count => _allocations.Count;

    internal ReadOnlySpan<Allocation> Allocations => CollectionsMarshal.AsSpan(_allocations);

    /// <summary>Allocates; nothing has written the words yet.</summary>
    public ulong Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        // What was borrowed here is no more: the host's allocator has had it back.
        GiveBack((ulong)memory, (ulong)bytes);
        new Span<byte>(memory, (int)Math.Min(bytes, int.MaxValue)).Fill(0xA5);  // no zeros for who reads all the same
        Insert((ulong)memory, (ulong)bytes, borrowed: false);
        Bytes += bytes;
        return (ulong)memory;
    }

    /// <returns>Whether the address is the first of an allocation.</returns>
    public bool Free(ulong address)
    {
        int at = Find(address, 1);
        if (at < 0 || _allocations[at].Start != address || _allocations[at].Borrowed)
            return false;
        Bytes -= (long)_allocations[at].Bytes;
        NativeMemory.Free(_allocations[at].Cells);
        NativeMemory.AlignedFree((void*)address);
        _allocations.RemoveAt(at);
        return true;
    }

    /// <summary>Lets kernels use memory of the host, a tensor's for one, until the loan is disposed. All its words count as
    /// written.</summary>
    /// <exception cref="ArgumentException">The memory overlaps with what kernels may use already, or is not on a word's
    /// boundary.</exception>
    public IDisposable Lend(void* memory, long bytes)
    {
        ulong address = (ulong)memory;
        if (address % 4 != 0 || bytes <= 0 || Allocations.ToArray()
            .Any(a => address < a.Start + a.Bytes && a.Start < address + (ulong)bytes))
            throw new ArgumentException($"{bytes} bytes at 0x{address:x} cannot be lent: not on a word's boundary, or known already.");
        Insert(address, (ulong)bytes, borrowed: true);
        MarkWritten(address, bytes);
        return new Loan(this, address);
    }

    /// <summary>
    /// Lets kernels use memory of the host from here on: whoever has it now has written all of it. What was borrowed there before is given
    /// back, as its allocator had it back before it could give it anew.
    /// </summary>
    /// <exception cref="ArgumentException">The memory is the machine's own, or not on a word's boundary.</exception>
    public void Borrow(ulong address, long bytes)
    {
        GiveBack(address, (ulong)bytes);
        Lend((void*)address, bytes);
    }

    /// <summary>Says that the host, a copy or a fill has written bytes.</summary>
    internal void MarkWritten(ulong address, long bytes)
    {
        Allocation allocation = _allocations[Find(address, (ulong)bytes)];
        ulong first = (address - allocation.Start) / 4, end = (address - allocation.Start + (ulong)bytes + 3) / 4;
        new Span<ulong>(allocation.Cells + first, checked((int)(end - first))).Fill(History.HostWriter);
    }

    /// <returns>The allocation that holds all the bytes, or −1.</returns>
    internal int Find(ulong address, ulong bytes)
    {
        int low = 0, high = _allocations.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_allocations[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low > 0 && _allocations[low - 1].Holds(address, bytes) ? low - 1 : -1;
    }

    /// <summary>Says in words where an address is.</summary>
    internal string Describe(ulong address)
    {
        int before = -1;
        for (int i = 0; i < _allocations.Count && _allocations[i].Start <= address; i++)
            before = i;
        if (before < 0)
            return $"address 0x{address:x}, in no allocation";
        Allocation near = _allocations[before];
        ulong offset = address - near.Start;
        return offset < near.Bytes ? $"byte {offset} of an allocation of {near.Bytes} bytes"
            : offset - near.Bytes < 1 << 20 ? $"byte {offset} from the start of an allocation of {near.Bytes} bytes"
            : $"address 0x{address:x}, in no allocation";
    }

    /// <summary>Forgets who wrote and read, but not which words are written: numbers of warps begin anew.</summary>
    internal void ForgetAccesses()
    {
        foreach (Allocation allocation in Allocations)
        {
            for (ulong w = 0; w < allocation.Words; w++)
                allocation.Cells[w] = (uint)allocation.Cells[w] == 0 ? 0 : History.HostWriter;
        }
    }

    public void Dispose()
    {
        foreach (Allocation allocation in Allocations)
        {
            NativeMemory.Free(allocation.Cells);
            if (!allocation.Borrowed)
                NativeMemory.AlignedFree((void*)allocation.Start);
        }

        _allocations.Clear();
    }

    private void GiveBack(ulong address, ulong bytes)
    {
        for (int at = _allocations.Count - 1; at >= 0; at--)
        {
            Allocation known = _allocations[at];
            if (known.Borrowed && address < known.Start + known.Bytes && known.Start < address + bytes)
            {
                NativeMemory.Free(known.Cells);
                _allocations.RemoveAt(at);
            }
        }
    }

    private void Insert(ulong start, ulong bytes, bool borrowed)
    {
        ulong* cells = (ulong*)NativeMemory.AllocZeroed((nuint)((bytes + 3) / 4), sizeof(ulong));
        int at = _allocations.FindIndex(a => a.Start > start);
        _allocations.Insert(at < 0 ? _allocations.Count : at,
            new Allocation { Start = start, Bytes = bytes, Cells = cells, Borrowed = borrowed });
    }

    private sealed class Loan(DeviceMemory memory, ulong address) : IDisposable
    {
        public void Dispose()
        {
            int at = memory.Find(address, 1);
            if (at < 0)
                return;
            NativeMemory.Free(memory._allocations[at].Cells);
            memory._allocations.RemoveAt(at);
        }
    }
}
