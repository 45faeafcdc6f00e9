using SSLP.PtxMachine.Operations;
using SSLP.PtxMachine.Text;

namespace SSLP.PtxMachine.Program;

/// <summary>What the lanes of a warp do together: shuffles and the tensor cores' instructions.</summary>
internal sealed unsafe partial class Decoder
{
    private bool TryCollective(Statement statement, ref Instruction instruction)
    {
        switch (statement.Opcode)
        {
            case "shfl.sync.bfly.b32" or "shfl.sync.down.b32" or "shfl.sync.up.b32" or "shfl.sync.idx.b32":
                Shuffle(statement, ref instruction);
                return true;
            case "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32":
                Matrix(statement, ref instruction);
                return true;
            case "ldmatrix.sync.aligned.m8n8.x1.shared.b16" or "ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16":
                LoadMatrix(statement, 1, ref instruction);
                return true;
            case "ldmatrix.sync.aligned.m8n8.x2.shared.b16" or "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16":
                LoadMatrix(statement, 2, ref instruction);
                return true;
            case "ldmatrix.sync.aligned.m8n8.x4.shared.b16" or "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16":
                LoadMatrix(statement, 4, ref instruction);
                return true;
            default:
                return false;
        }
    }

    // shfl.sync.mode.b32 d, a, b, c, membermask;
    private void Shuffle(Statement statement, ref Instruction instruction)
    {
        if (statement.Operands.Length != 5 || statement.Operands[4].Kind != OperandKind.Constant)
            throw Refused(statement, "has other operands than are known");
        instruction.Class = InstructionClass.Shuffle;
        instruction.Operand[0] = Result(statement, statement.Operands[0], 4);
        for (int i = 1; i < 4; i++)
            instruction.Operand[i] = Source(statement, statement.Operands[i], 4);
        instruction.Immediate = (uint)statement.Operands[4].Value;
        instruction.Execute = statement.Opcode.Split('.')[2] switch
        {
            "bfly" => &Shuffles.Exchange<ByXor>,
            "down" => &Shuffles.Exchange<Down>,
            "up" => &Shuffles.Exchange<Up>,
            _ => &Shuffles.Exchange<ByIndex>,
        };
    }

    // mma d, a, b, c: 4 + 4 + 2 + 4 registers.
    private void Matrix(Statement statement, ref Instruction instruction)
    {
        if (statement.Operands.Length != 4)
            throw Refused(statement, "takes four fragments");
        instruction.Class = InstructionClass.Matrix;
        int at = 0;
        foreach ((Operand fragment, int count) in statement.Operands.Zip((int[])[4, 4, 2, 4]))
        {
            foreach (Operand value in Values(statement, fragment, count))
            {
                instruction.Operand[at] = at < 4 ? Result(statement, value, 4) : Source(statement, value, 4);
                at++;
            }
        }

        instruction.Execute = &Matrices.MultiplyAdd;
    }

    private void LoadMatrix(Statement statement, int count, ref Instruction instruction)
    {
        SetAddress(statement, Address(statement, 1, 2), ref instruction);
        Operand[] values = statement.Operands[0].Kind == OperandKind.Vector ? statement.Operands[0].Parts : [];
        if (values.Length != count)
            throw Refused(statement, $"gives {count} registers");
        for (int i = 0; i < count; i++)
            instruction.Operand[i + 1] = Result(statement, values[i], 4);
        instruction.Class = InstructionClass.MatrixLoad;
        instruction.Count = count;
        instruction.Execute = statement.Opcode.Contains(".trans.", StringComparison.Ordinal) ? &Matrices.LoadTransposed : &Matrices.Load;
    }
}
