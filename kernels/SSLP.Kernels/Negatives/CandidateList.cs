using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// The bank rows of one query whose score reaches a threshold, in ascending row order: every row with score ≥ threshold and no other,
/// unless the list overflowed. Fed with the scores of one stretch of the bank after another. Which rows they are is one bit a bank row:
/// 4 bytes a candidate and 20 bytes a stretch.
/// </summary>
internal sealed unsafe class CandidateList : IDisposable
{
    /// <summary>Bank rows that are added at a time. The list knows where each stretch's candidates start.</summary>
    public const int Stretch = 128;

    private const int WordRows = 64, StretchWords = Stretch / WordRows;

    /// <summary>A compaction stores whole vectors: the last one may reach beyond the last candidate by as many.</summary>
    private const int Overhang = 16;

    private readonly AlignedBuffer<int> _starts = new();
    private readonly AlignedBuffer<ulong> _rows = new();
    private readonly AlignedBuffer<float> _ownScores = new();
    private int _capacity;
    private int _stretches;

    public int Count { get; private set; }

    /// <summary>The lowest score that is kept; −∞ keeps all.</summary>
    public float Threshold { get; private set; }

    /// <summary>Whether rows were lost for want of room: the list is then of no use.</summary>
    public bool Overflowed { get; private set; }

    public float* Scores { get; private set; }

    public long Bytes => _starts.Bytes + _rows.Bytes + _ownScores.Bytes;

    /// <summary>Scores of memory that <see cref="Reset(float, int, int, float*)"/> wants for so many candidates.</summary>
    public static long RoomFor(int capacity) => (long)capacity + Overhang;

    /// <summary>Bytes of a list beside its scores.</summary>
    public static long BytesBeside(int bankRows) => (bankRows / Stretch + 2L) * (sizeof(int) + StretchWords * sizeof(ulong));

    /// <summary>Empties the list and makes room of its own for <paramref name="capacity"/> candidates of a bank of
    /// <paramref name="bankRows"/> rows.</summary>
    public void Reset(float threshold, int capacity, int bankRows) =>
        Reset(threshold, capacity, bankRows, _ownScores.EnsureLength(RoomFor(capacity)));

    /// <summary>The same in the caller's memory, <see cref="RoomFor"/> scores: lists that grew one by one would leave holes in the
    /// heap.</summary>
    public void Reset(float threshold, int capacity, int bankRows, float* scores)
    {
        _starts.EnsureLength((long)bankRows / Stretch + 2);
        _rows.EnsureLength(((long)bankRows / Stretch + 2) * StretchWords);
        _starts.Pointer[0] = 0;
        _stretches = 0;
        Scores = scores;
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
        ulong* rows = _rows.Pointer + (nint)_stretches * StretchWords;
        int kept = Count;
        if (kept + count <= _capacity)
        {
            kept = Avx512F.IsSupported && count == Stretch ? AppendWholeStretch(scores, rows)
                : Compaction.IsSupported ? AppendCompacted(scores, count, rows)
                : AppendOneByOne(scores, count, rows);
        }
        else if (kept + CountReaching(scores, count) <= _capacity)
            kept = AppendOneByOne(scores, count, rows);
        else
            Overflowed = true;
        CallUp(Scores + kept);
        Count = kept;
        _starts.Pointer[++_stretches] = kept;
    }

    /// <summary>Position of a bank row in the list, or −1.</summary>
    public int Find(int row)
    {
        int stretch = row / Stretch;
        if (stretch >= _stretches)
            return -1;
        ulong* rows = _rows.Pointer + (nint)stretch * StretchWords;
        int word = row % Stretch / WordRows;
        ulong bit = 1ul << row % WordRows;
        if ((rows[word] & bit) == 0)
            return -1;
        int at = _starts.Pointer[stretch] + BitOperations.PopCount(rows[word] & (bit - 1));
        return word == 0 ? at : at + BitOperations.PopCount(rows[0]);
    }

    /// <summary>
    /// Writes the bank rows of the candidates whose bit is set, ascending: bit p of <paramref name="chosen"/> is position p, and as many
    /// bits are set as <paramref name="into"/> is long. One word beyond the last position's is read.
    /// </summary>
    public void CopyRows(ulong* chosen, Span<int> into)
    {
        int words = _stretches * StretchWords, at = 0, word = 0;
        fixed (int* start = into)
        {
            int* next = start, end = start + into.Length;
            // How many rows a word gives looks random to a branch predictor, so as many as most words have are written for each.
            int atOnce = into.Length > words ? 8 : 2;
            for (; end - next >= WordRows && word < words; word++)
            {
                ulong wanted = TakeWanted(chosen, word, ref at);
                int* after = next + BitOperations.PopCount(wanted);
                do
                {
                    for (int i = 0; i < atOnce; i++, wanted &= wanted - 1)
                        next[i] = word * WordRows + BitOperations.TrailingZeroCount(wanted);
                    next += atOnce;
                }
                while (wanted != 0);
                next = after;
            }
            for (; next < end && word < words; word++)
            {
                for (ulong wanted = TakeWanted(chosen, word, ref at); wanted != 0; wanted &= wanted - 1)
                    *next++ = word * WordRows + BitOperations.TrailingZeroCount(wanted);
            }
        }
    }

    /// <summary>Writes the scores of the same candidates in the same order.</summary>
    public void CopyScores(ulong* chosen, Span<float> into)
    {
        int copied = 0, at = 0;
        byte* bits = (byte*)chosen;
        fixed (float* start = into)
        {
            for (; Avx512F.IsSupported && copied + Vector512<float>.Count <= into.Length; at += Vector512<float>.Count)
            {
                uint wanted = *(ushort*)(bits + at / 8);
                Vector512<float> places = Vector512.Equals(Vector512.Create(wanted) & LaneBits, LaneBits).AsSingle();
                Avx512F.Compress(Vector512<float>.Zero, places, Vector512.Load(Scores + at)).Store(start + copied);
                copied += BitOperations.PopCount(wanted);
            }
            byte* table = Compaction.Table;
            for (; Compaction.IsSupported && copied + Compaction.Lanes <= into.Length; at += Compaction.Lanes)
            {
                uint wanted = bits[at / 8];
                Compaction.ToFront(table, Vector256.Load(Scores + at).AsInt32(), wanted).AsSingle().Store(start + copied);
                copied += BitOperations.PopCount(wanted);
            }
        }
        for (; copied < into.Length; at++)
        {
            if ((bits[at / 8] >> at % 8 & 1) != 0)
                into[copied++] = Scores[at];
        }
    }

    public void Dispose()
    {
        _starts.Dispose();
        _rows.Dispose();
        _ownScores.Dispose();
    }

    /// <summary>Bit i in lane i.</summary>
    private static Vector512<uint> LaneBits => Vector512.Create(
        1u, 1u << 1, 1u << 2, 1u << 3, 1u << 4, 1u << 5, 1u << 6, 1u << 7, 1u << 8, 1u << 9, 1u << 10, 1u << 11, 1u << 12, 1u << 13,
        1u << 14, 1u << 15);

    /// <summary>The rows of a word, as its bits, whose candidates are chosen; <paramref name="at"/> moves past the word's
    /// candidates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong TakeWanted(ulong* chosen, int word, ref int at)
    {
        ulong rows = _rows.Pointer[word], wanted = Spread(BitsFrom(chosen, at), rows);
        at += BitOperations.PopCount(rows);
        return wanted;
    }

    /// <summary>64 bits from any position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong BitsFrom(ulong* bits, int at) => bits[at / 64] >> at % 64 | bits[at / 64 + 1] << 1 << 63 - at % 64;

    /// <summary>The low bits of <paramref name="values"/>, one after the other, at the set bits of <paramref name="places"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Spread(ulong values, ulong places)
    {
        if (Bmi2.X64.IsSupported)
            return Bmi2.X64.ParallelBitDeposit(values, places);
        ulong spread = 0;
        for (; places != 0; places &= places - 1, values >>= 1)
            spread |= (values & 1) * (places & (ulong)-(long)places);
        return spread;
    }

    /// <summary>The same where the processor compacts 16 at a time by itself.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int AppendWholeStretch(float* scores, ulong* rows)
    {
        float* kept = Scores + Count;
        var threshold = Vector512.Create(Threshold);
        for (int word = 0; word < StretchWords; word++)
        {
            ulong bits = 0;
            for (int i = 0; i < WordRows; i += Vector512<float>.Count, scores += Vector512<float>.Count)
            {
                var values = Vector512.Load(scores);
                var reaches = Vector512.GreaterThanOrEqual(values, threshold);
                Avx512F.Compress(Vector512<float>.Zero, reaches, values).Store(kept);
                ulong mask = reaches.ExtractMostSignificantBits();
                kept += BitOperations.PopCount(mask);
                bits |= mask << i;
            }
            rows[word] = bits;
        }
        return (int)(kept - Scores);
    }

    /// <summary>One vector at a time: the scores that pass move to the front of a vector that is stored whole.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int AppendCompacted(float* scores, int count, ulong* rows)
    {
        byte* table = Compaction.Table;
        float* kept = Scores + Count;
        var threshold = Vector256.Create(Threshold);
        new Span<ulong>(rows, StretchWords).Clear();
        int whole = count & -Compaction.Lanes;
        for (int i = 0; i < whole; i += Compaction.Lanes)
        {
            var values = Vector256.Load(scores + i);
            uint mask = Vector256.GreaterThanOrEqual(values, threshold).ExtractMostSignificantBits();
            Compaction.ToFront(table, values.AsInt32(), mask).AsSingle().Store(kept);
            kept += BitOperations.PopCount(mask);
            rows[i / WordRows] |= (ulong)mask << i % WordRows;
        }
        return AppendRest(scores, whole, count, rows, (int)(kept - Scores));
    }

    private int AppendOneByOne(float* scores, int count, ulong* rows)
    {
        new Span<ulong>(rows, StretchWords).Clear();
        return AppendRest(scores, 0, count, rows, Count);
    }

    private int AppendRest(float* scores, int first, int count, ulong* rows, int kept)
    {
        for (int i = first; i < count; i++)
        {
            if (!(scores[i] >= Threshold))
                continue;
            Scores[kept++] = scores[i];
            rows[i / WordRows] |= 1ul << i % WordRows;
        }
        return kept;
    }

    /// <summary>
    /// Two of the lines that the next stretch writes when all other queries have had theirs: by then they are in the second-level cache, or
    /// its stores would wait for them. The line before them has been touched or called up already, unless candidates are dense.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CallUp(float* end)
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch1(end + 2 * Overhang);
        Sse.Prefetch1(end + 3 * Overhang);
    }

    private int CountReaching(float* scores, int count)
    {
        int reaching = 0;
        for (int i = 0; i < count; i++)
            reaching += scores[i] >= Threshold ? 1 : 0;
        return reaching;
    }
}
