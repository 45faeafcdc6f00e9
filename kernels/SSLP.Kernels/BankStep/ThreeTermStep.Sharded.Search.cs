using System.Numerics;

namespace SSLP.Kernels;

// F and the negatives by rank.
internal sealed unsafe partial class ThreeTermStepSharded
{
    /// <summary>What the candidates of a block may hold in a process.</summary>
    private const long BlockBytes = 96L << 20;

    private const int MinBins = 1 << 8, MaxBins = 1 << 16;

    private readonly List<Query> _queries = []; // of the running block, anchors first
    private readonly RowLists _near = new(), _excluded = new(); // of the block's anchors: rows of F, and bins that lose a candidate
    private readonly Items _findCandidates, _measure, _fill, _findNearest, _findFeature, _openRanks, _takeRanks;
    private readonly List<int> _auxiliaryRows = [];
    private float[] _auxiliary = []; // [auxiliary anchors that query, D]
    private Spread[] _spreads = [], _allSpreads = [];
    private int[] _histogram = [], _needed = [], _auxiliaryStarts = [], _ownExcluded = [], _allExcluded = [];
    private int _count, _blockFirst, _blockLength;

    /// <summary>Blocks of anchors, the same in every process.</summary>
    private void Search()
    {
        long candidates = Math.Min(_rows / _shards.Size + 1L, Needed(0) + Needed(0) / 8L)
            + _options.AuxiliaryAnchors * Math.Min(_rows / _shards.Size + 1L, 2L * _options.NearestKeys);
        int length = (int)Math.Clamp(BlockBytes / (sizeof(float) * (candidates + MaxBins)), 1, _batch);
        ShareAuxiliary();
        int vector = 0;
        for (int first = 0; first < _batch; first += length)
            SearchBlock(first, Math.Min(first + length, _batch), ref vector);
    }

    /// <summary>Vectors of the auxiliary anchors that query, one after the other in the order of their anchors.</summary>
    private void ShareAuxiliary()
    {
        _auxiliaryRows.Clear();
        for (int b = 0; b < _batch; b++)
            foreach (int a in Sets.Auxiliary[b])
                if (Agreeing(a) > 0)
                    _auxiliaryRows.Add(a);
        Span<float> values = Room(ref _auxiliary, _auxiliaryRows.Count * _bank.Width);
        values.Clear(); // of rows that others hold
        for (int i = 0; i < _auxiliaryRows.Count; i++)
            if (IsOwn(_auxiliaryRows[i]))
                OwnRow(_auxiliaryRows[i]).CopyTo(values[(i * _bank.Width)..]);
        _shards.Sum(values);
    }

    private void SearchBlock(int first, int end, ref int vector)
    {
        (_count, _blockFirst, _blockLength) = (0, first, end - first);
        for (int b = first; b < end; b++)
        {
            int excluded = Sets.Spatial.Length(b) + AtMostNearest(_anchors[b]);
            foreach (int a in Sets.Auxiliary[b])
                excluded += AtMostNearest(a);
            Next().Set(b, _anchors[b], isAnchor: true, vector: b, Needed(excluded));
        }
        for (int b = first; b < end; b++)
            foreach (int a in Sets.Auxiliary[b])
                if (Agreeing(a) > 0)
                    Next().Set(b, a, isAnchor: false, vector++, Math.Min(_options.NearestKeys + 1, _rows));
        Room(ref _needed, _count);
        _pool.Run(_findCandidates, _passes.Length);
        CountBins();
        FindNearest();
        ShareFeature();
        if (ByRank)
            TakeRanks();
    }

    private void FindCandidates(int share, int worker)
    {
        int from = (int)((long)_count * share / _passes.Length), to = (int)((long)_count * (share + 1) / _passes.Length);
        if (from == to)
            return;
        CandidatePass pass = _passes[share];
        pass.Begin(to - from);
        for (int q = from; q < to; q++)
        {
            pass.SetQuery(q - from, _queries[q].IsAnchor
                ? _features.Row(_queries[q].Vector) : _auxiliary.AsSpan(_queries[q].Vector * _bank.Width, _bank.Width));
            // However the ranks are spread over the processes: all of them may lie in one.
            _needed[q] = Math.Min(_queries[q].Needed, _bank.RowCount);
        }
        pass.Run(_needed.AsSpan(from, to - from));
        for (int q = from; q < to; q++)
            _queries[q].List = pass[q - from];
    }

    /// <summary>Histograms of the candidates of all processes, the query's own row left out.</summary>
    private void CountBins()
    {
        Span<Spread> own = Room(ref _spreads, _count), all = Room(ref _allSpreads, _count * _shards.Size);
        _pool.Run(_measure, _count);
        _shards.Gather<Spread>(own, all);
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
        Span<int> histogram = Room(ref _histogram, bins);
        histogram.Clear();
        _pool.Run(_fill, _count);
        _shards.Sum(histogram);
    }

    private void Measure(int q, int worker) => _spreads[q] = _queries[q].Measure(_queries[q].Own - _first);

    private void Fill(int q, int worker) => _queries[q].Fill(_histogram.AsSpan(_queries[q].Start, _queries[q].Bins));

    /// <summary>Where the K-th nearest key of each query lies that has rows to agree with.</summary>
    private void FindNearest()
    {
        _told.Begin(_count);
        _pool.Run(_findNearest, _count);
        _told.Tell();
        for (int q = 0; q < _count; q++)
        {
            Span<ulong> keys = _told[q];
            RankedKey.SortDescending(keys);
            _queries[q].LastKey = keys.Length > 0 ? keys[_queries[q].NearestInBin - 1] : ulong.MaxValue;
        }
    }

    private void FindNearest(int q, int worker)
    {
        Query query = _queries[q];
        query.NearestBin = 0;
        if (Agreeing(query.Own) == 0)
            return;
        int before = 0;
        ReadOnlySpan<int> counts = _histogram.AsSpan(query.Start, query.Bins);
        for (; query.NearestBin < query.Bins && before + counts[query.NearestBin] <= _options.NearestKeys; query.NearestBin++)
            before += counts[query.NearestBin];
        query.NearestInBin = _options.NearestKeys - before;
        if (query.NearestBin < query.Bins && query.NearestInBin > 0)
            query.Collect([true], query.NearestBin, _first, _scratch[worker], _told.Own(q));
    }

    /// <summary>F of the block's anchors: each process's part from its own rows.</summary>
    private void ShareFeature()
    {
        int next = _blockLength;
        Span<int> starts = Room(ref _auxiliaryStarts, _blockLength + 1);
        for (int i = 0; i < _blockLength; i++)
        {
            starts[i] = next;
            while (next < _count && _queries[next].Anchor == _blockFirst + i)
                next++;
        }
        starts[^1] = next;
        _near.Reset(_blockLength);
        _excluded.Reset(_blockLength);
        _told.Begin(_blockLength);
        _pool.Run(_findFeature, _blockLength);
        _told.Tell();
        for (int i = 0; i < _blockLength; i++)
        {
            // Each process tells its rows in ascending order, and its rows follow those of the one before.
            foreach (ulong key in _told[i])
                Sets.Feature.Add(_blockFirst + i, RankedKey.Row(key), RankedKey.Similarity(key));
        }
        Span<int> own = Room(ref _ownExcluded, (int)_excluded.Total);
        for (int i = 0, at = 0; i < _blockLength; at += _excluded.Length(i++))
            _excluded[i].CopyTo(own[at..]);
        int all = _shards.Gather<int>(own, ref _allExcluded);
        foreach (int bin in _allExcluded.AsSpan(0, all))
            _histogram[bin]--;
    }

    private void FindFeature(int i, int worker)
    {
        Query anchor = _queries[i];
        anchor.AddNearest(Members(anchor.Own), _first, anchor.Own, _near, i);
        for (int q = _auxiliaryStarts[i]; q < _auxiliaryStarts[i + 1]; q++)
            _queries[q].AddNearest(Members(_queries[q].Own), _first, anchor.Own, _near, i);
        Span<int> rows = _near.Rows(i);
        rows.Sort();
        rows = rows[..Distinct(rows)];
        foreach (int row in rows)
            _told.Own(i).Add(RankedKey.Of(
                anchor.TryScore(row - _first, out float score) ? score
                    : OrderedSums.Dot(_features.Row(anchor.Anchor), OwnRow(row)), row));
        foreach (int row in Sets.Spatial[anchor.Anchor])
            if (IsOwn(row) && anchor.Exclude(row - _first) is >= 0 and var bin)
                _excluded.Add(i, anchor.Start + bin);
        foreach (int row in rows)
            if (anchor.Exclude(row - _first) is >= 0 and var bin)
                _excluded.Add(i, anchor.Start + bin);
    }

    /// <summary>Brings the distinct ones of sorted numbers to the front.</summary>
    /// <returns>How many they are.</returns>
    private static int Distinct(Span<int> sorted)
    {
        int count = 0;
        foreach (int number in sorted)
            if (count == 0 || sorted[count - 1] != number)
                sorted[count++] = number;
        return count;
    }

    /// <summary>The rows at the drawn ranks.</summary>
    private void TakeRanks()
    {
        _told.Begin(_blockLength);
        _pool.Run(_openRanks, _blockLength);
        _told.Tell();
        _pool.Run(_takeRanks, _blockLength);
    }

    /// <summary>Tells the candidates of the bins that a drawn rank lies in.</summary>
    private void OpenRanks(int i, int worker)
    {
        Query query = _queries[i];
        Span<bool> isOpen = Room(ref _scratch[worker].IsOpen, query.Bins);
        isOpen.Clear();
        int rank = 0;
        for (int bin = 0; bin < query.Bins && rank < _ranks.End; bin++)
        {
            int count = _histogram[query.Start + bin];
            isOpen[bin] = _ranks.Below(rank + count) > _ranks.Below(rank);
            rank += count;
        }
        query.Collect(isOpen, 0, _first, _scratch[worker], _told.Own(i));
    }

    private void TakeRanks(int i, int worker)
    {
        Query query = _queries[i];
        Span<ulong> keys = _told[i];
        RankedKey.SortDescending(keys);
        List<ulong> taken = _scratch[worker].Taken;
        taken.Clear();
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
        taken.Sort(static (x, y) => RankedKey.Row(x).CompareTo(RankedKey.Row(y)));
        foreach (ulong key in taken)
            Sets.Negatives.Add(_blockFirst + i, RankedKey.Row(key), RankedKey.Similarity(key));
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
