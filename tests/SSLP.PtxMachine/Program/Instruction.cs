using SSLP.PtxMachine.Execution;

namespace SSLP.PtxMachine.Program;

/// <summary>What instructions are counted as.</summary>
public enum InstructionClass
{
    /// <summary>mov, ld.param, cvta: a register takes a value that is there.</summary>
    Move,
    Integer,
    Float32,
    Float64,
    Convert,

    /// <summary>setp, selp and the logic of predicates.</summary>
    Predicate,
    Branch,
    GlobalLoad,
    GlobalStore,
    SharedLoad,
    SharedStore,
    GlobalAtomic,
    SharedAtomic,

    /// <summary>cp.async with its commits and waits.</summary>
    AsyncCopy,
    Barrier,
    Shuffle,

    /// <summary>mma.sync.</summary>
    Matrix,

    /// <summary>ldmatrix.</summary>
    MatrixLoad,
}

/// <summary>
/// An instruction, ready to run for the 32 lanes of a warp: a function and where its operands lie in the warp's register file. A 64-bit
/// register is 32 × 8 bytes there, one of 16 or 32 bits 32 × 4 bytes, a predicate 4 bytes with a bit a lane; constants and special
/// registers lie there, too.
/// </summary>
internal unsafe struct Instruction
{
    /// <summary>mma has most: 4 results and 4 + 2 + 4 sources.</summary>
    public const int MaxOperands = 14;

    public delegate*<Warp, Instruction*, void> Execute;

    /// <summary>What a guarded instruction does for the lanes whose predicate lets it.</summary>
    public delegate*<Warp, Instruction*, void> Unguarded;

    /// <summary>Byte offsets of the operands in the register file, results first.</summary>
    public fixed int Operand[MaxOperands];

    /// <summary>Offset of the guard's predicate.</summary>
    public int Guard;

    /// <summary>All ones where the guard is negated.</summary>
    public uint GuardFlip;

    /// <summary>An address's offset, a parameter's place, shfl's or cp.async's constant.</summary>
    public long Immediate;

    /// <summary>Elements of a vector access.</summary>
    public int Count;

    /// <summary>Whether the address is in a 32-bit register.</summary>
    public bool NarrowAddress;

    /// <summary>Which allocation the last access fell into: the next one mostly does again.</summary>
    public int Allocation;

    public int Line;

    public InstructionClass Class;
}
