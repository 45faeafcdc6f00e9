using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace SSLP.Kernels;

/// <summary>
/// One item = one split of the bank against all queries. Within it, for every chunk of 128 rows and every 24 queries:
/// scores (6×2V tiles over the packed panels), exponentials in place, weighted sum of rows (the same tile over the chunk's rows,
/// packed once a chunk into columns of 2V: straight from the bank they would fall into a few cache sets). Meanwhile the next chunk's
/// panels and rows are fetched: packing would otherwise wait for memory, a tenth of the time.
/// </summary>
internal sealed unsafe class SplitWork : LanesWork, IDisposable
{
    private const int ChunkPanels = 4;
    private const int ChunkRows = ChunkPanels * MemoryBank.PanelRows;
    private const int GroupQueries = 4 * ScoreTile.Queries;

    /// <summary>Enough splits for many cores, few enough for the partial sums to stay small: one for 4096 rows, at most 64.</summary>
    private const int SplitRows = 4096;
    public const int MaxSplits = 64;

    private readonly QueryBlock _block;
    private readonly MemoryBank _bank;
    private readonly SoftmaxPartials _partials;
    private readonly AlignedBuffer<float> _columns;
    private readonly AlignedBuffer<float> _weights;
    private readonly int _columnFloats;
    private float _exponentScale;

    public SplitWork(QueryBlock block, MemoryBank bank, SoftmaxPartials partials, int workers, InstructionSet isa) : base(isa)
    {
        (_block, _bank, _partials) = (block, bank, partials);
        Count = Math.Clamp(bank.RowCount / SplitRows, 1, MaxSplits);
        _columnFloats = (bank.Width + 31) / 32 * 32 * ChunkRows;
        _columns = new AlignedBuffer<float>((long)workers * _columnFloats);
        _weights = new AlignedBuffer<float>((long)workers * GroupQueries * ChunkRows);
    }

    /// <summary>Splits, a function of N alone.</summary>
    public int Count { get; }

    /// <summary>exp(s/τ) = 2^(s·log₂e/τ).</summary>
    public void Prepare(float temperature) => _exponentScale = (float)(1.0 / (Math.Log(2) * temperature));

    public void Dispose()
    {
        _columns.Dispose();
        _weights.Dispose();
    }

    protected override void Execute<TLanes, TVector>(int item, int worker)
    {
        int chunks = (_bank.PanelCount + ChunkPanels - 1) / ChunkPanels;
        int end = (int)((long)chunks * (item + 1) / Count);
        float* columns = _columns.Pointer + (nint)worker * _columnFloats;
        float* weights = _weights.Pointer + (nint)worker * GroupQueries * ChunkRows;
        _partials.Reset(item);
        for (int chunk = (int)((long)chunks * item / Count); chunk < end; chunk++)
        {
            PackColumns<TLanes, TVector>(chunk, columns);
            var rowsAhead = new Prefetch(
                _bank.Rows.Data + (nint)Math.Min((chunk + 1) * ChunkRows, _bank.RowCount) * _bank.Stride,
                (nint)Math.Clamp(_bank.RowCount - (chunk + 1) * ChunkRows, 0, ChunkRows) * _bank.Stride,
                _block.PaddedCount / ScoreTile.Queries * ((_bank.Width + 2 * TLanes.Count - 1) / (2 * TLanes.Count)));
            for (int q = 0; q < _block.PaddedCount; q += GroupQueries)
            {
                int queries = Math.Min(GroupQueries, _block.PaddedCount - q);
                Score<TLanes, TVector>(chunk, q, queries, weights);
                for (int i = 0; i < queries; i++)
                    Exponentiate<TLanes, TVector>(item, q + i, weights + i * ChunkRows);
                Accumulate<TLanes, TVector>(item, q, queries, columns, weights, ref rowsAhead);
            }
        }
    }

    /// <summary>
    /// columns[c][row][0..2V) = bank[chunk row][c·2V ..], zero rows beyond N. What the last column holds beyond D is summed and never read.
    /// </summary>
    private void PackColumns<TLanes, TVector>(int chunk, float* columns)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        int columnWidth = 2 * TLanes.Count, columnFloats = columnWidth * ChunkRows;
        int rows = Math.Min(ChunkRows, _bank.RowCount - chunk * ChunkRows);
        if (rows < ChunkRows)
            new Span<float>(columns, _columnFloats).Clear();
        for (int r = 0; r < rows; r++)
        {
            float* source = _bank.Rows.RowPointer(chunk * ChunkRows + r), target = columns + r * columnWidth;
            for (int d = 0; d < _bank.Width; d += columnWidth, target += columnFloats)
            {
                TLanes.Store(target, TLanes.Load(source + d));
                TLanes.Store(target + TLanes.Count, TLanes.Load(source + d + TLanes.Count));
            }
        }
    }

    /// <summary>weights[q, row] = scores of the chunk; −∞ beyond N.</summary>
    private void Score<TLanes, TVector>(int chunk, int firstQuery, int queries, float* weights)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        int firstPanel = chunk * ChunkPanels;
        int panels = Math.Min(ChunkPanels, _bank.PanelCount - firstPanel);
        var block = new ScorePass.Block(_block.Row(firstQuery), _block.Stride, queries, weights, ChunkRows);
        for (int p = 0; p < panels; p++, block.Scores += MemoryBank.PanelRows)
            ScorePass.Panel<TLanes, TVector>(_bank.Panel(firstPanel + p), _bank.Width, block, fetchNext: firstQuery == 0);
        int rows = _bank.RowCount - chunk * ChunkRows;
        for (int q = 0; rows < ChunkRows && q < queries; q++)
            new Span<float>(weights + q * ChunkRows + rows, ChunkRows - rows).Fill(float.NegativeInfinity);
    }

    /// <summary>
    /// Turns a query's scores of a chunk into exponentials relative to its largest score so far and adds them to its sum.
    /// </summary>
    private void Exponentiate<TLanes, TVector>(int split, int query, float* scores)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector top = TLanes.Load(scores);
        for (int i = TLanes.Count; i < ChunkRows; i += TLanes.Count)
            top = TLanes.Max(top, TLanes.Load(scores + i));
        float* largest = _partials.Largest(split, query);
        if (TLanes.GreaterMask(top, TLanes.Broadcast(*largest)) != 0)
            RaiseLargest(split, query, scores);

        float* sums = _partials.Sum(split, query);
        TVector scale = TLanes.Broadcast(_exponentScale), maximum = TLanes.Broadcast(*largest);
        // A part sums every 16th row, whatever the vectors' width: the same bits.
        for (int part = 0; part < SoftmaxPartials.SumLanes; part += TLanes.Count)
        {
            TVector sum = TLanes.Load(sums + part);
            for (int i = part; i < ChunkRows; i += SoftmaxPartials.SumLanes)
            {
                TVector relative = TLanes.Multiply(TLanes.Subtract(TLanes.Load(scores + i), maximum), scale);
                TVector weight = LanesExp.Exp2<TLanes, TVector>(relative);
                TLanes.Store(scores + i, weight);
                sum = TLanes.Add(sum, weight);
            }
            TLanes.Store(sums + part, sum);
        }
    }

    /// <summary>
    /// The chunk holds a larger score than all before: what was summed shrinks to be relative to it. Seldom (about ln(chunks) times
    /// a split), hence out of line.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RaiseLargest(int split, int query, float* scores)
    {
        float* largest = _partials.Largest(split, query);
        float top = TensorPrimitives.Max(new ReadOnlySpan<float>(scores, ChunkRows));
        float shrink = (float)Math.Exp(((double)*largest - top) * _exponentScale * Math.Log(2));
        *largest = top;
        var sums = new Span<float>(_partials.Sum(split, query), SoftmaxPartials.SumLanes);
        TensorPrimitives.Multiply(sums, shrink, sums);
        var weighted = new Span<float>(_partials.Weighted(split, query), _partials.Stride);
        TensorPrimitives.Multiply(weighted, shrink, weighted);
    }

    /// <summary>weighted[q] += Σ_row weights[q, row]·bank[row].</summary>
    private void Accumulate<TLanes, TVector>(int split, int firstQuery, int queries, float* columns, float* weights, ref Prefetch ahead)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        int columnWidth = 2 * TLanes.Count;
        nint stride = _partials.Stride;
        float* weighted = _partials.Weighted(split, firstQuery);
        for (int c = 0; c < _bank.Width; c += columnWidth, columns += columnWidth * ChunkRows)
        {
            for (int q = 0; q < queries; q += ScoreTile.Queries)
            {
                ScoreTile.MultiplyAdd<TLanes, TVector>(
                    weights + q * ChunkRows, ChunkRows, columns, columnWidth, ChunkRows, weighted + q * stride + c, stride, ref ahead);
            }
        }
    }
}
