namespace SSLP.PtxMachine.Program;

internal enum BlockEnd
{
    FallThrough,
    Branch,
    Barrier,
    Return,
}

/// <summary>Instructions that run one after the other for the same lanes, and what comes behind them.</summary>
internal sealed class BasicBlock
{
    public int First { get; init; }

    /// <summary>One behind the last instruction. A branch, barrier or return is the block's end and not among them.</summary>
    public int End { get; set; }

    public BlockEnd Kind { get; set; } = BlockEnd.FallThrough;

    /// <summary>Offset of the predicate that the branch or return depends on; −1: on none.</summary>
    public int Guard { get; set; } = -1;

    /// <summary>All ones where the guard is negated.</summary>
    public uint GuardFlip { get; set; }

    /// <summary>bra.uni: the text promises that all lanes go the same way.</summary>
    public bool Uniform { get; set; }

    /// <summary>Block that the branch leads to.</summary>
    public int Target { get; set; }

    /// <summary>Block behind this one.</summary>
    public int Next { get; set; }

    /// <summary>Where lanes that part here meet again: the immediate post-dominator, or the number of blocks where there is none before the
    /// end.</summary>
    public int Reconvergence { get; set; }

    /// <summary>Line of the end.</summary>
    public int Line { get; set; }

    public bool Conditional => Guard >= 0;
}
