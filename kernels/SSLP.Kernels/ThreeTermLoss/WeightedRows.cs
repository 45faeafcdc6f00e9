using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>
/// Sums of weighted bank rows, g[b] = Σ_j weight[b, j]·v_j over lists of ascending rows: the gradient of a batch. The bank is walked once, a
/// stretch at a time, and each stretch serves all lists while it is in cache; a list on its own would fetch every row from memory again.
/// </summary>
/// <remarks>Multiply-adds: (rows of all lists)·D. Sums ascend by row within a list: the bits do not depend on the thread count.</remarks>
internal static unsafe class WeightedRows
{
    /// <summary>Floats whose sums stay in registers: eight vectors.</summary>
    private const int Block = 64;
    private const int Half = 16;

    /// <summary>A stretch is as long as to give a list about this many rows, so that loading its sum pays.</summary>
    private const int RowsPerVisit = 16;
    private const int MinStretch = 256, MaxStretch = 4096;

    /// <summary>Adds the lists [first, end) into sums [lists, bank.Stride], from the row cursors at 0.</summary>
    /// <param name="cursors">[lists] scratch.</param>
    public static void Add(MemoryBank bank, RowLists lists, int first, int end, float* sums, Span<int> cursors)
    {
        cursors[first..end].Clear();
        int longest = 1;
        for (int b = first; b < end; b++)
            longest = Math.Max(longest, lists.Length(b));
        int stretch = (int)Math.Clamp((long)bank.RowCount * RowsPerVisit / longest, MinStretch, MaxStretch);
        for (long start = 0; start < bank.RowCount; start += stretch)
        {
            for (int b = first; b < end; b++)
            {
                ReadOnlySpan<int> rows = lists[b];
                int from = cursors[b], to = from;
                while (to < rows.Length && rows[to] < start + stretch)
                    to++;
                cursors[b] = to;
                if (to > from)
                    Add(bank, rows[from..to], lists.Scores(b)[from..to], sums + (nint)b * bank.Stride);
            }
        }
    }

    /// <summary>sum += Σ weight·v over a few rows; bank.Stride floats, zeros beyond D.</summary>
    public static void Add(MemoryBank bank, ReadOnlySpan<int> rows, ReadOnlySpan<float> weights, float* sum)
    {
        float* bankRows = bank.Rows.Data;
        nint stride = bank.Stride, d = 0;
        for (; d + Block <= stride; d += Block)
            AddBlock(bankRows + d, stride, rows, weights, sum + d);
        for (; d < stride; d += Half)
            AddHalf(bankRows + d, stride, rows, weights, sum + d);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddBlock(float* bankRows, nint stride, ReadOnlySpan<int> rows, ReadOnlySpan<float> weights, float* sum)
    {
        Vector256<float> s0 = Vector256.Load(sum), s1 = Vector256.Load(sum + 8), s2 = Vector256.Load(sum + 16), s3 = Vector256.Load(sum + 24);
        Vector256<float> s4 = Vector256.Load(sum + 32), s5 = Vector256.Load(sum + 40), s6 = Vector256.Load(sum + 48), s7 = Vector256.Load(sum + 56);
        for (int j = 0; j < rows.Length; j++)
        {
            Vector256<float> weight = Vector256.Create(weights[j]);
            float* row = bankRows + rows[j] * stride;
            s0 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row), s0);
            s1 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 8), s1);
            s2 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 16), s2);
            s3 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 24), s3);
            s4 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 32), s4);
            s5 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 40), s5);
            s6 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 48), s6);
            s7 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 56), s7);
        }
        s0.Store(sum);
        s1.Store(sum + 8);
        s2.Store(sum + 16);
        s3.Store(sum + 24);
        s4.Store(sum + 32);
        s5.Store(sum + 40);
        s6.Store(sum + 48);
        s7.Store(sum + 56);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddHalf(float* bankRows, nint stride, ReadOnlySpan<int> rows, ReadOnlySpan<float> weights, float* sum)
    {
        Vector256<float> s0 = Vector256.Load(sum), s1 = Vector256.Load(sum + 8);
        for (int j = 0; j < rows.Length; j++)
        {
            Vector256<float> weight = Vector256.Create(weights[j]);
            float* row = bankRows + rows[j] * stride;
            s0 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row), s0);
            s1 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 8), s1);
        }
        s0.Store(sum);
        s1.Store(sum + 8);
    }
}
