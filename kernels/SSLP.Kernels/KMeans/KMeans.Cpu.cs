using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IKMeans"/> on the CPU. Assignment: <see cref="ScoreTile"/> with centres for queries, six at a time against a panel of 32
/// rows, the best centre of each row kept in vectors; nothing of size N × clusters exists. Update: rows are listed by cluster and each
/// cluster's mean is summed front to back by one worker.
/// Scratch: 16·N bytes and two copies of the centres.
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

    public KMeansCpu(MemoryBank bank, IWorkers pool, InstructionSet? isa = null)
    {
        _bank = bank;
        _pool = pool;
        _assign = new AssignWork(this, isa ?? InstructionSets.Best);
        _mean = new MeanWork(this);
    }

    public MatrixView Centres => new(_centres.Data, _centres.Count, _bank.Width, _centres.Stride);

    public void Cluster(int clusters, int iterations, ReadOnlySpan<ulong> seeds, Span<int> labels)
    {
        clusters = KMeansRules.Check(_bank, clusters, iterations, seeds, labels);
        _order.EnsureLength(_bank.RowCount);
        _labels.EnsureLength(_bank.PanelCount * MemoryBank.PanelRows);
        _distances.EnsureLength(_bank.PanelCount * MemoryBank.PanelRows);
        _starts.EnsureLength(clusters + 1);
        for (int run = 0; run < seeds.Length; run++)
        {
            Start(clusters, seeds[run]);
            Assign();
            for (int iteration = 1; iteration < iterations; iteration++)
            {
                FillEmpty(clusters);
                ListByCluster(clusters);
                _pool.Run(_mean, clusters);
                Assign();
            }
            _labels.Span(0, _bank.RowCount).CopyTo(labels.Slice(run * _bank.RowCount, _bank.RowCount));
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
    }

    private void Start(int clusters, ulong seed)
    {
        Span<int> order = _order.Span(0, _bank.RowCount);
        KMeansRules.DrawStart(seed, clusters, order);
        _centres.Load(_bank.Rows, order[..clusters]);
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
        Span<int> counts = _starts.Span(0, clusters);
        counts.Clear();
        foreach (int label in labels)
            counts[label]++;
        Span<float> distances = _distances.Span(0, _bank.RowCount);
        for (int empty = 0; empty < clusters; empty++)
        {
            if (counts[empty] > 0)
                continue;
            int farthest = Farthest(labels, counts, distances);
            if (farthest < 0)
                return;
            counts[labels[farthest]]--;
            counts[empty] = 1;
            labels[farthest] = empty;
            distances[farthest] = 0;
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

    /// <summary>One item = one cluster: the mean of its rows, summed in ascending order; an empty one keeps its centre.</summary>
    private sealed class MeanWork(KMeansCpu owner) : IParallelWork
    {
        public void Execute(int item, int worker)
        {
            int start = owner._starts.Pointer[item], end = owner._starts.Pointer[item + 1];
            if (start == end)
                return;
            var mean = new Span<float>(owner._centres.Row(item), owner._bank.Width);
            mean.Clear();
            for (int i = start; i < end; i++)
                TensorPrimitives.Add(mean, owner._bank.Row(owner._order.Pointer[i]), mean);
            TensorPrimitives.Multiply(mean, 1f / (end - start), mean);
        }
    }
}
