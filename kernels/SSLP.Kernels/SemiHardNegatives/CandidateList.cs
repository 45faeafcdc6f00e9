using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// The bank rows of one query whose score reaches a threshold, in ascending row order: every row with score ≥ threshold and no other,
/// unless the list overflowed. 8 bytes a row. Fed with the scores of one stretch of the bank after another.
/// </summary>
internal sealed unsafe class CandidateList : IDisposable
{
    /// <summary>Bank rows that are added at a time. The list knows where each stretch's candidates start.</summary>
    public const int Stretch = 128;

    /// <summary>A compaction stores whole vectors: the last one may reach beyond the last row by as many.</summary>
    private const int Overhang = 16;

    private readonly AlignedBuffer<int> _starts = new();
    private readonly AlignedBuffer<float> _ownScores = new();
    private readonly AlignedBuffer<int> _ownRows = new();
    private int _capacity;
    private int _stretches;

    public int Count { get; private set; }

    /// <summary>The lowest score that is kept; −∞ keeps all.</summary>
    public float Threshold { get; private set; }

    /// <summary>Whether rows were lost for want of room: the list is then of no use.</summary>
    public bool Overflowed { get; private set; }

    public float* Scores { get; private set; }

    public int* Rows { get; private set; }

    public long Bytes => _ownScores.Bytes + _ownRows.Bytes + _starts.Bytes;

    /// <summary>Elements of either memory that <see cref="Reset(float, int, int, float*, int*)"/> wants for so many candidates.</summary>
    public static long RoomFor(int capacity) => (long)capacity + Overhang;

    /// <summary>Empties the list and makes room of its own for <paramref name="capacity"/> candidates of a bank of <paramref name="bankRows"/> rows.</summary>
    public void Reset(float threshold, int capacity, int bankRows) => Reset(
        threshold, capacity, bankRows, _ownScores.EnsureLength(RoomFor(capacity)), _ownRows.EnsureLength(RoomFor(capacity)));

    /// <summary>The same in the caller's memory, <see cref="RoomFor"/> elements each: lists that grew one by one would leave holes in the heap.</summary>
    public void Reset(float threshold, int capacity, int bankRows, float* scores, int* rows)
    {
        _starts.EnsureLength((long)bankRows / Stretch + 2);
        _starts.Pointer[0] = 0;
        _stretches = 0;
        Scores = scores;
        Rows = rows;
        _capacity = capacity;
        Threshold = threshold;
        Count = 0;
        Overflowed = false;
    }

    /// <summary>
    /// Adds those of the next <see cref="Stretch"/> bank rows (the last stretch may be shorter) that reach the threshold.
    /// </summary>
    public void Append(float* scores, int count)
    {
        if (Overflowed)
            return;
        int firstRow = _stretches * Stretch;
        if (Count + count <= _capacity)
        {
            Count = Avx512F.IsSupported && count == Stretch ? AppendWholeStretch(scores, firstRow)
                : Compaction.IsSupported ? AppendCompacted(scores, count, firstRow)
                : AppendOneByOne(scores, count, firstRow);
        }
        else if (CountReaching(scores, count) is var more && Count + more <= _capacity)
            Count = AppendOneByOne(scores, count, firstRow);
        else
            Overflowed = true;
        _starts.Pointer[++_stretches] = Count;
    }

    /// <summary>Position of a bank row in the list, or −1.</summary>
    public int Find(int row)
    {
        int stretch = row / Stretch;
        if (stretch >= _stretches)
            return -1;
        int start = _starts.Pointer[stretch];
        int at = new ReadOnlySpan<int>(Rows + start, _starts.Pointer[stretch + 1] - start).IndexOf(row);
        return at < 0 ? -1 : start + at;
    }

    public void Dispose()
    {
        _starts.Dispose();
        _ownScores.Dispose();
        _ownRows.Dispose();
    }

    /// <summary>The same where the processor compacts 16 at a time by itself.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int AppendWholeStretch(float* scores, int firstRow)
    {
        float* keptScores = Scores + Count;
        int* keptRows = Rows + Count;
        Vector512<float> threshold = Vector512.Create(Threshold);
        Vector512<int> rows = Vector512.Create(firstRow) + Vector512<int>.Indices;
        for (int i = 0; i < Stretch; i += Vector512<float>.Count)
        {
            Vector512<float> values = Vector512.Load(scores + i);
            Vector512<float> reaches = Vector512.GreaterThanOrEqual(values, threshold);
            Avx512F.Compress(Vector512<float>.Zero, reaches, values).Store(keptScores);
            Avx512F.Compress(Vector512<int>.Zero, reaches.AsInt32(), rows).Store(keptRows);
            int kept = BitOperations.PopCount(reaches.ExtractMostSignificantBits());
            keptScores += kept;
            keptRows += kept;
            rows += Vector512.Create(Vector512<int>.Count);
        }
        return (int)(keptScores - Scores);
    }

    /// <summary>One vector at a time: the scores that pass move to the front of a vector that is stored whole, rows likewise.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int AppendCompacted(float* scores, int count, int firstRow)
    {
        byte* table = Compaction.Table;
        float* keptScores = Scores + Count;
        int* keptRows = Rows + Count;
        Vector256<float> threshold = Vector256.Create(Threshold);
        Vector256<int> rows = Vector256.Create(firstRow) + Vector256<int>.Indices;
        nint kept = 0, whole = count & -Compaction.Lanes;
        for (nint i = 0; i < whole; i += Compaction.Lanes)
        {
            Vector256<float> values = Vector256.Load(scores + i);
            uint mask = Vector256.GreaterThanOrEqual(values, threshold).ExtractMostSignificantBits();
            Compaction.ToFront(table, values.AsInt32(), mask).AsSingle().Store(keptScores + kept);
            Compaction.ToFront(table, rows, mask).Store(keptRows + kept);
            kept += BitOperations.PopCount(mask);
            rows += Vector256.Create(Compaction.Lanes);
        }
        for (nint i = whole; i < count; i++)
        {
            if (scores[i] < Threshold)
                continue;
            keptScores[kept] = scores[i];
            keptRows[kept++] = firstRow + (int)i;
        }
        return Count + (int)kept;
    }

    private int AppendOneByOne(float* scores, int count, int firstRow)
    {
        int kept = Count;
        for (int i = 0; i < count; i++)
        {
            if (scores[i] >= Threshold)
            {
                Scores[kept] = scores[i];
                Rows[kept++] = firstRow + i;
            }
        }
        return kept;
    }

    private int CountReaching(float* scores, int count)
    {
        int reaching = 0;
        for (int i = 0; i < count; i++)
            reaching += scores[i] >= Threshold ? 1 : 0;
        return reaching;
    }
}
