using System.Runtime.Intrinsics;
using SSLP.PtxMachine.Execution;
using SSLP.PtxMachine.Memory;
using SSLP.PtxMachine.Program;

namespace SSLP.PtxMachine.Operations;

/// <summary>
/// PTX ISA 8.0, "Warp Level Matrix Instructions: mma, ldmatrix". Which lane holds which element is by the tables there, written out anew
/// here: a kernel that has them wrong gives other numbers than its reference.
/// </summary>
internal static unsafe class Matrices
{
    private const int Rows = 16, Depth = 16, Columns = 8;

    /// <summary>
    /// mma.m16n8k16, A 16 × 16 by rows, B 16 × 8 by columns, both bf16; C and D 16 × 8 float32. "Matrix Fragments for mma.m16n8k16 with
    /// floating point type", with groupID = lane / 4 and threadID = lane % 4: a0 a1: row groupID, columns 2·threadID + 0, 1; a2 a3: row
    /// groupID + 8; a4 a5: columns + 8; a6 a7: both; b0 b1: rows 2·threadID + 0, 1 of column groupID; b2 b3: rows + 8; c0 c1: row groupID,
    /// columns 2·threadID + 0, 1; c2 c3: row groupID + 8. Products are exact; the ISA leaves the sum's order and rounding open ("at least
    /// single precision"): here it is a float64 sum, rounded once.
    /// </summary>
    public static void MultiplyAdd(Warp warp, Instruction* i)
    {
        warp.RequireAll(i->Line, "mma.sync.aligned");
        double* a = stackalloc double[Rows * Depth];
        double* b = stackalloc double[Depth * Columns];
        float* c = stackalloc float[Rows * Columns];
        for (int r = 0; r < 4; r++)
        {
            uint* source = warp.Register<uint>(i->Operand[4 + r]);
            float* sum = warp.Register<float>(i->Operand[10 + r]);
            for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            {
                int group = lane / 4, pair = lane % 4 * 2;
                Pair(source[lane], a + (group + 8 * (r & 1)) * Depth + pair + 8 * (r >> 1), 1);
                c[(group + 8 * (r >> 1)) * Columns + pair + (r & 1)] = sum[lane];
            }
        }

        for (int r = 0; r < 2; r++)
        {
            uint* source = warp.Register<uint>(i->Operand[8 + r]);
            for (int lane = 0; lane < RegisterFile.Lanes; lane++)
                Pair(source[lane], b + (lane % 4 * 2 + 8 * r) * Columns + lane / 4, Columns);
        }

        for (int row = 0; row < Rows; row++)
        {
            (Vector256<double> low, Vector256<double> high) = Vector256.Widen(Vector256.Load(c + row * Columns));
            for (int k = 0; k < Depth; k++)
            {
                var factor = Vector256.Create(a[row * Depth + k]);
                low = Vector256.FusedMultiplyAdd(factor, Vector256.Load(b + k * Columns), low);
                high = Vector256.FusedMultiplyAdd(factor, Vector256.Load(b + k * Columns + 4), high);
            }

            Canonical.Of(Vector256.Narrow(low, high)).Store(c + row * Columns);
        }

        for (int r = 0; r < 4; r++)
        {
            float* d = warp.Register<float>(i->Operand[r]);
            for (int lane = 0; lane < RegisterFile.Lanes; lane++)
                d[lane] = c[(lane / 4 + 8 * (r >> 1)) * Columns + lane % 4 * 2 + (r & 1)];
        }
    }

    /// <summary>
    /// ldmatrix: 8 × 8 matrices of 16-bit elements; the lanes 8·m … 8·m + 7 give the addresses of matrix m's rows, 16 bytes each; lane l
    /// gets elements 2·(l % 4) + 0, 1 of row l / 4.
    /// </summary>
    public static void Load(Warp warp, Instruction* i)
    {
        ushort* rows = stackalloc ushort[4 * 64];
        ReadRows(warp, i, rows);
        for (int m = 0; m < i->Count; m++)
        {
            uint* d = warp.Register<uint>(i->Operand[1 + m]);
            for (int lane = 0; lane < RegisterFile.Lanes; lane++)
                d[lane] = ((uint*)(rows + m * 64))[lane];
        }
    }

    /// <summary>ldmatrix.trans: lane l gets elements 2·(l % 4) + 0, 1 of column l / 4.</summary>
    public static void LoadTransposed(Warp warp, Instruction* i)
    {
        ushort* rows = stackalloc ushort[4 * 64];
        ReadRows(warp, i, rows);
        for (int m = 0; m < i->Count; m++)
        {
            uint* d = warp.Register<uint>(i->Operand[1 + m]);
            ushort* matrix = rows + m * 64;
            for (int lane = 0; lane < RegisterFile.Lanes; lane++)
            {
                int row = lane % 4 * 2, column = lane / 4;
                d[lane] = (uint)(matrix[row * 8 + column] | matrix[(row + 1) * 8 + column] << 16);
            }
        }
    }

    private static void ReadRows(Warp warp, Instruction* i, ushort* rows)
    {
        warp.RequireAll(i->Line, "ldmatrix.sync.aligned");
        warp.Launch.Traffic?.MatrixRows(warp, i);
        for (int lane = 0; lane < 8 * i->Count; lane++)
        {
            byte* row = Access.Shared(warp, i, lane, Access.Address(warp, i, lane), 16, out ulong* cells);
            for (int w = 0; w < 4; w++)
                History.Read(warp, i, lane, cells + w, warp.Launch.SharedOrder);
            *(UInt128*)(rows + lane * 8) = *(UInt128*)row;
        }
    }

    // Two bf16 in one register, the first in the low half.
    private static void Pair(uint bits, double* to, int step)
    {
        to[0] = BitConverter.UInt32BitsToSingle(bits << 16);
        to[step] = BitConverter.UInt32BitsToSingle(bits & 0xffff0000);
    }
}
