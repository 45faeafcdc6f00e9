namespace SSLP.Kernels;

/// <summary>The ranks of one step, and for each rank of the pool whether it is drawn and how many drawn ones lie below it: 33
/// bits.</summary>
internal sealed class DrawnRanks(int most)
{
    private readonly int[] _ranks = new int[most];
    private int[] _below = [0];
    private ulong[] _drawn = [0, 0];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Ascending.</summary>
    public ReadOnlySpan<int> Ranks => _ranks.AsSpan(0, Count);

    /// <summary>One beyond the last drawn rank; 0 where none is drawn.</summary>
    public int End => Count == 0 ? 0 : _ranks[Count - 1] + 1;

    /// <summary>Draws anew; see <see cref="NegativeRanks.Draw"/>.</summary>
    public void Draw(NegativeSampling sampling, ulong seed, long step, int candidates)
    {
        Count = NegativeRanks.Draw(sampling, seed, step, candidates, _ranks.Length, _ranks);
        CountBelow(candidates);
    }

    /// <summary>Takes given ranks, ascending and different.</summary>
    public void Set(ReadOnlySpan<int> ranks)
    {
        ranks.CopyTo(_ranks);
        Count = ranks.Length;
        CountBelow(End);
    }

    /// <summary>At each rank up to <see cref="End"/>, how many drawn ranks are less.</summary>
    public ReadOnlySpan<int> Belows => _below.AsSpan(0, End + 1);

    /// <summary>Drawn ranks less than <paramref name="rank"/>.</summary>
    public int Below(int rank) => _below[Math.Min(rank, End)];

    /// <summary>Whether <paramref name="rank"/> and the 63 after it are drawn, a bit each; rank at most <see cref="End"/>.</summary>
    public unsafe ulong DrawnFrom(int rank)
    {
        fixed (ulong* drawn = _drawn)
            return CandidateList.BitsFrom(drawn, rank);
    }

    private void CountBelow(int candidates)
    {
        if (_below.Length <= candidates)
            (_below, _drawn) = (new int[candidates + 1], new ulong[candidates / 64 + 2]);
        _drawn.AsSpan().Clear();
        foreach (int drawn in Ranks)
            _drawn[drawn / 64] |= 1ul << drawn % 64;
        int rank = 0;
        for (int drawn = 0; drawn < Count; drawn++)
        {
            for (; rank <= _ranks[drawn]; rank++)
                _below[rank] = drawn;
        }
        _below[rank] = Count;
    }
}
