using System.Numerics;
using SSLP.PtxMachine.Counting;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Execution;

/// <summary>One launch while it runs: its blocks one after the other, a block's warps from barrier to barrier.</summary>
internal sealed unsafe class Launch : IDisposable
{
    private readonly List<(uint FirstNumber, uint Block)> _firstNumbers = [];
    private readonly Warp[] _warps;
    private readonly long[] _runs, _lanes;
    private uint _nextNumber;

    public Launch(Machine machine, KernelProgram program, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) blockSize,
        byte* parameters)
    {
        (Program, Grid, BlockSize) = (program, grid, blockSize);
        Parameters = parameters;
        (Memory, Options) = (machine.Memory, machine.Options);
        Allocations = machine.Memory.Allocations.ToArray();
        Threads = (int)(blockSize.X * blockSize.Y * blockSize.Z);
        Shared = new BlockMemory(program.Shared);
        _nextNumber = machine.NextNumber;
        (_runs, _lanes) = (new long[program.Blocks.Length], new long[program.Blocks.Length]);
        Traffic = machine.Options.CountTraffic ? new Traffic(machine.Memory) : null;
        _warps = new Warp[(Threads + RegisterFile.Lanes - 1) / RegisterFile.Lanes];
        for (int w = 0; w < _warps.Length; w++)
            _warps[w] = new Warp(this, w);
        FirstTag = _nextNumber << History.TagShift;
    }

    public KernelProgram Program { get; }

    public DeviceMemory Memory { get; }

    /// <summary>The memory's allocations; none comes or goes while a kernel runs.</summary>
    public Allocation[] Allocations { get; }

    public MachineOptions Options { get; }

    public (uint X, uint Y, uint Z) Grid { get; }

    public (uint X, uint Y, uint Z) BlockSize { get; }

    public byte* Parameters { get; }

    public int Threads { get; }

    /// <summary>The block that runs.</summary>
    public (uint X, uint Y, uint Z) Block { get; private set; }

    public BlockMemory Shared { get; }

    public Traffic? Traffic { get; }

    /// <summary>The launch's first tag.</summary>
    public uint FirstTag { get; }

    /// <summary>What is before the running interval in global memory, and in the block's own.</summary>
    public Order GlobalOrder;

    /// <inheritdoc cref="GlobalOrder"/>
    public Order SharedOrder;

    /// <summary>The number that the next launch begins with.</summary>
    public uint NextNumber => _nextNumber;

    public void Count(int block, uint lanes)
    {
        _runs[block]++;
        _lanes[block] += BitOperations.PopCount(lanes);
    }

    public void Run()
    {
        ulong blocks = (ulong)Grid.X * Grid.Y * Grid.Z;
        for (ulong b = 0; b < blocks; b++)
        {
            ulong at = Options.Order == ExecutionOrder.Forward ? b : blocks - 1 - b;
            Block = ((uint)(at % Grid.X), (uint)(at / Grid.X % Grid.Y), (uint)(at / Grid.X / Grid.Y));
            RunBlock((uint)Math.Min(at, uint.MaxValue));
        }
    }

    public LaunchCounts Counts()
    {
        long[] instructions = new long[Enum.GetValues<InstructionClass>().Length];
        long lanes = 0;
        for (int b = 0; b < _runs.Length; b++)
        {
            BasicBlock block = Program.Blocks[b];
            for (int i = block.First; i < block.End; i++)
                instructions[(int)Program.Instructions[i].Class] += _runs[b];
            if (block.Kind != BlockEnd.FallThrough)
                instructions[(int)(block.Kind == BlockEnd.Barrier ? InstructionClass.Barrier : InstructionClass.Branch)] += _runs[b];
            lanes += _lanes[b] * (block.End - block.First + (block.Kind == BlockEnd.FallThrough ? 0 : 1));
        }

        return new LaunchCounts(Program.Text.Entry, Grid, BlockSize, instructions, lanes, Traffic?.Counts());
    }

    public PtxFaultException Fault(PtxFaultKind kind, int line, int thread, string sentence) =>
        new(kind, Program.Text.Entry, line, line > 0 ? Program.Text.Lines[line - 1] : "", Block, thread, sentence + ".");

    /// <summary>The block that a number of this launch was given to.</summary>
    public uint BlockOf(uint number)
    {
        uint block = 0;
        foreach ((uint first, uint at) in _firstNumbers)
        {
            if (first > number)
                break;
            block = at;
        }

        return block;
    }

    public void Dispose()
    {
        foreach (Warp warp in _warps)
            warp?.Dispose();
        Shared.Dispose();
    }

    private void RunBlock(uint block)
    {
        _firstNumbers.Add((_nextNumber, block));
        uint first = _nextNumber << History.TagShift;
        foreach (Warp warp in _warps)
            warp.Start();
        do
        {
            BeginInterval(first);
            for (int w = 0; w < _warps.Length; w++)
            {
                Warp warp = _warps[Options.Order == ExecutionOrder.Forward ? w : _warps.Length - 1 - w];
                if (warp.State == WarpState.Running)
                    warp.Run();
            }
        }
        while (PassBarrier());
    }

    // False where all have ended.
    private bool PassBarrier()
    {
        int waiting = 0;
        Warp? first = null;
        foreach (Warp warp in _warps)
        {
            if (warp.State != WarpState.AtBarrier)
                continue;
            waiting++;
            first ??= warp;
        }

        if (first is null)
            return false;
        if (waiting < _warps.Length)
        {
            throw Fault(PtxFaultKind.Convergence, first.BarrierLine, first.Index * RegisterFile.Lanes,
                $"bar.sync is reached by {waiting} of the block's {_warps.Length} warps; the others have ended");
        }

        foreach (Warp warp in _warps)
            warp.LeaveBarrier();
        return true;
    }

    private void BeginInterval(uint blockTag)
    {
        uint tag = _nextNumber << History.TagShift;
        GlobalOrder = new Order(History.HostWriter, FirstTag, blockTag, tag);
        SharedOrder = new Order(blockTag, blockTag, blockTag, tag);
        foreach (Warp warp in _warps)
            warp.Tag = _nextNumber++ << History.TagShift;
        if (_nextNumber >= History.MaxNumber)
            throw Fault(PtxFaultKind.Launch, 0, 0,
                $"more than {History.MaxNumber} warps between barriers in one launch; the machine cannot keep them apart");
    }
}
