using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Operations;
using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Program;

/// <summary>Loads, stores, atomics and asynchronous copies. PTX ISA 8.0, "Data Movement and Conversion Instructions".</summary>
internal sealed unsafe partial class Decoder
{
    private bool TryMemory(Statement statement, ref Instruction instruction)
    {
        string[] words = statement.Opcode.Split('.');
        switch (words[0])
        {
            case "ld" when words.Length == 3 && words[1] == "param":
                LoadParameter(statement, Bytes(statement, words[2]), ref instruction);
                return true;
            case "ld" or "st":
                Access(statement, words, ref instruction);
                return true;
            case "atom" or "red":
                Atomic(statement, words, ref instruction);
                return true;
            case "cp":
                AsyncCopy(statement, ref instruction);
                return true;
            default:
                return false;
        }
    }

    private void LoadParameter(Statement statement, int bytes, ref Instruction instruction)
    {
        Operand address = Address(statement, 1, 2);
        Parameter parameter = text.Parameters.Find(p => p.Name == address.Parts[0].Text)
            ?? throw Refused(statement, $"reads {address.Parts[0].Text}, which is no parameter");
        if (bytes < 4 || address.Value < 0 || address.Value + bytes > parameter.Bytes || address.Value % bytes != 0)
            throw Refused(statement, $"reads {bytes} bytes at {address.Value} of {parameter.Name}, which has {parameter.Bytes}");
        instruction.Class = InstructionClass.Move;
        instruction.Immediate = parameter.Offset + address.Value;
        instruction.Operand[0] = Result(statement, statement.Operands[0], bytes);
        instruction.Execute = bytes == 8 ? &Parameters.Load<ulong> : &Parameters.Load<uint>;
    }

    // ld{.space}{.vec}.type d, [a];  st{.space}{.vec}.type [a], b;
    private void Access(Statement statement, string[] words, ref Instruction instruction)
    {
        bool load = words[0] == "ld";
        string space = words[1] is "global" or "shared" ? words[1] : "";
        string[] rest = words[(space.Length > 0 ? 2 : 1)..];
        int count = rest[0] switch { "v2" => 2, "v4" => 4, _ => 1 };
        string type = rest.Length == (count > 1 ? 2 : 1) ? rest[^1] : throw Refused(statement, "is not known");
        int bytes = Bytes(statement, type);
        if (bytes * count > 16)
            throw Refused(statement, "moves more than 16 bytes");
        Operand address = Address(statement, load ? 1 : 0, 2);
        SetAddress(statement, address, ref instruction);
        instruction.Count = count;
        Operand[] values = Values(statement, statement.Operands[load ? 0 : 1], count);
        for (int i = 0; i < count; i++)
            instruction.Operand[i + 1] = load ? Result(statement, values[i], bytes) : Source(statement, values[i], bytes);
        bool inShared = space == "shared";
        instruction.Class = load ? inShared ? InstructionClass.SharedLoad : InstructionClass.GlobalLoad
            : inShared ? InstructionClass.SharedStore : InstructionClass.GlobalStore;
        instruction.Execute = (load, space, type) switch
        {
            (true, "shared", "s8" or "s16") or (true, "", "s8" or "s16") => throw Refused(statement, "is not known"),
            (true, "global", "s8") => &Loads.Global<sbyte>,
            (true, "global", "s16") => &Loads.Global<short>,
            (true, "global", _) => bytes switch
            {
                1 => &Loads.Global<byte>,
                2 => &Loads.Global<ushort>,
                4 => &Loads.Global<uint>,
                _ => &Loads.Global<ulong>
            },
            (true, "shared", _) => bytes switch
            {
                1 => &Loads.Shared<byte>,
                2 => &Loads.Shared<ushort>,
                4 => &Loads.Shared<uint>,
                _ => &Loads.Shared<ulong>
            },
            (true, _, _) => bytes switch
            {
                4 => &Loads.Generic<uint>,
                8 => &Loads.Generic<ulong>,
                _ => throw Refused(statement, "is not known")
            },
            (false, "global", _) => bytes switch
            {
                1 => &Stores.Global<byte>,
                2 => &Stores.Global<ushort>,
                4 => &Stores.Global<uint>,
                _ => &Stores.Global<ulong>
            },
            (false, "shared", _) => bytes switch
            {
                1 => &Stores.Shared<byte>,
                2 => &Stores.Shared<ushort>,
                4 => &Stores.Shared<uint>,
                _ => &Stores.Shared<ulong>
            },
            _ => bytes switch { 4 => &Stores.Generic<uint>, 8 => &Stores.Generic<ulong>, _ => throw Refused(statement, "is not known") },
        };
    }

    // atom.op.space.type d, [a], b{, c};  red.op.space.type [a], b;  — and with the space before the operation, as CUDA's compiler writes
    // it.
    private void Atomic(Statement statement, string[] words, ref Instruction instruction)
    {
        if (words.Length != 4)
            throw Refused(statement, "is not known");
        (string space, string operation) = words[1] is "global" or "shared" ? (words[1], words[2]) : (words[2], words[1]);
        if (space is not ("global" or "shared"))
            throw Refused(statement, "is not known");
        bool returns = words[0] == "atom", inShared = space == "shared";
        nint handler = Atomics.Find(operation, words[3], inShared);
        if (handler == 0)
            throw Refused(statement, "is not known");
        int first = returns ? 1 : 0, sources = operation == "cas" ? 2 : 1, bytes = Bytes(statement, words[3]);
        SetAddress(statement, Address(statement, first, first + 1 + sources), ref instruction);
        instruction.Operand[3] = -1;
        instruction.Operand[1] = returns ? Result(statement, statement.Operands[0], bytes) : -1;
        for (int i = 0; i < sources; i++)
            instruction.Operand[2 + i] = Source(statement, statement.Operands[first + 1 + i], bytes);
        instruction.Class = inShared ? InstructionClass.SharedAtomic : InstructionClass.GlobalAtomic;
        instruction.Execute = (delegate*<Warp, Instruction*, void>)handler;
    }

    private void AsyncCopy(Statement statement, ref Instruction instruction)
    {
        instruction.Class = InstructionClass.AsyncCopy;
        switch (statement.Opcode)
        {
            case "cp.async.commit_group" when statement.Operands.Length == 0:
                instruction.Execute = &AsyncCopies.Commit;
                return;
            case "cp.async.wait_group":
                instruction.Immediate = Only(statement, OperandKind.Constant).Value;
                instruction.Execute = &AsyncCopies.Wait;
                return;
            case "cp.async.wait_all" when statement.Operands.Length == 0:
                instruction.Execute = &AsyncCopies.WaitAll;
                return;
            case "cp.async.cg.shared.global" or "cp.async.ca.shared.global":
                break;
            default:
                throw Refused(statement, "is not known");
        }

        if (statement.Operands.Length is not (3 or 4) || statement.Operands[2].Kind != OperandKind.Constant)
            throw Refused(statement, "has other operands than are known");
        int bytes = (int)statement.Operands[2].Value;
        if (bytes != 16 && (bytes is not (4 or 8) || statement.Opcode.StartsWith("cp.async.cg", StringComparison.Ordinal)))
            throw Refused(statement, $"does not copy {bytes} bytes");
        SetAddress(statement, Address(statement, 0, statement.Operands.Length), ref instruction);
        Operand from = Address(statement, 1, statement.Operands.Length);
        instruction.Operand[1] = Source(statement, from.Parts[0], 8);
        if (from.Value != 0)
            throw Refused(statement, "takes a source without an offset");
        instruction.Operand[2] = statement.Operands.Length == 4 ? Source(statement, statement.Operands[3], 4)
            : registers.Constant(bytes, 4);
        instruction.Count = bytes;
        instruction.Execute = &AsyncCopies.Copy;
    }

    /// <summary>The address among the operands, of which there must be a number.</summary>
    private static Operand Address(Statement statement, int at, int operands) =>
        statement.Operands.Length == operands && statement.Operands[at].Kind == OperandKind.Address
            ? statement.Operands[at] : throw Refused(statement, "has other operands than are known");

    private void SetAddress(Statement statement, Operand address, ref Instruction instruction)
    {
        Operand at = address.Parts[0];
        instruction.NarrowAddress = at.Register?.Kind == RegisterKind.Bits32 || at.Kind == OperandKind.Name;
        instruction.Operand[0] = Source(statement, at, instruction.NarrowAddress ? 4 : 8);
        instruction.Immediate = address.Value;
    }

    private static Operand[] Values(Statement statement, Operand operand, int count)
    {
        Operand[] values = operand.Kind == OperandKind.Vector ? operand.Parts : [operand];
        return values.Length == count && (operand.Kind == OperandKind.Vector) == count > 1 ? values
            : throw Refused(statement, $"takes {count} values");
    }

    private static int Bytes(Statement statement, string type) => type switch
    {
        "b8" or "u8" or "s8" => 1,
        "b16" or "u16" or "s16" => 2,
        "b32" or "u32" or "s32" or "f32" => 4,
        "b64" or "u64" or "s64" or "f64" => 8,
        _ => throw Refused(statement, "is not known"),
    };
}
