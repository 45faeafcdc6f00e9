using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>
/// Counts, for each query, how many bank rows fall into each of 4096 equal bins of similarity over [−‖q‖, ‖q‖], in one pass over the
/// bank; the similarity at a rank is then found from the counts. Counts are exact. Bytes: workers · ⌈B⌉₆ · 16 KB, B at most 384 a pass.
/// </summary>
internal sealed unsafe class RankHistogram : IDisposable
{
    /// <summary>Queries of one pass: 64 groups of six, 6.3 MB of counts a worker.</summary>
    public const int MaxQueries = 64 * ScoreTile.Queries;

    private const int Bins = NearestKeysLimits.Bins;

    /// <summary>Rows of a chunk: many enough to pay for bringing a tile's histograms into the cache once.</summary>
    private const int ChunkPanels = 128;

    private readonly MemoryBank _bank;
    private readonly IWorkers _pool;
    private readonly CountWork _work;
    private readonly AlignedBuffer<int> _counts = new();
    private readonly AlignedBuffer<float> _scales = new();

    public RankHistogram(MemoryBank bank, IWorkers pool, InstructionSet isa)
    {
        _bank = bank;
        _pool = pool;
        _work = new CountWork(this, isa);
    }

    /// <summary>similarities[B, R]: the middle of the bin that holds each rank.</summary>
    public void SimilarityAtRanks(QueryBlock block, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> ranks, Span<float> similarities)
    {
        long perWorker = (long)block.PaddedCount * Bins;
        _counts.EnsureLength(perWorker * _pool.Workers);
        for (int worker = 0; worker < _pool.Workers; worker++)
            new Span<int>(_counts.Pointer + worker * perWorker, (int)perWorker).Clear();
        SetScales(block);
        _work.Prepare(block);
        _pool.Run(_work, (_bank.PanelCount + ChunkPanels - 1) / ChunkPanels);
        for (int q = 0; q < block.Count; q++)
        {
            Span<int> counts = Total(q, perWorker);
            RemoveWhatIsNoCandidate(counts, block, q, ownRows.IsEmpty ? -1 : ownRows[q]);
            for (int i = 0; i < ranks.Length; i++)
                similarities[q * ranks.Length + i] = AtRank(counts, ranks[i], _scales.Pointer[q]);
        }
    }

    public void Dispose()
    {
        _counts.Dispose();
        _scales.Dispose();
    }

    /// <summary>Bins to a unit of similarity: a hair under 4096 / (2‖q‖), so that ±‖q‖ stay inside; 0 for a zero query.</summary>
    private void SetScales(QueryBlock block)
    {
        float* scales = _scales.EnsureLength(block.PaddedCount);
        for (int q = 0; q < block.PaddedCount; q++)
        {
            double squared = 0;
            for (int d = 0; d < block.Stride; d++)
                squared += (double)block.Row(q)[d] * block.Row(q)[d];
            scales[q] = squared == 0 ? 0 : (float)((1 - 1e-6) * (Bins / 2) / Math.Sqrt(squared));
        }
    }

    private Span<int> Total(int query, long perWorker)
    {
        var total = new Span<int>(_counts.Pointer + (nint)query * Bins, Bins);
        for (int worker = 1; worker < _pool.Workers; worker++)
        {
            var part = new ReadOnlySpan<int>(_counts.Pointer + worker * perWorker + (nint)query * Bins, Bins);
            TensorPrimitives.Add(total, part, total);
        }
        return total;
    }

    /// <summary>Takes back the query's own row and the panel lanes beyond row N, which scored 0.</summary>
    private void RemoveWhatIsNoCandidate(Span<int> counts, QueryBlock block, int query, int ownRow)
    {
        float scale = _scales.Pointer[query];
        counts[BinOf(0, scale)] -= _bank.PanelCount * MemoryBank.PanelRows - _bank.RowCount;
        if (ownRow < 0)
            return;
        float score = ScoreTile.Dot(block.Row(query), _bank.Rows.RowPointer(ownRow), _bank.Width);
        counts[BinOf(score, scale)]--;
    }

    private static int BinOf(float score, float scale) =>
        (int)Math.Clamp(MathF.FusedMultiplyAdd(score, scale, Bins / 2), 0f, Bins - 1f);

    private static float AtRank(ReadOnlySpan<int> counts, int rank, float scale)
    {
        long above = 0;
        for (int bin = Bins - 1; bin >= 0; bin--)
        {
            above += counts[bin];
            if (above > rank)
                return scale == 0 ? 0 : (bin + 0.5f - Bins / 2) / scale;
        }
        throw new InvalidOperationException($"Rank {rank} lies beyond the {above} rows counted.");
    }

    /// <summary>One item = one chunk of rows against all queries; each worker counts into its own histograms.</summary>
    private sealed class CountWork(RankHistogram owner, InstructionSet isa) : LanesWork(isa)
    {
        private QueryBlock? _block;

        public void Prepare(QueryBlock block) => _block = block;

        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            const int TileFloats = ScoreTile.Queries * MemoryBank.PanelRows;
            float* tile = stackalloc float[TileFloats];
            int* bins = stackalloc int[TileFloats];
            int end = Math.Min(owner._bank.PanelCount, (item + 1) * ChunkPanels);
            int* counts = owner._counts.Pointer + (nint)worker * _block!.PaddedCount * Bins;
            // Queries outside, panels inside: six histograms (96 KB) stay in the second-level cache for the whole chunk.
            for (int q = 0; q < _block.PaddedCount; q += ScoreTile.Queries)
            {
                var block = new ScorePass.Block(_block.Row(q), _block.Stride, ScoreTile.Queries, tile, MemoryBank.PanelRows);
                for (int panel = item * ChunkPanels; panel < end; panel++)
                {
                    ScorePass.Panel<TLanes, TVector>(owner._bank.Panel(panel), owner._bank.Width, block, fetchNext: q == 0);
                    FindBins<TLanes, TVector>(tile, owner._scales.Pointer + q, bins);
                    Count(bins, counts + (nint)q * Bins);
                }
            }
        }

        private static void FindBins<TLanes, TVector>(float* tile, float* scales, int* bins)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            TVector middle = TLanes.Broadcast(Bins / 2), last = TLanes.Broadcast(Bins - 1f);
            for (int q = 0; q < ScoreTile.Queries; q++)
            {
                TVector scale = TLanes.Broadcast(scales[q]);
                for (int i = 0; i < MemoryBank.PanelRows; i += TLanes.Count, tile += TLanes.Count, bins += TLanes.Count)
                {
                    TVector bin = TLanes.MultiplyAdd(TLanes.Load(tile), scale, middle);
                    TLanes.StoreAsInt32(bins, TLanes.Max(TLanes.Min(bin, last), default));
                }
            }
        }

        private static void Count(int* bins, int* counts)
        {
            for (int q = 0; q < ScoreTile.Queries; q++, counts += Bins)
            {
                for (int i = 0; i < MemoryBank.PanelRows; i++)
                    counts[bins[i]]++;
                bins += MemoryBank.PanelRows;
            }
        }
    }
}
