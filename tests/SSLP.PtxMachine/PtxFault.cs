namespace SSLP.PtxMachine;

/// <summary>What kind of wrong a kernel did.</summary>
public enum PtxFaultKind
{
    None,

    /// <summary>An address outside of every allocation, or of the block's shared variables.</summary>
    Address,
    Alignment,

    /// <summary>A word is read that nothing wrote.</summary>
    Unwritten,

    /// <summary>Two threads use a word, one of them writing, with no barrier between.</summary>
    Race,

    /// <summary>A barrier or an instruction for a whole warp is reached by a part of it.</summary>
    Convergence,

    /// <summary>bra.uni with lanes that want to go different ways.</summary>
    Uniform,

    /// <summary>A word is used while cp.async may still be writing it, or a copy is never waited for.</summary>
    AsyncCopy,

    /// <summary>The launch itself: too many threads, too much shared memory, no grid.</summary>
    Launch,

    /// <summary>A warp runs on and on.</summary>
    Endless,
}

/// <summary>A kernel did what the ISA leaves undefined. The message says which kernel, line, block and thread, and what it did.</summary>
public sealed class PtxFaultException : Exception
{
    internal PtxFaultException(PtxFaultKind kind, string kernel, int line, string text, (uint X, uint Y, uint Z) block, int thread,
        string sentence)
        : base(line == 0 ? $"{kernel}: {sentence}"
            : $"{kernel}, line {line} ({text.Trim()}), block ({block.X}, {block.Y}, {block.Z}), thread {thread}: {sentence}")
    {
        (Kind, Kernel, Line, Block, Thread) = (kind, kernel, line, block, thread);
    }

    public PtxFaultKind Kind { get; }

    /// <summary>The .entry.</summary>
    public string Kernel { get; }

    /// <summary>Line of the PTX, from 1; 0: the launch as a whole.</summary>
    public int Line { get; }

    public (uint X, uint Y, uint Z) Block { get; }

    /// <summary>Its number in the block.</summary>
    public int Thread { get; }
}
