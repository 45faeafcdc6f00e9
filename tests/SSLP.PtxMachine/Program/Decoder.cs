using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Operations;
using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Program;

/// <summary>Makes instructions and basic blocks of statements. What it does not know it refuses by line.</summary>
internal sealed unsafe partial class Decoder(PtxKernelText text, RegisterFile registers, SharedLayout shared)
{
    private readonly List<BasicBlock> _blocks = [];

    public List<Instruction> Instructions { get; } = [];

    public BasicBlock[] Decode()
    {
        var leaders = new HashSet<int>(text.Labels.Values) { 0 };
        var blockAt = new Dictionary<int, int>();
        var branches = new List<(BasicBlock Block, string Target, int Line)>();
        for (int s = 0; s <= text.Statements.Count; s++)
        {
            bool open = _blocks.Count > 0 && _blocks[^1].Kind == BlockEnd.FallThrough && !leaders.Contains(s);
            if (!open)
            {
                Close();
                blockAt.Add(s, _blocks.Count);
                _blocks.Add(new BasicBlock { First = Instructions.Count });
            }

            if (s == text.Statements.Count)
                break;
            Statement statement = text.Statements[s];
            if (!TryEnd(statement, branches))
                Instructions.Add(DecodeOne(statement));
        }

        Close();
        BasicBlock last = _blocks[^1];
        if (last.First != last.End)
            throw new PtxRefusedException(text.Statements[^1].Line, "the entry ends without a ret.");
        _blocks.RemoveAt(_blocks.Count - 1);  // the one behind the last statement
        foreach ((BasicBlock block, string target, int line) in branches)
        {
            block.Target = text.Labels.TryGetValue(target, out int at) && blockAt.TryGetValue(at, out int index) && index < _blocks.Count
                ? index : throw new PtxRefusedException(line, $"there is no label {target} to branch to.");
        }

        for (int b = 0; b < _blocks.Count; b++)
        {
            _blocks[b].Next = b + 1;
            if (b + 1 == _blocks.Count && (_blocks[b].Kind is not (BlockEnd.Return or BlockEnd.Branch) || _blocks[b].Conditional))
                throw new PtxRefusedException(text.Statements[^1].Line, "the entry can run past its last statement.");
        }

        return [.. _blocks];
    }

    private void Close()
    {
        if (_blocks.Count > 0)
            _blocks[^1].End = Instructions.Count;
    }

    private bool TryEnd(Statement statement, List<(BasicBlock Block, string Target, int Line)> branches)
    {
        BasicBlock block = _blocks[^1];
        switch (statement.Opcode)
        {
            case "bra" or "bra.uni":
                block.Kind = BlockEnd.Branch;
                block.Uniform = statement.Opcode == "bra.uni";
                branches.Add((block, Only(statement, OperandKind.Name).Text, statement.Line));
                break;
            case "ret" or "exit":
                if (statement.Operands.Length > 0)
                    throw Refused(statement, "takes no operand");
                block.Kind = BlockEnd.Return;
                break;

            // "Parallel Synchronization and Communication Instructions: bar": barrier 0 of all the block's threads.
            case "bar.sync":
                if (statement.Guard is not null || Only(statement, OperandKind.Constant).Value != 0)
                    throw Refused(statement, "is known without a guard and for barrier 0 alone");
                block.Kind = BlockEnd.Barrier;
                break;
            default:
                return false;
        }

        block.Line = statement.Line;
        if (statement.Guard is not null)
        {
            block.Guard = registers.OffsetOf(statement.Guard);
            block.GuardFlip = statement.GuardNegated ? uint.MaxValue : 0;
        }

        return true;
    }

    private Instruction DecodeOne(Statement statement)
    {
        var instruction = new Instruction { Line = statement.Line, Count = 1, Allocation = -1 };
        if (OperationTable.TryFind(statement.Opcode, out Operation operation))
            Simple(statement, operation, ref instruction);
        else if (!TryMemory(statement, ref instruction) && !TryCollective(statement, ref instruction))
            throw Refused(statement, "is not known");
        if (statement.Guard is not null)
        {
            instruction.Guard = registers.OffsetOf(statement.Guard);
            instruction.GuardFlip = statement.GuardNegated ? uint.MaxValue : 0;
            instruction.Unguarded = instruction.Execute;
            instruction.Execute = &Lanes.Guarded;
        }

        return instruction;
    }

    private void Simple(Statement statement, Operation operation, ref Instruction instruction)
    {
        if (statement.Operands.Length != operation.Widths.Length)
            throw Refused(statement, $"takes {operation.Widths.Length} operands, not {statement.Operands.Length}");
        instruction.Class = operation.Class;
        instruction.Execute = (delegate*<Warp, Instruction*, void>)operation.Handler;
        instruction.Operand[0] = Result(statement, statement.Operands[0], operation.Widths[0]);
        for (int i = 1; i < operation.Widths.Length; i++)
            instruction.Operand[i] = Source(statement, statement.Operands[i], operation.Widths[i]);
        if (operation.Repeat)
            instruction.Operand[2] = instruction.Operand[1];
    }

    /// <param name="bytes">What the operation writes; 0: a predicate.</param>
    private int Result(Statement statement, Operand operand, int bytes)
    {
        if (operand.Register is not { } register)
            throw Refused(statement, "gives its result to a register");
        RequireWidth(statement, register, bytes);
        return registers.OffsetOf(register);
    }

    private int Source(Statement statement, Operand operand, int bytes)
    {
        switch (operand.Kind)
        {
            case OperandKind.Register:
                RequireWidth(statement, operand.Register!, bytes);
                return registers.OffsetOf(operand.Register!);
            case OperandKind.Constant when bytes == 0:
                return operand.Value is 0 or 1 ? registers.Constant(-operand.Value, 4)
                    : throw Refused(statement, $"knows no predicate {operand.Value}");
            case OperandKind.Constant:
                if (operand.FloatBytes != 0 && operand.FloatBytes != bytes)
                    throw Refused(statement, $"takes {bytes} bytes, not a float of {operand.FloatBytes}");
                return registers.Constant(operand.Value, Math.Max(bytes, 4));
            case OperandKind.Special when bytes == 4:
                int offset = registers.OffsetOf(operand.Text);
                return offset >= 0 ? offset : throw Refused(statement, $"names {operand.Text}, which is not known");
            case OperandKind.Name when shared.TryFind(operand.Text, out int address):
                return registers.Constant(address, bytes);
            default:
                throw Refused(statement, $"has an operand that is not known: {operand.Text}");
        }
    }

    // PTX ISA 8.0, "Operand Size Exceeding Instruction-Type Size": outside of ld, st and cvt the sizes agree. An 8-bit value is in a 16-bit
    // register.
    private static void RequireWidth(Statement statement, Register register, int bytes)
    {
        RegisterKind kind = bytes switch
        {
            0 => RegisterKind.Predicate,
            1 or 2 => RegisterKind.Bits16,
            4 => RegisterKind.Bits32,
            _ => RegisterKind.Bits64
        };
        if (register.Kind != kind)
            throw Refused(statement, $"takes {kind}, but {register.Name} is {register.Kind}");
    }

    private static Operand Only(Statement statement, OperandKind kind) =>
        statement.Operands.Length == 1 && statement.Operands[0].Kind == kind ? statement.Operands[0]
            : throw Refused(statement, "has other operands than are known");

    private static PtxRefusedException Refused(Statement statement, string what) => new(statement.Line, $"{statement.Opcode} {what}.");
}
