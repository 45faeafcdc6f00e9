using System.Numerics;
using System.Runtime.InteropServices;

namespace SSLP.Kernels;

// F and the negatives by rank.
internal sealed unsafe partial class ThreeTermStepSharded
{
    /// <summary>What the candidates of a block may hold in a process.</summary>
    private const long BlockBytes = 96L << 20;

    private const int MinBins = 1 << 8, MaxBins = 1 << 16;

    private readonly List<Query> _queries = []; // of the running block, anchors first
    private int[] _histogram = [];
    private int _count;

    /// <summary>Blocks of anchors, the same in every process.</summary>
    private void Search(int[] anchors, MatrixView features)
    {
        long candidates = Math.Min(_rows / _shards.Size + 1L, Needed(0) + Needed(0) / 8L)
            + _options.AuxiliaryAnchors * Math.Min(_rows / _shards.Size + 1L, 2L * _options.NearestKeys);
        int length = (int)Math.Clamp(BlockBytes / (sizeof(float) * (candidates + MaxBins)), 1, anchors.Length);
        float[] auxiliary = ShareAuxiliary(anchors.Length);
        int vector = 0;
        for (int first = 0; first < anchors.Length; first += length)
            SearchBlock(anchors, features, first, Math.Min(first + length, anchors.Length), auxiliary, ref vector);
    }

    /// <summary>Vectors of the auxiliary anchors that query, one after the other in the order of their anchors.</summary>
    private float[] ShareAuxiliary(int batch)
    {
        var vectors = new List<int>();
        for (int b = 0; b < batch; b++)
            foreach (int a in Sets.Auxiliary[b])
                if (Agreeing(a) > 0)
                    vectors.Add(a);
        float[] values = new float[vectors.Count * _bank.Width];
        for (int i = 0; i < vectors.Count; i++)
            if (IsOwn(vectors[i]))
                OwnRow(vectors[i]).CopyTo(values.AsSpan(i * _bank.Width));
        _shards.Sum(values);
        return values;
    }

    private void SearchBlock(int[] anchors, MatrixView features, int first, int end, float[] auxiliary, ref int vector)
    {
        _count = 0;
        for (int b = first; b < end; b++)
        {
            int excluded = Sets.Spatial.Length(b) + AtMostNearest(anchors[b]);
            foreach (int a in Sets.Auxiliary[b])
                excluded += AtMostNearest(a);
            Next().Set(b, anchors[b], isAnchor: true, vector: b, Needed(excluded));
        }
        for (int b = first; b < end; b++)
            foreach (int a in Sets.Auxiliary[b])
                if (Agreeing(a) > 0)
                    Next().Set(b, a, isAnchor: false, vector++, Math.Min(_options.NearestKeys + 1, _rows));
        Each(_passes.Length, (share, _) => FindCandidates(share, features, auxiliary));
        CountBins();
        FindNearest();
        ShareFeature(first, end, features);
        if (ByRank)
            TakeRanks(first, end);
    }

    private void FindCandidates(int share, MatrixView features, float[] auxiliary)
    {
        int from = (int)((long)_count * share / _passes.Length), to = (int)((long)_count * (share + 1) / _passes.Length);
        if (from == to)
            return;
        CandidatePass pass = _passes[share];
        pass.Begin(to - from);
        int[] needed = new int[to - from];
        for (int q = from; q < to; q++)
        {
            pass.SetQuery(q - from, _queries[q].IsAnchor
                ? features.Row(_queries[q].Vector) : auxiliary.AsSpan(_queries[q].Vector * _bank.Width, _bank.Width));
            // However the ranks are spread over the processes: all of them may lie in one.
            needed[q - from] = Math.Min(_queries[q].Needed, _bank.RowCount);
        }
        pass.Run(needed);
        for (int q = from; q < to; q++)
            _queries[q].List = pass[q - from];
    }

    /// <summary>Histograms of the candidates of all processes, the query's own row left out.</summary>
    private void CountBins()
    {
        var own = new Spread[_count];
        Each(_count, (q, _) => own[q] = _queries[q].Measure(_queries[q].Own - _first));
        Spread[] all = _shards.Gather<Spread>(own);
        int bins = 0;
        for (int q = 0; q < _count; q++)
        {
            Spread spread = all[q];
            for (int rank = 1; rank < _shards.Size; rank++)
                spread = spread.And(all[rank * _count + q]);
            int wanted = _queries[q].IsAnchor && ByRank ? _options.Negatives : 1;
            _queries[q].Bins = (int)BitOperations.RoundUpToPowerOf2(
                (uint)Math.Clamp(Math.Sqrt(5.0 * wanted * spread.Count), MinBins, MaxBins));
            _queries[q].Start = bins;
            if (spread.Count > 0)
                _queries[q].Map = new BinMap(spread.Least, spread.Most, (float)(spread.Sum / spread.Count), _queries[q].Bins);
            bins += _queries[q].Bins;
        }
        if (_histogram.Length < bins)
            _histogram = new int[bins];
        _histogram.AsSpan(0, bins).Clear();
        Each(_count, (q, _) => _queries[q].Fill(_histogram.AsSpan(_queries[q].Start, _queries[q].Bins)));
        _shards.Sum(_histogram.AsSpan(0, bins));
    }

    /// <summary>Where the K-th nearest key of each query lies that has rows to agree with.</summary>
    private void FindNearest()
    {
        var told = new List<ulong>[_count];
        Each(_count, (q, _) =>
        {
            Query query = _queries[q];
            told[q] = [];
            query.NearestBin = 0;
            if (Agreeing(query.Own) == 0)
                return;
            int before = 0;
            ReadOnlySpan<int> counts = _histogram.AsSpan(query.Start, query.Bins);
            for (; query.NearestBin < query.Bins && before + counts[query.NearestBin] <= _options.NearestKeys; query.NearestBin++)
                before += counts[query.NearestBin];
            query.NearestInBin = _options.NearestKeys - before;
            if (query.NearestBin < query.Bins && query.NearestInBin > 0)
                query.Collect(bin => bin == query.NearestBin, _first, told[q]);
        });
        ulong[][] all = Tell(told);
        for (int q = 0; q < _count; q++)
        {
            RankedKey.SortDescending(all[q]);
            _queries[q].LastKey = all[q].Length > 0 ? all[q][_queries[q].NearestInBin - 1] : ulong.MaxValue;
        }
    }

    /// <summary>F of the block's anchors: each process's part from its own rows.</summary>
    private void ShareFeature(int first, int end, MatrixView features)
    {
        var told = new List<ulong>[end - first];
        var excluded = new List<int>[end - first];
        int next = end - first;
        int[] auxiliaryStart = new int[end - first + 1];
        for (int b = first; b < end; b++)
        {
            auxiliaryStart[b - first] = next;
            while (next < _count && _queries[next].Anchor == b)
                next++;
        }
        auxiliaryStart[^1] = next;
        Each(end - first, (i, _) =>
        {
            Query anchor = _queries[i];
            var rows = new SortedSet<int>();
            anchor.AddNearest(Members(anchor.Own), _first, anchor.Own, rows);
            for (int q = auxiliaryStart[i]; q < auxiliaryStart[i + 1]; q++)
                _queries[q].AddNearest(Members(_queries[q].Own), _first, anchor.Own, rows);
            told[i] = [];
            foreach (int row in rows)
                told[i].Add(RankedKey.Of(
                    anchor.TryScore(row - _first, out float score) ? score
                        : OrderedSums.Dot(features.Row(anchor.Anchor), OwnRow(row)), row));
            excluded[i] = [];
            foreach (int row in Sets.Spatial[anchor.Anchor])
                if (IsOwn(row) && anchor.Exclude(row - _first) is >= 0 and var bin)
                    excluded[i].Add(anchor.Start + bin);
            foreach (int row in rows)
                if (anchor.Exclude(row - _first) is >= 0 and var bin)
                    excluded[i].Add(anchor.Start + bin);
        });
        ulong[][] all = Tell(told);
        for (int i = 0; i < all.Length; i++)
        {
            // Each process tells its rows in ascending order, and its rows follow those of the one before.
            foreach (ulong key in all[i])
                Sets.Feature.Add(first + i, RankedKey.Row(key), RankedKey.Similarity(key));
        }
        foreach (int bin in _shards.Gather<int>(CollectionsMarshal.AsSpan(excluded.SelectMany(bins => bins).ToList())))
            _histogram[bin]--;
    }

    /// <summary>The rows at the drawn ranks.</summary>
    private void TakeRanks(int first, int end)
    {
        var told = new List<ulong>[end - first];
        Each(end - first, (i, _) =>
        {
            Query query = _queries[i];
            told[i] = [];
            bool[] isOpen = new bool[query.Bins];
            int rank = 0;
            for (int bin = 0; bin < query.Bins && rank < _ranks.End; bin++)
            {
                int count = _histogram[query.Start + bin];
                isOpen[bin] = _ranks.Below(rank + count) > _ranks.Below(rank);
                rank += count;
            }
            query.Collect(bin => isOpen[bin], _first, told[i]);
        });
        ulong[][] all = Tell(told);
        Each(end - first, (i, _) => TakeRanks(_queries[i], all[i], first + i));
    }

    private void TakeRanks(Query query, ulong[] keys, int b)
    {
        RankedKey.SortDescending(keys);
        var taken = new List<ulong>(_ranks.Count);
        int rank = 0, at = 0;
        for (int bin = 0; bin < query.Bins && rank < _ranks.End; bin++)
        {
            int count = _histogram[query.Start + bin];
            foreach (int drawn in _ranks.Ranks[_ranks.Below(rank).._ranks.Below(rank + count)])
                taken.Add(keys[at + drawn - rank]);
            if (_ranks.Below(rank + count) > _ranks.Below(rank))
                at += count;
            rank += count;
        }
        taken.Sort((x, y) => RankedKey.Row(x).CompareTo(RankedKey.Row(y)));
        foreach (ulong key in taken)
            Sets.Negatives.Add(b, RankedKey.Row(key), RankedKey.Similarity(key));
    }

    /// <summary>What each process says of each item, by rank.</summary>
    private ulong[][] Tell(List<ulong>[] own)
    {
        int[] counts = _shards.Gather<int>([.. own.Select(keys => keys.Count)]);
        ulong[] keys = _shards.Gather<ulong>([.. own.SelectMany(keys => keys)]);
        int items = own.Length, from = 0;
        ulong[][] all = new ulong[items][];
        int[] filled = new int[items];
        for (int i = 0; i < items; i++)
        {
            int total = 0;
            for (int rank = 0; rank < _shards.Size; rank++)
                total += counts[rank * items + i];
            all[i] = new ulong[total];
        }
        for (int rank = 0; rank < _shards.Size; rank++)
        {
            for (int i = 0; i < items; i++)
            {
                int count = counts[rank * items + i];
                keys.AsSpan(from, count).CopyTo(all[i].AsSpan(filled[i]));
                (from, filled[i]) = (from + count, filled[i] + count);
            }
        }
        return all;
    }

    private Query Next()
    {
        if (_queries.Count == _count)
            _queries.Add(new Query());
        return _queries[_count++];
    }

    /// <summary>Other rows that agree with a row.</summary>
    private int Agreeing(int row) => _clusters is { } clusters && _options.NearestKeys > 0 ? clusters.Members(row).Length - 1 : 0;

    private int AtMostNearest(int row) => Math.Min(_options.NearestKeys, Agreeing(row));

    /// <summary>Ranks that an anchor's candidates must reach: K and the own row; the last drawn rank and all excluded rows.</summary>
    private int Needed(int excluded) =>
        (int)Math.Min(Math.Max(_options.NearestKeys + 1L, ByRank ? _ranks.End + 1L + excluded : 0), _rows);

    /// <summary>Rows of this process that agree with a row.</summary>
    private ReadOnlySpan<int> Members(int row)
    {
        if (Agreeing(row) == 0)
            return [];
        ReadOnlySpan<int> members = _clusters!.Members(row);
        int from = members.BinarySearch(_first), to = members.BinarySearch(_first + _bank.RowCount);
        return members[(from < 0 ? ~from : from)..(to < 0 ? ~to : to)];
    }
}
