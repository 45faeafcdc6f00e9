using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Execution;

internal enum WarpState
{
    Running,
    AtBarrier,
    Done,
}

/// <summary>
/// 32 lanes with one place in the text. Lanes that part at a branch run one side after the other and meet again at the branch's immediate
/// post-dominator: one of the schedules that the ISA allows, in one of two orders.
/// </summary>
internal sealed unsafe class Warp : IDisposable
{
    private readonly byte* _registers;
    private readonly BasicBlock[] _blocks;
    private readonly Instruction* _instructions;
    private readonly Stack<Path> _waiting = new();
    private Path _path;
    private uint _exited;

    public Warp(Launch launch, int index)
    {
        Launch = launch;
        Index = index;
        _blocks = launch.Program.Blocks;
        _instructions = launch.Program.Instructions;
        RegisterFile registers = launch.Program.Registers;
        _registers = (byte*)NativeMemory.AlignedAlloc((nuint)registers.Bytes, 64);
        new Span<byte>(_registers, registers.Bytes).Fill(0xA5);
        foreach ((int bytes, long bits, int offset) in registers.Constants)
        {
            if (bytes == 8)
                new Span<long>(_registers + offset, RegisterFile.Lanes).Fill(bits);
            else
                new Span<uint>(_registers + offset, RegisterFile.Lanes).Fill((uint)bits);
        }

        int threads = Math.Min(RegisterFile.Lanes, launch.Threads - index * RegisterFile.Lanes);
        All = threads == RegisterFile.Lanes ? uint.MaxValue : (1u << threads) - 1;
        Copies = new PendingCopies();
    }

    public Launch Launch { get; }

    public int Index { get; }

    /// <summary>The lanes that there are.</summary>
    public uint All { get; }

    /// <summary>The lanes that the running instruction is for.</summary>
    public uint Active { get; set; }

    /// <summary>Number of the warp in the running interval, as a tag of lane 0.</summary>
    public uint Tag { get; set; }

    public WarpState State { get; private set; }

    /// <summary>Line of the barrier that it waits at.</summary>
    public int BarrierLine { get; private set; }

    public PendingCopies Copies { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Register<T>(int offset) where T : unmanaged => (T*)(_registers + offset);

    /// <summary>Begins a block of the launch.</summary>
    public void Start()
    {
        SetSpecialRegisters();
        _waiting.Clear();
        _exited = 0;
        _path = new Path(0, _blocks.Length, All);
        State = WarpState.Running;
        Copies.Clear();
    }

    public void LeaveBarrier() => State = WarpState.Running;

    /// <summary>Runs to the next barrier or to the end.</summary>
    public void Run()
    {
        long budget = Launch.Options.MaxBlocksBetweenBarriers;
        while (true)
        {
            if (_path.Next == _path.Until || _path.Lanes == 0)
            {
                if (!Resume())
                    return;
                continue;
            }

            BasicBlock block = _blocks[_path.Next];
            Active = _path.Lanes;
            Launch.Count(_path.Next, _path.Lanes);
            Instruction* end = _instructions + block.End;
            for (Instruction* i = _instructions + block.First; i < end; i++)
                i->Execute(this, i);
            if (--budget < 0)
                throw Fault(PtxFaultKind.Endless, block.Line, 0, "runs on without reaching a barrier or its end");
            switch (block.Kind)
            {
                case BlockEnd.FallThrough:
                    _path.Next = block.Next;
                    break;
                case BlockEnd.Branch:
                    Branch(block);
                    break;
                case BlockEnd.Return:
                    Return(block);
                    break;
                default:
                    RequireAll(block.Line, "bar.sync");
                    BarrierLine = block.Line;
                    _path.Next = block.Next;
                    State = WarpState.AtBarrier;
                    return;
            }
        }
    }

    /// <summary>Refuses an instruction for the whole warp that a part of it reaches.</summary>
    public void RequireAll(int line, string what)
    {
        if (Active != All)
        {
            string who = _exited != 0 ? $"{BitOperations.PopCount(_exited)} have ended" : "the others are elsewhere";
            throw Fault(PtxFaultKind.Convergence, line, BitOperations.TrailingZeroCount(Active),
                $"{what} is reached by {BitOperations.PopCount(Active)} of the warp's {BitOperations.PopCount(All)} threads; {who}");
        }
    }

    public PtxFaultException Fault(PtxFaultKind kind, Instruction* i, int lane, string sentence) => Fault(kind, i->Line, lane, sentence);

    public PtxFaultException Fault(PtxFaultKind kind, int line, int lane, string sentence) =>
        Launch.Fault(kind, line, Index * RegisterFile.Lanes + lane, sentence);

    public void Dispose() => NativeMemory.AlignedFree(_registers);

    // False at the end of all lanes.
    private bool Resume()
    {
        while (_waiting.TryPop(out _path))
        {
            _path.Lanes &= ~_exited;
            if (_path.Lanes != 0)
                return true;
        }

        State = WarpState.Done;
        return false;
    }

    private void Branch(BasicBlock block)
    {
        uint lanes = _path.Lanes;
        uint taken = block.Conditional ? lanes & (*Register<uint>(block.Guard) ^ block.GuardFlip) : lanes;
        if (taken == lanes || taken == 0)
        {
            _path.Next = taken == lanes ? block.Target : block.Next;
            return;
        }

        if (block.Uniform)
        {
            throw Fault(PtxFaultKind.Uniform, block.Line, BitOperations.TrailingZeroCount(taken),
                $"bra.uni promises one way for all, but {BitOperations.PopCount(taken)} of {BitOperations.PopCount(lanes)} threads take " +
                $"it");
        }

        if (block.Reconvergence != _path.Until)
            _waiting.Push(new Path(block.Reconvergence, _path.Until, lanes));
        Path jump = new(block.Target, block.Reconvergence, taken), fall = new(block.Next, block.Reconvergence, lanes & ~taken);
        (Path first, Path second) = Launch.Options.Order == ExecutionOrder.Forward ? (fall, jump) : (jump, fall);

        // A side that is at the meeting point already waits there with the others.
        if (first.Next == first.Until)
            (first, second) = (second, first);
        if (second.Next != second.Until)
            _waiting.Push(second);
        _path = first;
    }

    private void Return(BasicBlock block)
    {
        uint leaving = block.Conditional ? _path.Lanes & (*Register<uint>(block.Guard) ^ block.GuardFlip) : _path.Lanes;
        for (uint lanes = leaving; lanes != 0; lanes &= lanes - 1)
            Copies.RequireNone(this, BitOperations.TrailingZeroCount(lanes));
        _exited |= leaving;
        _path.Lanes &= ~leaving;
        _path.Next = block.Next;
    }

    private void SetSpecialRegisters()
    {
        (uint X, uint Y, uint Z) size = Launch.BlockSize, at = Launch.Block, grid = Launch.Grid;
        foreach ((SpecialRegister special, int offset) in Launch.Program.Registers.Special)
        {
            for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            {
                uint thread = (uint)(Index * RegisterFile.Lanes + lane);
                Register<uint>(offset)[lane] = special switch
                {
                    SpecialRegister.TidX => thread % size.X,
                    SpecialRegister.TidY => thread / size.X % size.Y,
                    SpecialRegister.TidZ => thread / size.X / size.Y,
                    SpecialRegister.NtidX => size.X,
                    SpecialRegister.NtidY => size.Y,
                    SpecialRegister.NtidZ => size.Z,
                    SpecialRegister.CtaidX => at.X,
                    SpecialRegister.CtaidY => at.Y,
                    SpecialRegister.CtaidZ => at.Z,
                    SpecialRegister.NctaidX => grid.X,
                    SpecialRegister.NctaidY => grid.Y,
                    SpecialRegister.NctaidZ => grid.Z,
                    SpecialRegister.LaneId => (uint)lane,
                    _ => (uint)Index,
                };
            }
        }
    }

    /// <param name="Until">The block where its lanes wait for others.</param>
    private record struct Path(int Next, int Until, uint Lanes);
}
