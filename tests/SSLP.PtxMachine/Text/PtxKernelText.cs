namespace SSLP.PtxMachine.Text;

/// <summary>What a register holds: how many bytes, or one bit a thread.</summary>
internal enum RegisterKind
{
    Predicate = 1,
    Bits16 = 2,
    Bits32 = 4,
    Bits64 = 8,
}

/// <param name="Number">Its place among all registers of the kernel.</param>
internal sealed record Register(string Name, RegisterKind Kind, int Number);

/// <param name="Offset">Its first byte in the block of parameters.</param>
internal sealed record Parameter(string Name, int Offset, int Bytes);

/// <param name="Alignment">What the text promises, and no more.</param>
internal sealed record SharedVariable(string Name, int Alignment, int Bytes);

internal enum OperandKind
{
    Register,

    /// <summary>An integer, or the bits of a float.</summary>
    Constant,

    /// <summary>%tid.x and the like.</summary>
    Special,

    /// <summary>A shared variable, a parameter or a label.</summary>
    Name,

    /// <summary>[base + offset].</summary>
    Address,

    /// <summary>{a, b, …}.</summary>
    Vector,
}

/// <summary>An operand as it is written.</summary>
internal sealed record Operand(OperandKind Kind)
{
    public Register? Register { get; init; }

    /// <summary>A constant's bits, or an address's offset.</summary>
    public long Value { get; init; }

    /// <summary>0f… or 0d…: how many bytes the constant has; 0 for an integer.</summary>
    public int FloatBytes { get; init; }

    /// <summary>Of a special register or a name.</summary>
    public string Text { get; init; } = "";

    /// <summary>The base of an address, or the parts of a vector.</summary>
    public Operand[] Parts { get; init; } = [];
}

/// <param name="Guard">The predicate that it runs under, or null.</param>
internal sealed record Statement(int Line, Register? Guard, bool GuardNegated, string Opcode, Operand[] Operands);

/// <summary>One entry of a PTX text.</summary>
internal sealed class PtxKernelText
{
    public required string Entry { get; init; }

    public List<Parameter> Parameters { get; } = [];

    public int ParameterBytes => Parameters.Count == 0 ? 0 : Parameters[^1].Offset + Parameters[^1].Bytes;

    /// <summary>Threads of a block by .maxntid; 0 where the text does not say.</summary>
    public int MaxThreads { get; set; }

    public List<SharedVariable> Shared { get; } = [];

    public List<Register> Registers { get; } = [];

    public List<Statement> Statements { get; } = [];

    /// <summary>Label → the statement behind it.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>The text by lines, for messages.</summary>
    public required string[] Lines { get; init; }
}
