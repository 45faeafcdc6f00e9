using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// Sums of weighted bank rows, g[b] = Σ_j weight[b, j]·v_j over lists of ascending rows: the gradient of a batch. The bank is walked once,
/// a stretch at a time, and each stretch serves all lists while it is in cache; a list on its own would fetch every row from memory again.
/// </summary>
/// <remarks>
/// Multiply-adds: (rows of all lists)·D. The bank is cut into 16 parts whatever the thread count, each with its own sums, which are then
/// added in order: the bits do not depend on the threads. Scratch: 16 · lists · D floats.
/// </remarks>
internal sealed unsafe class WeightedRows(MemoryBank bank) : IParallelWork, IDisposable
{
    private const int Parts = 16;

    /// <summary>Vectors of sums that stay in registers while a list's rows are walked.</summary>
    private const int BlockVectors = 8;
    private const int Half = 16;
    private const int LineFloats = 16;

    /// <summary>A stretch is as long as to give a list about this many rows, so that loading its sum pays.</summary>
    private const int RowsPerVisit = 16;
    private const int MinStretch = 128, MaxStretch = 2048;

    private readonly AlignedBuffer<float> _sums = new();
    private readonly AlignedBuffer<int> _cursors = new();
    private RowLists _lists = new();
    private int _stretch;

    public long Bytes => _sums.Bytes + _cursors.Bytes;

    /// <summary>Sums the lists, rows and scores (as weights), part by part. <see cref="AddTo"/> then gives each list's total.</summary>
    public void Run(RowLists lists, IWorkers pool)
    {
        _lists = lists;
        int longest = 1;
        for (int b = 0; b < lists.Count; b++)
            longest = Math.Max(longest, lists.Length(b));
        _stretch = (int)Math.Clamp((long)bank.RowCount * RowsPerVisit / longest, MinStretch, MaxStretch);
        _sums.EnsureLength((long)Parts * lists.Count * bank.Stride);
        _cursors.EnsureLength((long)Parts * lists.Count);
        pool.Run(this, Parts);
    }

    /// <summary>One part of the bank for all lists.</summary>
    public void Execute(int item, int worker)
    {
        int first = (int)((long)bank.RowCount * item / Parts), end = (int)((long)bank.RowCount * (item + 1) / Parts);
        float* sums = _sums.Pointer + (nint)item * _lists.Count * bank.Stride;
        int* cursors = _cursors.Pointer + (nint)item * _lists.Count;
        new Span<float>(sums, _lists.Count * bank.Stride).Clear();
        for (int b = 0; b < _lists.Count; b++)
        {
            int at = _lists[b].BinarySearch(first);
            cursors[b] = at < 0 ? ~at : at;
        }
        for (int start = first; start < end; start += _stretch)
            AddStretch(Math.Min(start + _stretch, end), cursors, sums);
    }

    /// <summary>Adds a list's total to sum, D floats.</summary>
    public void AddTo(int list, Span<float> sum)
    {
        for (int part = 0; part < Parts; part++)
        {
            var partial = new ReadOnlySpan<float>(_sums.Pointer + ((nint)part * _lists.Count + list) * bank.Stride, sum.Length);
            TensorPrimitives.Add(sum, partial, sum);
        }
    }

    /// <summary>Calls a few rows into the cache, so that their misses overlap.</summary>
    public static void Prefetch(MemoryBank bank, ReadOnlySpan<int> rows)
    {
        if (!Sse.IsSupported)
            return;
        float* bankRows = bank.Rows.Data;
        nint stride = bank.Stride;
        foreach (int row in rows)
        {
            for (nint d = 0; d < stride; d += LineFloats)
                Sse.Prefetch0(bankRows + row * stride + d);
        }
    }

    /// <summary>sum += Σ weight·v over a few rows; bank.Stride floats, zeros beyond D.</summary>
    public static void Add(MemoryBank bank, ReadOnlySpan<int> rows, ReadOnlySpan<float> weights, float* sum)
    {
        float* bankRows = bank.Rows.Data;
        nint stride = bank.Stride, d = 0;
        for (; Vector512.IsHardwareAccelerated && d + BlockVectors * Lanes512.Count <= stride; d += BlockVectors * Lanes512.Count)
            AddBlock<Lanes512, Vector512<float>>(bankRows + d, stride, rows, weights, sum + d);
        for (; d + BlockVectors * Lanes256.Count <= stride; d += BlockVectors * Lanes256.Count)
            AddBlock<Lanes256, Vector256<float>>(bankRows + d, stride, rows, weights, sum + d);
        for (; d < stride; d += Half)
            AddHalf(bankRows + d, stride, rows, weights, sum + d);
    }

    public void Dispose()
    {
        _sums.Dispose();
        _cursors.Dispose();
    }

    /// <summary>The rows below <paramref name="end"/> of every list. Meanwhile the next stretch's rows are called up, a share at each
    /// list.</summary>
    private void AddStretch(int end, int* cursors, float* sums)
    {
        float* ahead = bank.Rows.Data + (nint)end * bank.Stride;
        nint lines = (nint)Math.Min(_stretch, bank.RowCount - end) * bank.Stride / LineFloats;
        for (int b = 0; b < _lists.Count; b++)
        {
            if (Sse.IsSupported)
            {
                for (nint line = lines * b / _lists.Count; line < lines * (b + 1) / _lists.Count; line++)
                    Sse.Prefetch1(ahead + line * LineFloats);
            }
            ReadOnlySpan<int> rows = _lists[b];
            int from = cursors[b], to = from;
            while (to < rows.Length && rows[to] < end)
                to++;
            cursors[b] = to;
            if (to > from)
                Add(bank, rows[from..to], _lists.Scores(b)[from..to], sums + (nint)b * bank.Stride);
        }
    }

    /// <summary>Each element is one chain of fused multiply-adds over the rows: the same bits for either width.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddBlock<TLanes, TVector>(float* bankRows, nint stride, ReadOnlySpan<int> rows,
        ReadOnlySpan<float> weights, float* sum)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        int second = TLanes.Count;
        TVector s0 = TLanes.Load(sum), s1 = TLanes.Load(sum + second), s2 = TLanes.Load(sum + 2 * second),
            s3 = TLanes.Load(sum + 3 * second);
        TVector s4 = TLanes.Load(sum + 4 * second), s5 = TLanes.Load(sum + 5 * second), s6 = TLanes.Load(sum + 6 * second),
            s7 = TLanes.Load(sum + 7 * second);
        for (int j = 0; j < rows.Length; j++)
        {
            TVector weight = TLanes.Broadcast(weights[j]);
            float* row = bankRows + rows[j] * stride;
            s0 = TLanes.MultiplyAdd(weight, TLanes.Load(row), s0);
            s1 = TLanes.MultiplyAdd(weight, TLanes.Load(row + second), s1);
            s2 = TLanes.MultiplyAdd(weight, TLanes.Load(row + 2 * second), s2);
            s3 = TLanes.MultiplyAdd(weight, TLanes.Load(row + 3 * second), s3);
            s4 = TLanes.MultiplyAdd(weight, TLanes.Load(row + 4 * second), s4);
            s5 = TLanes.MultiplyAdd(weight, TLanes.Load(row + 5 * second), s5);
            s6 = TLanes.MultiplyAdd(weight, TLanes.Load(row + 6 * second), s6);
            s7 = TLanes.MultiplyAdd(weight, TLanes.Load(row + 7 * second), s7);
        }
        TLanes.Store(sum, s0);
        TLanes.Store(sum + second, s1);
        TLanes.Store(sum + 2 * second, s2);
        TLanes.Store(sum + 3 * second, s3);
        TLanes.Store(sum + 4 * second, s4);
        TLanes.Store(sum + 5 * second, s5);
        TLanes.Store(sum + 6 * second, s6);
        TLanes.Store(sum + 7 * second, s7);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddHalf(float* bankRows, nint stride, ReadOnlySpan<int> rows, ReadOnlySpan<float> weights, float* sum)
    {
        Vector256<float> s0 = Vector256.Load(sum), s1 = Vector256.Load(sum + 8);
        for (int j = 0; j < rows.Length; j++)
        {
            var weight = Vector256.Create(weights[j]);
            float* row = bankRows + rows[j] * stride;
            s0 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row), s0);
            s1 = Vector256.FusedMultiplyAdd(weight, Vector256.Load(row + 8), s1);
        }
        s0.Store(sum);
        s1.Store(sum + 8);
    }
}
