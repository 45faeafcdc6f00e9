using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IKMeans"/> on the CPU. Assignment: <see cref="ScoreTile"/> with centres for queries, six at a time against a panel of 32
/// rows, the best centre of each row kept in vectors; nothing of size N × clusters exists. Update: rows are listed by cluster and each
/// cluster's mean is summed front to back by one worker.
/// Scratch: 16·N bytes and three copies of the centres. Where several processes hold a bank, each assigns its own rows, and a mean is
/// summed by one after the other in the order of the rows: the same bits as in one.
/// </summary>
internal sealed unsafe class KMeansCpu : IKMeans
{
    private readonly MemoryBank _bank;
    private readonly IWorkers _pool;
    private readonly AssignWork _assign;
    private readonly MeanWork _mean;
    private readonly QueryBlock _centres = new();
    private readonly AlignedBuffer<float> _halfNorms = new();
    private readonly AlignedBuffer<int> _order = new();
    private readonly AlignedBuffer<int> _labels = new();
    private readonly AlignedBuffer<float> _distances = new();
    private readonly AlignedBuffer<int> _starts = new();
    private readonly AlignedBuffer<float> _sums = new();
    private readonly IShards _shards;
    private readonly Far[] _far; // one a process
    private readonly int _allRows, _firstRow;
    private int[] _counts = []; // rows of each cluster, in all processes

    /// <param name="bank">Borrowed: the rows, or this process's part of them.</param>
    /// <param name="pool">Threads; borrowed.</param>
    /// <param name="isa">Width of the vectors; null: the widest that the processor accelerates.</param>
    /// <param name="shards">The processes that hold the rows; null: this one does.</param>
    /// <param name="allRows">N, where several hold them.</param>
    public KMeansCpu(MemoryBank bank, IWorkers pool, InstructionSet? isa = null, IShards? shards = null, int? allRows = null)
    {
        _bank = bank;
        _pool = pool;
        _shards = shards ?? OneShard.Instance;
        _far = new Far[_shards.Size];
        _allRows = allRows ?? bank.RowCount;
        _firstRow = ShardRows.First(_allRows, _shards.Rank, _shards.Size);
        _assign = new AssignWork(this, isa ?? InstructionSets.Best);
        _mean = new MeanWork(this);
    }

    public MatrixView Centres => new(_centres.Data, _centres.Count, _bank.Width, _centres.Stride);

    public void Cluster(int clusters, int iterations, ReadOnlySpan<ulong> seeds, Span<int> labels)
    {
        clusters = KMeansRules.Check(_allRows, clusters, iterations, seeds, labels);
        _order.EnsureLength(_allRows);
        _labels.EnsureLength(_bank.PanelCount * MemoryBank.PanelRows);
        _distances.EnsureLength(_bank.PanelCount * MemoryBank.PanelRows);
        _starts.EnsureLength(clusters + 1);
        if (_counts.Length < clusters)
            _counts = new int[clusters];
        for (int run = 0; run < seeds.Length; run++)
        {
            Start(clusters, seeds[run]);
            Assign();
            for (int iteration = 1; iteration < iterations; iteration++)
            {
                FillEmpty(clusters);
                ListByCluster(clusters);
                SumClusters(clusters);
                Assign();
            }
            _shards.Gather<int>(_labels.Span(0, _bank.RowCount), labels.Slice(run * _allRows, _allRows));
        }
    }

    public void Dispose()
    {
        _centres.Dispose();
        _halfNorms.Dispose();
        _order.Dispose();
        _labels.Dispose();
        _distances.Dispose();
        _starts.Dispose();
        _sums.Dispose();
    }

    private void Start(int clusters, ulong seed)
    {
        Span<int> order = _order.Span(0, _allRows);
        KMeansRules.DrawStart(seed, clusters, order);
        _centres.Clear(clusters, _bank.Width);
        for (int c = 0; c < clusters; c++)
            if (order[c] - _firstRow is >= 0 and var row && row < _bank.RowCount)
                _bank.Row(row).CopyTo(new Span<float>(_centres.Row(c), _bank.Width));
        _shards.Sum(new Span<float>(_centres.Data, clusters * _centres.Stride));
        _halfNorms.EnsureLength(_centres.PaddedCount);
    }

    private void Assign()
    {
        // The tile's padding centres are infinitely long: never the nearest.
        for (int c = 0; c < _centres.PaddedCount; c++)
        {
            var centre = new ReadOnlySpan<float>(_centres.Row(c), _bank.Width);
            _halfNorms.Pointer[c] = c < _centres.Count ? 0.5f * OrderedSums.Squares(centre) : float.PositiveInfinity;
        }
        _pool.Run(_assign, _assign.ChunkCount);
    }

    /// <summary>Seeds empty clusters anew, in ascending order, each at the farthest row that its cluster can spare.</summary>
    private void FillEmpty(int clusters)
    {
        Span<int> labels = _labels.Span(0, _bank.RowCount);
        Span<int> counts = _counts.AsSpan(0, clusters);
        counts.Clear();
        foreach (int label in labels)
            counts[label]++;
        _shards.Sum(counts);
        Span<float> distances = _distances.Span(0, _bank.RowCount);
        for (int empty = 0; empty < clusters; empty++)
        {
            if (counts[empty] > 0)
                continue;
            int own = Farthest(labels, counts, distances);
            _shards.Gather<Far>([own < 0 ? Far.None : new(distances[own], labels[own], own + _firstRow)], _far);
            Far farthest = Far.None;
            foreach (Far far in _far)
                if (far.Row >= 0 && (farthest.Row < 0 || far.Distance > farthest.Distance))
                    farthest = far;
            if (farthest.Row < 0)
                return;
            counts[farthest.Label]--;
            counts[empty] = 1;
            if (farthest.Row - _firstRow is >= 0 and var row && row < labels.Length)
            {
                labels[row] = empty;
                distances[row] = 0;
            }
        }
    }

    /// <summary>The row farthest from its centre among those whose cluster has others; −1 if none lies off its centre.</summary>
    private static int Farthest(ReadOnlySpan<int> labels, ReadOnlySpan<int> counts, ReadOnlySpan<float> distances)
    {
        // ‖v‖² − 2⟨v,c⟩ + ‖c‖² of a row at its centre is 0 to a few roundings of unit size.
        const float AtCentre = 1e-6f;
        int farthest = -1;
        for (int row = 0; row < labels.Length; row++)
        {
            if (distances[row] > AtCentre && counts[labels[row]] > 1 && (farthest < 0 || distances[row] > distances[farthest]))
                farthest = row;
        }
        return farthest;
    }

    /// <summary>The means, one process's rows added after another's.</summary>
    private void SumClusters(int clusters)
    {
        int length = clusters * _centres.Stride;
        _sums.EnsureLength(length);
        Span<float> sums = _sums.Span(0, length);
        sums.Clear();
        for (int rank = 0; rank < _shards.Size; rank++)
        {
            if (rank == _shards.Rank)
                _pool.Run(_mean, clusters);
            _shards.Broadcast(sums, rank);
        }
        for (int c = 0; c < clusters; c++)
            if (_counts[c] > 0)
                TensorPrimitives.Multiply(
                    sums.Slice(c * _centres.Stride, _bank.Width), 1f / _counts[c], new Span<float>(_centres.Row(c), _bank.Width));
    }

    /// <summary>A stable counting sort: order[starts[c] .. starts[c+1]) are cluster c's rows in ascending order.</summary>
    private void ListByCluster(int clusters)
    {
        Span<int> starts = _starts.Span(0, clusters + 1);
        Span<int> order = _order.Span(0, _bank.RowCount);
        ReadOnlySpan<int> labels = _labels.Span(0, _bank.RowCount);
        starts.Clear();
        foreach (int label in labels)
            starts[label + 1]++;
        for (int c = 0; c < clusters; c++)
            starts[c + 1] += starts[c];
        for (int row = 0; row < labels.Length; row++)
            order[starts[labels[row]]++] = row;
        // Each start has moved to its cluster's end, which is the next one's start.
        for (int c = clusters; c > 0; c--)
            starts[c] = starts[c - 1];
        starts[0] = 0;
    }

    /// <summary>One item = one chunk of rows against all centres.</summary>
    private sealed class AssignWork(KMeansCpu owner, InstructionSet isa) : LanesWork(isa)
    {
        private const int ChunkPanels = 8;

        public int ChunkCount => (owner._bank.PanelCount + ChunkPanels - 1) / ChunkPanels;

        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            float* best = stackalloc float[MemoryBank.PanelRows];
            float* nearest = stackalloc float[MemoryBank.PanelRows];
            int end = Math.Min(owner._bank.PanelCount, (item + 1) * ChunkPanels);
            for (int panel = item * ChunkPanels; panel < end; panel++)
            {
                AssignPanel<TLanes, TVector>(owner._bank.Panel(panel), best, nearest);
                WriteLabels(panel, best, nearest);
            }
        }

        /// <summary>best[lane] = max_c ⟨v, c⟩ − ‖c‖²/2 and nearest[lane] the least c that reaches it.</summary>
        private void AssignPanel<TLanes, TVector>(float* panel, float* best, float* nearest)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            float* tile = stackalloc float[ScoreTile.Queries * MemoryBank.PanelRows];
            new Span<float>(best, MemoryBank.PanelRows).Fill(float.NegativeInfinity);
            new Span<float>(nearest, MemoryBank.PanelRows).Clear();
            QueryBlock centres = owner._centres;
            var ahead = Prefetch.NextPanel(
                panel, owner._bank.Width, centres.PaddedCount / ScoreTile.Queries * (MemoryBank.PanelRows / (2 * TLanes.Count)));
            for (int c = 0; c < centres.PaddedCount; c += ScoreTile.Queries)
            {
                for (int lane = 0; lane < MemoryBank.PanelRows; lane += 2 * TLanes.Count)
                {
                    ScoreTile.Multiply<TLanes, TVector>(
                        centres.Row(c), centres.Stride, panel + lane, MemoryBank.PanelRows, owner._bank.Width,
                        tile + lane, MemoryBank.PanelRows, ref ahead);
                }
                KeepBest<TLanes, TVector>(tile, owner._halfNorms.Pointer + c, c, best, nearest);
            }
        }

        private static void KeepBest<TLanes, TVector>(float* tile, float* halfNorms, int firstCentre, float* best, float* nearest)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            for (int lane = 0; lane < MemoryBank.PanelRows; lane += TLanes.Count)
            {
                TVector highest = TLanes.Load(best + lane), centre = TLanes.Load(nearest + lane);
                for (int i = 0; i < ScoreTile.Queries; i++)
                {
                    TVector score = TLanes.Subtract(TLanes.Load(tile + i * MemoryBank.PanelRows + lane), TLanes.Broadcast(halfNorms[i]));
                    centre = TLanes.SelectGreater(score, highest, TLanes.Broadcast(firstCentre + i), centre);
                    highest = TLanes.Max(score, highest);
                }
                TLanes.Store(best + lane, highest);
                TLanes.Store(nearest + lane, centre);
            }
        }

        private void WriteLabels(int panel, float* best, float* nearest)
        {
            int firstRow = panel * MemoryBank.PanelRows;
            int rows = Math.Min(MemoryBank.PanelRows, owner._bank.RowCount - firstRow);
            for (int lane = 0; lane < rows; lane++)
            {
                float squared = OrderedSums.Squares(owner._bank.Row(firstRow + lane));
                owner._labels.Pointer[firstRow + lane] = (int)nearest[lane];
                owner._distances.Pointer[firstRow + lane] = squared - 2 * best[lane];
            }
        }
    }

    /// <summary>One item = one cluster: the sum of its rows, in ascending order, on top of what other processes' rows gave.</summary>
    private sealed class MeanWork(KMeansCpu owner) : IParallelWork
    {
        public void Execute(int item, int worker)
        {
            int start = owner._starts.Pointer[item], end = owner._starts.Pointer[item + 1];
            var sum = new Span<float>(owner._sums.Pointer + (nint)item * owner._centres.Stride, owner._bank.Width);
            for (int i = start; i < end; i++)
                TensorPrimitives.Add(sum, owner._bank.Row(owner._order.Pointer[i]), sum);
        }
    }

    /// <summary>A row that an empty cluster may begin at.</summary>
    private readonly record struct Far(float Distance, int Label, int Row)
    {
        public static Far None => new(0, 0, -1);
    }
}
