namespace SSLP.Kernels;

/// <summary>
/// Starting thresholds for large k from 2048 rows spread evenly over the bank: the similarity whose rank in the sample is that of k
/// in the bank, lowered by four standard deviations of that count (binomial), so that nearly always k rows lie above it.
/// It is a guess that saves work; <see cref="NearestKeysCpu"/> makes up for the times it is too high.
/// </summary>
internal sealed unsafe class BankSample : IDisposable
{
    private const int Rows = 2048;
    private const int Panels = Rows / MemoryBank.PanelRows;

    /// <summary>The bank must be this many times the sample.</summary>
    private const int LeastRatio = 8;

    private readonly MemoryBank _bank;
    private readonly IWorkers _pool;
    private readonly SampleWork _work;
    private readonly AlignedBuffer<float> _panels = new();

    public BankSample(MemoryBank bank, IWorkers pool, InstructionSet isa)
    {
        _bank = bank;
        _pool = pool;
        _work = new SampleWork(this, isa);
    }

    public bool IsWorthwhile => _bank.RowCount >= LeastRatio * Rows;

    /// <summary>Sets the thresholds of a group's queries.</summary>
    public void SetThresholds(QueryBlock block, int k, CandidateLists lists)
    {
        double expected = (double)k * Rows / _bank.RowCount;
        int rank = (int)Math.Ceiling(expected + 4 * Math.Sqrt(expected) + 4);
        if (rank > Rows)
            return;
        Pack();
        _work.Prepare(block, lists, rank, _pool.Workers);
        _pool.Run(_work, block.PaddedCount / ScoreTile.Queries);
    }

    public void Dispose()
    {
        _panels.Dispose();
        _work.Dispose();
    }

    /// <summary>Copies the sampled rows into panels. They are taken anew each time: the bank moves.</summary>
    private void Pack()
    {
        float* panels = _panels.EnsureLength((long)Rows * _bank.Width);
        for (int i = 0; i < Rows; i++)
        {
            ReadOnlySpan<float> row = _bank.Row((int)((long)i * _bank.RowCount / Rows));
            float* lane = panels + (nint)(i / MemoryBank.PanelRows) * MemoryBank.PanelRows * _bank.Width + i % MemoryBank.PanelRows;
            for (int d = 0; d < row.Length; d++)
                lane[(nint)d * MemoryBank.PanelRows] = row[d];
        }
    }

    /// <summary>One item = one tile of queries against the whole sample.</summary>
    private sealed class SampleWork(BankSample owner, InstructionSet isa) : LanesWork(isa), IDisposable
    {
        private readonly AlignedBuffer<float> _scores = new();
        private readonly AlignedBuffer<ulong> _keys = new();
        private QueryBlock? _block;
        private CandidateLists? _lists;
        private int _rank;

        public void Prepare(QueryBlock block, CandidateLists lists, int rank, int workers)
        {
            (_block, _lists, _rank) = (block, lists, rank);
            _scores.EnsureLength((long)workers * ScoreTile.Queries * Rows);
            _keys.EnsureLength((long)workers * Rows);
        }

        public void Dispose()
        {
            _scores.Dispose();
            _keys.Dispose();
        }

        protected override void Execute<TLanes, TVector>(int item, int worker)
        {
            int firstQuery = item * ScoreTile.Queries;
            float* scores = _scores.Pointer + (nint)worker * ScoreTile.Queries * Rows;
            var tiles = new ScorePass.Block(_block!.Row(firstQuery), _block.Stride, ScoreTile.Queries, scores, Rows);
            for (int panel = 0; panel < Panels; panel++, tiles.Scores += MemoryBank.PanelRows)
            {
                float* data = owner._panels.Pointer + (nint)panel * MemoryBank.PanelRows * owner._bank.Width;
                ScorePass.Panel<TLanes, TVector>(data, owner._bank.Width, tiles, fetchNext: false);
            }
            Span<ulong> keys = _keys.Span((long)worker * Rows, Rows);
            for (int q = firstQuery; q < Math.Min(_block.Count, firstQuery + ScoreTile.Queries); q++, scores += Rows)
            {
                for (int i = 0; i < Rows; i++)
                    keys[i] = RankedKey.Of(scores[i], i);
                RankedKey.SelectLargest(keys, _rank);
                _lists!.SetThreshold(q, RankedKey.Similarity(keys[_rank - 1]));
            }
        }
    }
}
