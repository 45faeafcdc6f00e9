namespace SSLP.Kernels;

/// <summary>
/// Streams the bank once past a block of queries and leaves each query's candidates: all rows down to a rank that the caller needs.
/// A panel of the bank is loaded once for all queries of the block. Scratch of one thread; no score outlives its tile but the candidates'.
/// </summary>
/// <remarks>
/// Multiply-adds: Q·N·D, and Q·(sample rows)·D for the thresholds. Bytes: the packed bank once; 4 written for each candidate.
/// </remarks>
internal sealed unsafe class CandidatePass(MemoryBank bank, ScoreSample sample, InstructionSet isa) : IDisposable
{
    /// <summary>Rows scored between two compactions: at D = 128 64 KB of panels, and the scores of 128 queries are no more.</summary>
    private const int TileRows = CandidateList.Stretch;
    private const int TilePanels = TileRows / MemoryBank.PanelRows;

    private readonly AlignedBuffer<float> _queries = new();
    private readonly AlignedBuffer<float> _tile = new();
    private readonly AlignedBuffer<float> _sampleScores = new();
    private readonly AlignedBuffer<float> _bankScores = new();
    private readonly AlignedBuffer<float> _oneQuery = new();
    private readonly AlignedBuffer<float> _listScores = new();
    private readonly List<CandidateList> _lists = [];
    private int _count, _padded;

    /// <summary>Candidates of a query of the last run, in the order they were added.</summary>
    public CandidateList this[int query] => _lists[query];

    /// <summary>Native bytes held.</summary>
    public long Bytes
    {
        get
        {
            long bytes = _queries.Bytes + _tile.Bytes + _sampleScores.Bytes + _bankScores.Bytes + _oneQuery.Bytes + _listScores.Bytes;
            foreach (CandidateList list in _lists)
                bytes += list.Bytes;
            return bytes;
        }
    }

    /// <summary>Begins a block of <paramref name="queries"/> queries; <see cref="SetQuery"/> fills it.</summary>
    public void Begin(int queries)
    {
        _count = queries;
        _padded = (queries + ScorePass.QueryMultiple - 1) / ScorePass.QueryMultiple * ScorePass.QueryMultiple;
        _queries.EnsureLength((long)_padded * bank.Width);
        new Span<float>(_queries.Pointer + (nint)queries * bank.Width, (_padded - queries) * bank.Width).Clear();
        while (_lists.Count < queries)
            _lists.Add(new CandidateList());
    }

    public void SetQuery(int query, ReadOnlySpan<float> vector) =>
        vector.CopyTo(new Span<float>(_queries.Pointer + (nint)query * bank.Width, bank.Width));

    /// <summary>Finds the candidates: list q holds at least the first needed[q] rows by score, and every row that ties with one it
    /// holds.</summary>
    public void Run(ReadOnlySpan<int> needed)
    {
        SetThresholds(needed);
        float* tile = _tile.EnsureLength((long)_padded * TileRows);
        for (int panel = 0; panel < bank.PanelCount; panel += TilePanels)
        {
            int panels = Math.Min(TilePanels, bank.PanelCount - panel);
            ScorePass.Scores(bank, _queries.Pointer, bank.Width, _padded, panel, panels, tile, TileRows, isa);
            int rows = Math.Min(TileRows, bank.RowCount - panel * MemoryBank.PanelRows);
            for (int q = 0; q < _count; q++)
                _lists[q].Append(tile + (nint)q * TileRows, rows);
        }
        for (int q = 0; q < _count; q++)
        {
            if (_lists[q].Overflowed || _lists[q].Count < Math.Min(needed[q], bank.RowCount))
                RunExactly(q, needed[q]);
        }
    }

    public void Dispose()
    {
        _queries.Dispose();
        _tile.Dispose();
        _sampleScores.Dispose();
        _bankScores.Dispose();
        _oneQuery.Dispose();
        _listScores.Dispose();
        foreach (CandidateList list in _lists)
            list.Dispose();
    }

    private void SetThresholds(ReadOnlySpan<int> needed)
    {
        int stride = 0;
        if (sample.Rows is { } rows)
        {
            stride = rows.PanelCount * MemoryBank.PanelRows;
            float* scores = _sampleScores.EnsureLength((long)_padded * stride);
            ScorePass.Scores(rows, _queries.Pointer, bank.Width, _padded, 0, rows.PanelCount, scores, stride, isa);
        }
        long room = 0;
        for (int q = 0; q < _count; q++)
            room += CandidateList.RoomFor(sample.Capacity(needed[q]));
        // Some to spare: another step's ranks reach a little farther.
        if (_listScores.Length < room)
            _listScores.EnsureLength(room + room / 16);
        float* own = _listScores.Pointer;
        for (int q = 0; q < _count; q++)
        {
            float threshold = sample.Threshold(_sampleScores.Pointer + (nint)q * stride, needed[q]);
            int capacity = sample.Capacity(needed[q]);
            _lists[q].Reset(threshold, capacity, bank.RowCount, own);
            own += CandidateList.RoomFor(capacity);
        }
    }

    /// <summary>One query again, with the threshold taken from all its scores: where the sample misled, or where ties abound.</summary>
    private void RunExactly(int query, int needed)
    {
        float* scores = ScoreAll(query);
        float threshold = Selection.Smallest(new Span<float>(scores, bank.RowCount), Math.Max(0, bank.RowCount - needed));
        // Selecting has shuffled the scores.
        scores = ScoreAll(query);
        int reaching = 0;
        for (int j = 0; j < bank.RowCount; j++)
            reaching += scores[j] >= threshold ? 1 : 0;
        _lists[query].Reset(threshold, reaching, bank.RowCount);
        for (int row = 0; row < bank.RowCount; row += TileRows)
            _lists[query].Append(scores + row, Math.Min(TileRows, bank.RowCount - row));
    }

    /// <summary>[N] scores of one query: the register tile wants six, the others are zero.</summary>
    private float* ScoreAll(int query)
    {
        const int queries = ScorePass.QueryMultiple;
        float* block = _oneQuery.EnsureLength((long)queries * bank.Width);
        new Span<float>(_queries.Pointer + (nint)query * bank.Width, bank.Width).CopyTo(new Span<float>(block, bank.Width));
        float* tile = _tile.EnsureLength((long)queries * TileRows);
        float* scores = _bankScores.EnsureLength((long)bank.PanelCount * MemoryBank.PanelRows);
        for (int panel = 0; panel < bank.PanelCount; panel += TilePanels)
        {
            int panels = Math.Min(TilePanels, bank.PanelCount - panel);
            ScorePass.Scores(bank, block, bank.Width, queries, panel, panels, tile, TileRows, isa);
            new Span<float>(tile, panels * MemoryBank.PanelRows).CopyTo(
                new Span<float>(scores + (nint)panel * MemoryBank.PanelRows, panels * MemoryBank.PanelRows));
        }
        return scores;
    }
}
