using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SSLP.Kernels;

/// <summary>
/// Answers questions about ranks in a <see cref="CandidateList"/> without sorting it. Rank: by descending score, ties to the lower row,
/// excluded rows not counted. A fine histogram of the scores gives each bin its ranks; only bins in which a question is still open
/// are put in order. Exact: the bins are monotone in the score, so they never decide between two rows of one bin.
/// </summary>
/// <remarks>
/// Work: three passes over the candidates and two over the bins. Scratch: 4 bytes a bin, 8 bytes and 1 bit a candidate, 8 bytes a drawn
/// rank. One instance serves one thread.
/// </remarks>
internal sealed unsafe class RankedCandidates : IDisposable
{
    private const int Lanes = Compaction.Lanes;
    /// <summary>Keys that are put in order by vectors; nearly all open bins hold no more.</summary>
    private const int Few = 8;

    private const int MinBins = 1 << 8, MaxBins = 1 << 16;

    /// <summary>States of a bin while rows are taken: none of it is wanted, all of it is, or (from 1 up) its next slot in the open
    /// keys.</summary>
    private const int NoneWanted = 0, AllWanted = -1;

    private readonly AlignedBuffer<int> _bins = new();
    private readonly AlignedBuffer<ulong> _openKeys = new();
    private readonly AlignedBuffer<ulong> _wantedKeys = new();
    private readonly AlignedBuffer<ulong> _chosen = new();
    private readonly AlignedBuffer<OpenBin> _openBins = new();
    private CandidateList _list = null!;
    private int _binCount;
    private BinMap _map;
    private int _nearestBin, _nearestInBin;
    private ulong _nearestLastKey;

    /// <summary>Candidates that are not excluded.</summary>
    public int Available { get; private set; }

    /// <summary>Native bytes held.</summary>
    public long Bytes => _bins.Bytes + _openKeys.Bytes + _wantedKeys.Bytes + _chosen.Bytes + _openBins.Bytes;

    /// <summary>Takes a list to answer about and counts its scores into bins. The list must have lost no row.</summary>
    public void Load(CandidateList list)
    {
        _list = list;
        Available = list.Count;
        _binCount = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(list.Count / 2, MinBins, MaxBins));
        // One bin more, the last, takes excluded rows.
        _bins.EnsureLength(_binCount + 1);
        _openKeys.EnsureLength(list.Count);
        _chosen.EnsureLength(ChosenWords);
        new Span<int>(_bins.Pointer, _binCount + 1).Clear();
        if (list.Count == 0)
            return;
        _map = new BinMap(new ReadOnlySpan<float>(list.Scores, list.Count), list.Threshold, _binCount);
        CountBins();
    }

    /// <summary>A row's score, where the list has it.</summary>
    public bool TryScore(int row, out float score)
    {
        int at = _list.Find(row);
        score = at < 0 ? 0 : _list.Scores[at];
        return at >= 0;
    }

    /// <summary>Takes a row out of the ranking. Returns whether it was in it.</summary>
    public bool Exclude(int row)
    {
        int at = _list.Find(row);
        if (at < 0 || float.IsNaN(_list.Scores[at]))
            return false;
        _bins.Pointer[_map.BinOf(_list.Scores[at])]--;
        _list.Scores[at] = float.NaN;
        Available--;
        return true;
    }

    /// <summary>Asks which rows are among the first <paramref name="count"/>; <see cref="IsNearest"/> answers.</summary>
    public void FindNearest(int count)
    {
        int before = 0;
        _nearestBin = 0;
        for (; _nearestBin < _binCount; _nearestBin += MinBins)
        {
            int block = TensorPrimitives.Sum(new ReadOnlySpan<int>(_bins.Pointer + _nearestBin, MinBins));
            if (before + block > count)
                break;
            before += block;
        }
        for (; _nearestBin < _binCount && before + _bins.Pointer[_nearestBin] <= count; _nearestBin++)
            before += _bins.Pointer[_nearestBin];
        _nearestInBin = count - before;
        _nearestLastKey = ulong.MaxValue;
    }

    /// <summary>Whether a row is among the nearest that <see cref="FindNearest"/> asked for. Excluded rows and others are not.</summary>
    public bool IsNearest(int row)
    {
        int at = _list.Find(row);
        if (at < 0 || float.IsNaN(_list.Scores[at]))
            return false;
        int bin = _map.BinOf(_list.Scores[at]);
        if (bin != _nearestBin)
            return bin < _nearestBin;
        if (_nearestInBin == 0)
            return false;
        if (_nearestLastKey == ulong.MaxValue)
            _nearestLastKey = KeyInBin(_nearestBin, _nearestInBin - 1);
        return KeyOf(at) <= _nearestLastKey;
    }

    /// <summary>The rows at the drawn ranks, with their scores, in ascending row order. Ranks that do not exist are dropped.</summary>
    public void Take(DrawnRanks ranks, RowLists into, int list)
    {
        into.Resize(list, ranks.Below(Available));
        new Span<ulong>(_chosen.Pointer, ChosenWords).Clear();
        _openBins.EnsureLength(ranks.Count + 1);
        int openBins = MarkBins(ranks);
        ScanCandidates();
        ChooseInBins(new ReadOnlySpan<OpenBin>(_openBins.Pointer, openBins), ranks);
        _list.CopyRows(_chosen.Pointer, into.Rows(list));
        _list.CopyScores(_chosen.Pointer, into.WritableScores(list));
    }

    public void Dispose()
    {
        _bins.Dispose();
        _openKeys.Dispose();
        _wantedKeys.Dispose();
        _chosen.Dispose();
        _openBins.Dispose();
    }

    private int ChosenWords => (_list.Count + 63) / 64;

    private void CountBins()
    {
        BinMap.Vectors map = _map.Widen();
        int* counts = _bins.Pointer;
        float* scores = _list.Scores;
        int* bins = stackalloc int[Lanes];
        int whole = _list.Count & -Lanes;
        for (int i = 0; i < whole; i += Lanes)
        {
            map.BinsOf(Vector256.Load(scores + i)).Store(bins);
            counts[bins[0]]++;
            counts[bins[1]]++;
            counts[bins[2]]++;
            counts[bins[3]]++;
            counts[bins[4]]++;
            counts[bins[5]]++;
            counts[bins[6]]++;
            counts[bins[7]]++;
        }
        for (int i = whole; i < _list.Count; i++)
            counts[_map.BinOf(scores[i])]++;
    }

    /// <summary>
    /// Turns the counts into states and lists the open bins: those with some wanted ranks and some unwanted ones. Which bins are open looks
    /// random to a branch predictor, so every bin writes its entry and the masks decide whether it stays.
    /// </summary>
    private int MarkBins(DrawnRanks ranks)
    {
        int* states = _bins.Pointer;
        OpenBin* openBins = _openBins.Pointer;
        ReadOnlySpan<int> below = ranks.Belows;
        int rank = 0, wantedBefore = 0, slots = 0, open = 0, bin = 0, all = ranks.Count;
        for (; bin < _binCount && wantedBefore < all; bin += Lanes)
        {
            // In a large bank most bins hold no drawn rank: pass over eight of them at a time.
            int rankAfter = rank + Vector256.Sum(Vector256.Load(states + bin));
            if (below[Math.Min(rankAfter, below.Length - 1)] == wantedBefore)
            {
                Vector256<int>.Zero.Store(states + bin);
                rank = rankAfter;
                continue;
            }
            for (int lane = bin; lane < bin + Lanes; lane++)
            {
                int count = states[lane];
                openBins[open] = new OpenBin(slots, count, rank);
                rank += count;
                int wantedUpTo = below[Math.Min(rank, below.Length - 1)], wanted = wantedUpTo - wantedBefore;
                int anyWanted = -wanted >> 31, isOpen = anyWanted & (wanted - count) >> 31;  // all ones or all zeros
                states[lane] = (isOpen & (slots + 1)) | (~isOpen & anyWanted);
                open -= isOpen;
                slots += isOpen & count;
                wantedBefore = wantedUpTo;
            }
        }
        new Span<int>(states + bin, _binCount + 1 - bin).Clear();
        return open;
    }

    /// <summary>Marks the rows of bins that are wanted whole and files the rows of open bins.</summary>
    private void ScanCandidates()
    {
        int* states = _bins.Pointer;
        for (int i = Compaction.IsSupported ? ScanVectors() : 0; i < _list.Count; i++)
        {
            int bin = float.IsNaN(_list.Scores[i]) ? _binCount : _map.BinOf(_list.Scores[i]);
            if (states[bin] > NoneWanted)
                _openKeys.Pointer[states[bin]++ - 1] = KeyOf(i);
            else if (states[bin] == AllWanted)
                _chosen.Pointer[i / 64] |= 1ul << i % 64;
        }
    }

    /// <summary>
    /// The same for whole vectors of candidates; returns how many those are. Which candidates lie in open bins looks random to a branch
    /// predictor, so they are first listed, some hundred at a time, without a branch, and then filed.
    /// </summary>
    private int ScanVectors()
    {
        const int listLength = 512;
        int* open = stackalloc int[listLength + Lanes], openBins = stackalloc int[listLength + Lanes];
        BinMap.Vectors map = _map.Widen();
        int* states = _bins.Pointer;
        float* scores = _list.Scores;
        ulong* openKeys = _openKeys.Pointer;
        byte* chosen = (byte*)_chosen.Pointer, table = Compaction.Table;
        int whole = _list.Count & -Lanes;
        for (int start = 0; start < whole; start += listLength)
        {
            int end = Math.Min(start + listLength, whole), listed = 0;
            for (int i = start; i < end; i += Lanes)
            {
                Vector256<int> bins = map.BinsOf(Vector256.Load(scores + i));
                Vector256<int> state = Avx2.GatherVector256(states, bins, sizeof(int));
                chosen[i / Lanes] = (byte)state.ExtractMostSignificantBits();
                uint isOpen = Vector256.GreaterThan(state, Vector256<int>.Zero).ExtractMostSignificantBits();
                Compaction.ToFront(table, Vector256.Create(i) + Vector256<int>.Indices, isOpen).Store(open + listed);
                Compaction.ToFront(table, bins, isOpen).Store(openBins + listed);
                listed += BitOperations.PopCount(isOpen);
            }
            for (int j = 0; j < listed; j++)
                openKeys[states[openBins[j]]++ - 1] = KeyOf(open[j]);
        }
        return whole;
    }

    private void ChooseInBins(ReadOnlySpan<OpenBin> openBins, DrawnRanks ranks)
    {
        ulong* wanted = _wantedKeys.EnsureLength(ranks.Count + Few);
        int found = 0;
        foreach (ref readonly OpenBin bin in openBins)
        {
            if (Avx512F.IsSupported && bin.Count <= Few)
                found += WantedOfFew(bin, ranks.DrawnFrom(bin.FirstRank), wanted + found);
            else
                ChooseInBin(bin, ranks);
        }
        for (int i = 0; i < found; i++)
            Choose(wanted[i]);
    }

    private void ChooseInBin(in OpenBin bin, DrawnRanks ranks)
    {
        var keys = new Span<ulong>(_openKeys.Pointer + bin.Slot, bin.Count);
        SortKeys(keys);
        foreach (int rank in ranks.Ranks[ranks.Below(bin.FirstRank)..ranks.Below(bin.FirstRank + bin.Count)])
            Choose(keys[rank - bin.FirstRank]);
    }

    /// <summary>
    /// The keys of a small bin whose ranks are drawn (bit r of <paramref name="drawn"/>: the bin's r-th), in any order; returns how many.
    /// A key's rank is how many others are less: compared all with all, for sorting three keys costs more in mispredicted branches.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int WantedOfFew(in OpenBin bin, ulong drawn, ulong* into)
    {
        var isKey = Vector512.LessThan(Vector512<ulong>.Indices, Vector512.Create((ulong)bin.Count));
        Vector512<ulong> keys = Vector512.Load(_openKeys.Pointer + bin.Slot) | ~isKey;
        Vector512<ulong> rank = Vector512<ulong>.Zero;
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 1), keys);
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 2), keys);
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 3), keys);
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 4), keys);
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 5), keys);
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 6), keys);
        rank -= Vector512.LessThan(Avx512F.AlignRight64(keys, keys, 7), keys);
        Vector512<ulong> isDrawn = Avx512F.ShiftRightLogicalVariable(Vector512.Create(drawn), rank) & Vector512<ulong>.One;
        Vector512<ulong> wanted = Vector512.Equals(isDrawn, Vector512<ulong>.One) & isKey;
        Avx512F.Compress(Vector512<ulong>.Zero, wanted, keys).Store(into);
        return BitOperations.PopCount(wanted.ExtractMostSignificantBits());
    }

    private void Choose(ulong key)
    {
        uint at = (uint)key;
        _chosen.Pointer[at / 64] |= 1ul << (int)(at % 64);
    }

    /// <summary>The key at a position of one bin's order.</summary>
    private ulong KeyInBin(int bin, int position)
    {
        ulong* keys = _openKeys.Pointer;
        int filed = 0;
        for (int i = 0; i < _list.Count; i++)
        {
            float score = _list.Scores[i];
            if (!float.IsNaN(score) && _map.BinOf(score) == bin)
                keys[filed++] = KeyOf(i);
        }
        return Selection.Smallest(new Span<ulong>(keys, filed), position);
    }

    /// <summary>Ascending keys are descending scores, then ascending positions, hence ascending rows. The low half is the
    /// position.</summary>
    private ulong KeyOf(int at) => ~RankedKey.Of(_list.Scores[at], at);

    private static void SortKeys(Span<ulong> keys)
    {
        if (keys.Length > 16)
        {
            keys.Sort();
            return;
        }
        for (int i = 1; i < keys.Length; i++)
        {
            ulong key = keys[i];
            int at = i;
            for (; at > 0 && keys[at - 1] > key; at--)
                keys[at] = keys[at - 1];
            keys[at] = key;
        }
    }

    /// <summary>A bin with wanted and unwanted ranks: where its keys lie, and its ranks.</summary>
    private readonly record struct OpenBin(int Slot, int Count, int FirstRank);
}
