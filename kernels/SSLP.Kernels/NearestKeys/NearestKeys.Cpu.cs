using System.Runtime.CompilerServices;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="INearestKeys"/> on the CPU: one pass of <see cref="ScoreTile"/> over the packed bank, whose tiles are compared with
/// per-query thresholds before anything is stored. Workers take chunks of the bank; every worker keeps its own candidates and the
/// lists meet at the end. For large k the thresholds start from a sample of the bank; a query that the sample served badly is
/// searched again without it, so the answer is exact either way.
/// Scratch: about 16 MB of candidates at most (k = 20, B = 256, two workers: 0.4 MB), whatever N is.
/// </summary>
public sealed unsafe class NearestKeysCpu : INearestKeys
{
    private const long CandidateBudgetBytes = 16 << 20;

    /// <summary>From here on lists are long enough for a sampled threshold to save more than the sample costs.</summary>
    private const int SampleFromK = 128;

    private readonly MemoryBank _bank;
    private readonly IWorkers _pool;
    private readonly QueryBlock _block = new();
    private readonly CandidateLists _lists = new();
    private readonly BankSample _sample;
    private readonly RankHistogram _histogram;
    private readonly ScanWork _scan;
    private readonly FinishWork _finish;
    private readonly AlignedBuffer<int> _ids = new();
    private readonly AlignedBuffer<int> _blockOwnRows = new();

    public NearestKeysCpu(MemoryBank bank, IWorkers pool, InstructionSet? isa = null)
    {
        InstructionSet lanes = isa ?? InstructionSets.Best;
        _bank = bank;
        _pool = pool;
        _sample = new BankSample(bank, pool, lanes);
        _histogram = new RankHistogram(bank, pool, lanes);
        _scan = new ScanWork(this, lanes);
        _finish = new FinishWork(this);
    }

    public void Find(MatrixView queries, ReadOnlySpan<int> ownRows, int k, Span<int> rows, Span<float> similarities)
    {
        NearestKeysLimits.CheckFind(_bank, queries, ownRows, k, rows, similarities);
        if (queries.Rows == 0)
            return;
        _ids.EnsureLength(queries.Rows);
        Span<int> ids = _ids.Span(0, queries.Rows);
        for (int b = 0; b < ids.Length; b++)
            ids[b] = b;
        fixed (int* rowsOut = rows)
        fixed (float* similaritiesOut = similarities)
        {
            _finish.SetOutput(k, rowsOut, similaritiesOut);
            bool sampled = k >= SampleFromK && _sample.IsWorthwhile;
            int missed = Search(queries, ownRows, ids, k, sampled);
            // A query whose sampled threshold was above its true k-th similarity found fewer than k rows: again, from −∞.
            if (missed > 0)
                Search(queries, ownRows, ids[..missed], k, sampled: false);
        }
    }

    public void SimilarityAtRanks(MatrixView queries, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> ranks, Span<float> similarities)
    {
        NearestKeysLimits.CheckRanks(_bank, queries, ownRows, ranks, similarities);
        if (queries.Rows == 0 || ranks.Length == 0)
            return;
        for (int start = 0; start < queries.Rows; start += RankHistogram.MaxQueries)
        {
            int count = Math.Min(RankHistogram.MaxQueries, queries.Rows - start);
            _block.Load(queries.Slice(start, count));
            _histogram.SimilarityAtRanks(
                _block, ownRows.IsEmpty ? ownRows : ownRows.Slice(start, count), ranks,
                similarities.Slice(start * ranks.Length, count * ranks.Length));
        }
    }

    public void Dispose()
    {
        _block.Dispose();
        _lists.Dispose();
        _sample.Dispose();
        _histogram.Dispose();
        _ids.Dispose();
        _blockOwnRows.Dispose();
    }

    /// <summary>
    /// Searches the given queries in groups whose candidates fit the budget. Moves the ids of queries that ended with fewer than k
    /// candidates to the front of <paramref name="ids"/> and returns how many they are.
    /// </summary>
    private int Search(MatrixView queries, ReadOnlySpan<int> ownRows, Span<int> ids, int k, bool sampled)
    {
        long listBytes = (long)_pool.Workers * CandidateLists.CapacityFor(k) * sizeof(ulong);
        int group = (int)Math.Clamp(CandidateBudgetBytes / listBytes / ScoreTile.Queries, 1, int.MaxValue / 8) * ScoreTile.Queries;
        int missed = 0;
        for (int start = 0; start < ids.Length; start += group)
        {
            Span<int> part = ids.Slice(start, Math.Min(group, ids.Length - start));
            LoadGroup(queries, ownRows, part);
            _lists.Reset(_pool.Workers, _block.PaddedCount, part.Length, k);
            if (sampled)
                _sample.SetThresholds(_block, k, _lists);
            _pool.Run(_scan, _scan.ChunkCount);
            _pool.Run(_finish, part.Length);
            foreach (int id in part)
            {
                if (_finish.Missed(id))
                    ids[missed++] = id;
            }
        }
        return missed;
    }

    private void LoadGroup(MatrixView queries, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> part)
    {
        _block.Load(queries, part);
        int* own = _blockOwnRows.EnsureLength(_block.PaddedCount);
        for (int i = 0; i < _block.PaddedCount; i++)
            own[i] = i < part.Length && !ownRows.IsEmpty ? ownRows[part[i]] : -1;
        _finish.SetGroup(part);
    }

    /// <summary>One item = one chunk of panels against every query of the group; each worker fills its own lists.</summary>
    private sealed class ScanWork(NearestKeysCpu owner, InstructionSet isa) : LanesWork(isa)
    {
        /// <summary>512 rows: long enough to hide an item's hand-out, short enough to share the end of the bank evenly.</summary>
        private readonly int _chunkPanels = Math.Clamp(owner._bank.PanelCount / (owner._pool.Workers * 16), 1, 16);

        public int ChunkCount => (owner._bank.PanelCount + _chunkPanels - 1) / _chunkPanels;

        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            int end = Math.Min(owner._bank.PanelCount, (item + 1) * _chunkPanels);
            for (int panel = item * _chunkPanels; panel < end; panel++)
                ScanPanel<TLanes, TVector>(panel, worker);
        }

        private void ScanPanel<TLanes, TVector>(int panel, int worker)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            float* tile = stackalloc float[ScoreTile.Queries * MemoryBank.PanelRows];
            QueryBlock block = owner._block;
            float* data = owner._bank.Panel(panel);
            float* thresholds = owner._lists.Thresholds(worker);
            int width = owner._bank.Width;
            var ahead = Prefetch.NextPanel(
                data, width, block.PaddedCount / ScoreTile.Queries * (MemoryBank.PanelRows / (2 * TLanes.Count)));
            for (int q = 0; q < block.PaddedCount; q += ScoreTile.Queries)
            {
                for (int lane = 0; lane < MemoryBank.PanelRows; lane += 2 * TLanes.Count)
                {
                    ScoreTile.Multiply<TLanes, TVector>(
                        block.Row(q), block.Stride, data + lane, MemoryBank.PanelRows, width, tile + lane, MemoryBank.PanelRows, ref ahead);
                }
                uint above = ScoreTile.RowsAbove<TLanes, TVector>(tile, thresholds + q);
                if (above != 0)
                    Offer<TLanes, TVector>(tile, above, q, worker, panel * MemoryBank.PanelRows);
            }
        }

        /// <summary>Out of line: the scoring loop must not hold registers for what happens once in hundreds of scores.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Offer<TLanes, TVector>(float* tile, uint above, int firstQuery, int worker, int firstRow)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            for (; above != 0; above &= above - 1)
            {
                int q = int.TrailingZeroCount((int)above);
                float* scores = tile + q * MemoryBank.PanelRows;
                int query = firstQuery + q;
                uint mask = ScoreTile.LanesAbove<TLanes, TVector>(scores, owner._lists.Thresholds(worker)[query]);
                owner._lists.Offer(worker, query, scores, mask, firstRow, owner._bank.RowCount, owner._blockOwnRows.Pointer[query]);
            }
        }
    }

    /// <summary>One item = one query of the group: the workers' candidates become its k rows, best first.</summary>
    private sealed class FinishWork(NearestKeysCpu owner) : IParallelWork
    {
        private int _k;
        private int* _rows;
        private float* _similarities;
        private int[] _ids = [];

        public void SetOutput(int k, int* rows, float* similarities)
        {
            _k = k;
            _rows = rows;
            _similarities = similarities;
        }

        /// <summary>Which query each of the group's is. Grows to the largest group and stays.</summary>
        public void SetGroup(ReadOnlySpan<int> ids)
        {
            if (_ids.Length < ids.Length)
                _ids = new int[ids.Length];
            ids.CopyTo(_ids);
        }

        /// <summary>Whether a query ended with too few candidates: its first output row says −1.</summary>
        public bool Missed(int id) => _rows[(nint)id * _k] < 0;

        public void Execute(int item, int worker)
        {
            int* rows = _rows + (nint)_ids[item] * _k;
            float* similarities = _similarities + (nint)_ids[item] * _k;
            Span<ulong> best = Merge(item);
            if (best.Length < _k)
            {
                rows[0] = -1;
                return;
            }
            RankedKey.SortDescending(best);
            for (int i = 0; i < best.Length; i++)
            {
                rows[i] = RankedKey.Row(best[i]);
                similarities[i] = RankedKey.Similarity(best[i]);
            }
        }

        /// <summary>
        /// The k best of all workers' lists, gathered into the first worker's: at most k + k are ever together, and a list holds that.
        /// </summary>
        private Span<ulong> Merge(int query)
        {
            Span<ulong> merged = owner._lists.WholeList(0, query);
            int count = Cut(merged, owner._lists.Found(0, query).Length);
            for (int worker = 1; worker < owner._pool.Workers; worker++)
            {
                Span<ulong> found = owner._lists.Found(worker, query);
                int kept = Cut(found, found.Length);
                found[..kept].CopyTo(merged[count..]);
                count = Cut(merged, count + kept);
            }
            return merged[..count];
        }

        private int Cut(Span<ulong> keys, int count)
        {
            if (count <= _k)
                return count;
            RankedKey.SelectLargest(keys[..count], _k);
            return _k;
        }
    }
}
