using System.Numerics;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Counting;

/// <summary>
/// Counts sectors and bank conflicts of a launch. A request of a warp touches 32-byte sectors of global memory. Shared memory has 32 banks
/// of 4 bytes; one pass serves any number of lanes that ask a bank for one word, requests of 8 bytes go by half warps, of 16 by quarter
/// warps (CUDA C++ Programming Guide, "Shared Memory", compute capability 5.x and later).
/// </summary>
internal sealed unsafe class Traffic
{
    private const int SectorBytes = 32, Banks = 32;

    private readonly BitArrayBySector[] _touched, _read, _written;
    private readonly Allocation[] _allocations;
    private long _loadBytes, _loadSectors, _storeBytes, _storeSectors, _globalAtomics, _sharedAtomics, _requests, _wavefronts, _ideal;

    public Traffic(DeviceMemory memory)
    {
        _allocations = memory.Allocations.ToArray();
        (_touched, _read, _written) = (Sectors(), Sectors(), Sectors());

        BitArrayBySector[] Sectors() => [.. _allocations.Select(allocation => new BitArrayBySector(allocation))];
    }

    public TrafficCounts Counts() => new(
        _loadBytes, _loadSectors, _storeBytes, _storeSectors, _touched.Sum(sectors => sectors.Count),
        _read.Sum(sectors => sectors.Count), _written.Sum(sectors => sectors.Count), _globalAtomics, _sharedAtomics, _requests, _wavefronts, _ideal);

    public void Global(Warp warp, Instruction* i, int bytes)
    {
        ulong* addresses = stackalloc ulong[RegisterFile.Lanes];
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            addresses[lane] = Access.Address(warp, i, lane);
        Global(i, addresses, warp.Active, bytes);
    }

    public void Copy(Warp warp, Instruction* i, int bytes)
    {
        Global(i, warp.Register<ulong>(i->Operand[1]), warp.Active, bytes);
        Shared(warp, i, bytes);
    }

    public void Shared(Warp warp, Instruction* i, int bytes)
    {
        ulong* addresses = stackalloc ulong[RegisterFile.Lanes];
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            addresses[lane] = Access.Address(warp, i, lane);
        Shared(i, addresses, warp.Active, bytes);
    }

    public void Generic(Warp warp, Instruction* i, int bytes)
    {
        ulong* addresses = stackalloc ulong[RegisterFile.Lanes];
        uint shared = 0;
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            addresses[lane] = Access.Address(warp, i, lane);
            if (addresses[lane] >= BlockMemory.GenericBase)
            {
                addresses[lane] -= BlockMemory.GenericBase;
                shared |= 1u << lane;
            }
        }

        if ((shared & warp.Active) != 0)
            Shared(i, addresses, shared & warp.Active, bytes);
        if ((warp.Active & ~shared) != 0)
            Global(i, addresses, warp.Active & ~shared, bytes);
    }

    /// <summary>ldmatrix: a pass a matrix where its eight rows of 16 bytes lie on different banks.</summary>
    public void MatrixRows(Warp warp, Instruction* i)
    {
        ulong* addresses = stackalloc ulong[RegisterFile.Lanes];
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            addresses[lane] = Access.Address(warp, i, lane);
        Shared(i, addresses, i->Count == 4 ? uint.MaxValue : (1u << 8 * i->Count) - 1, 16);
    }

    private void Global(Instruction* i, ulong* addresses, uint lanes, int bytes)
    {
        ulong* sectors = stackalloc ulong[RegisterFile.Lanes];
        int count = 0;
        for (int lane = 0; lane < RegisterFile.Lanes; lane++)
        {
            if ((lanes >> lane & 1) == 0)
                continue;
            ulong sector = addresses[lane] / SectorBytes;
            bool known = false;
            for (int s = count - 1; s >= 0 && !known; s--)
                known = sectors[s] == sector;
            if (known)
                continue;
            sectors[count++] = sector;
            Touch(addresses[lane], i->Class);
        }

        long total = (long)BitOperations.PopCount(lanes) * bytes;
        bool atomic = i->Class == InstructionClass.GlobalAtomic;
        if (i->Class == InstructionClass.GlobalStore || atomic)
            (_storeBytes, _storeSectors) = (_storeBytes + total, _storeSectors + count);
        else
            (_loadBytes, _loadSectors) = (_loadBytes + total, _loadSectors + count);
        if (atomic)
            _globalAtomics += BitOperations.PopCount(lanes);
    }

    private void Shared(Instruction* i, ulong* addresses, uint lanes, int bytes)
    {
        if (lanes == 0)
            return;
        _requests++;
        if (i->Class == InstructionClass.SharedAtomic)
            _sharedAtomics += BitOperations.PopCount(lanes);
        int phases = Math.Max(1, bytes / 4), lanesEach = RegisterFile.Lanes / phases, words = Math.Max(1, bytes / 4);
        for (int phase = 0; phase < phases; phase++)
        {
            uint mask = lanes & (phases == 1 ? uint.MaxValue : ((1u << lanesEach) - 1) << phase * lanesEach);
            if (mask == 0)
                continue;
            _ideal++;
            _wavefronts += Passes(addresses, mask, words);
        }
    }

    // The most different words that one bank is asked for.
    private static int Passes(ulong* addresses, uint lanes, int words)
    {
        ulong* seen = stackalloc ulong[RegisterFile.Lanes];
        int* perBank = stackalloc int[Banks];
        new Span<int>(perBank, Banks).Clear();
        int count = 0, most = 0;
        for (; lanes != 0; lanes &= lanes - 1)
        {
            ulong first = addresses[BitOperations.TrailingZeroCount(lanes)] / 4;
            for (int w = 0; w < words; w++)
            {
                ulong word = first + (ulong)w;
                bool known = false;
                for (int s = count - 1; s >= 0 && !known; s--)
                    known = seen[s] == word;
                if (known)
                    continue;
                seen[count++] = word;
                most = Math.Max(most, ++perBank[word % Banks]);
            }
        }

        return most;
    }

    private void Touch(ulong address, InstructionClass kind)
    {
        int low = 0, high = _allocations.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_allocations[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == 0)
            return;
        _touched[low - 1].Add(address);
        if (kind != InstructionClass.GlobalStore)
            _read[low - 1].Add(address);
        if (kind is InstructionClass.GlobalStore or InstructionClass.GlobalAtomic)
            _written[low - 1].Add(address);
    }

    private sealed class BitArrayBySector(Allocation allocation)
    {
        private readonly ulong[] _bits = new ulong[allocation.Bytes / SectorBytes / 64 + 1];

        public long Count { get; private set; }

        public void Add(ulong address)
        {
            ulong sector = (address - allocation.Start) / SectorBytes, bit = 1ul << (int)(sector % 64);
            if (sector / 64 >= (ulong)_bits.Length || (_bits[sector / 64] & bit) != 0)
                return;
            _bits[sector / 64] |= bit;
            Count++;
        }
    }
}
