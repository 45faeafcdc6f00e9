namespace SSLP.Kernels;

/// <summary>
/// One list of bank rows for each anchor of a batch, every row with its similarity to the anchor. The lists keep their memory from
/// batch to batch, and different lists may be filled by different threads. Rows ascend within a list unless its writer says otherwise.
/// </summary>
public sealed class RowLists
{
    private int[][] _rows = [];
    private float[][] _scores = [];
    private int[] _lengths = [];

    /// <summary>Number of lists: the anchors of the batch that filled them.</summary>
    public int Count { get; private set; }

    /// <summary>Rows of all lists together.</summary>
    public long Total
    {
        get
        {
            long total = 0;
            foreach (int length in _lengths.AsSpan(0, Count))
                total += length;
            return total;
        }
    }

    /// <summary>Lists that hold at least one row.</summary>
    public int NonEmpty => Count - _lengths.AsSpan(0, Count).Count(0);

    /// <summary>The rows of one list.</summary>
    public ReadOnlySpan<int> this[int list] => Rows(list);

    /// <summary>Rows in one list.</summary>
    public int Length(int list)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(list);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(list, Count);
        return _lengths[list];
    }

    /// <summary>Similarity of each row of the list to its anchor: the dot product with the bank row, in the order of the rows.</summary>
    public ReadOnlySpan<float> Scores(int list) => _scores[list].AsSpan(0, Length(list));

    /// <summary>Makes <paramref name="lists"/> empty lists. What the instance held before is gone.</summary>
    public void Reset(int lists)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lists);
        if (lists > _rows.Length)
        {
            int had = _rows.Length;
            Array.Resize(ref _rows, lists);
            Array.Resize(ref _scores, lists);
            Array.Resize(ref _lengths, lists);
            _rows.AsSpan(had).Fill([]);
            _scores.AsSpan(had).Fill([]);
        }
        Count = lists;
        _lengths.AsSpan(0, lists).Clear();
    }

    /// <summary>Appends a row.</summary>
    public void Add(int list, int row, float score = 0)
    {
        int length = Length(list);
        EnsureCapacity(list, length + 1);
        _rows[list][length] = row;
        _scores[list][length] = score;
        _lengths[list] = length + 1;
    }

    /// <summary>Appends rows whose scores are not known yet: they are whatever the memory held.</summary>
    internal void Add(int list, ReadOnlySpan<int> rows)
    {
        int length = Length(list);
        EnsureCapacity(list, length + rows.Length);
        rows.CopyTo(_rows[list].AsSpan(length));
        _lengths[list] = length + rows.Length;
    }

    internal Span<int> Rows(int list) => _rows[list].AsSpan(0, Length(list));

    internal Span<float> WritableScores(int list) => _scores[list].AsSpan(0, Length(list));

    /// <summary>Sets a list's length and leaves its contents to the caller, who writes both spans.</summary>
    internal void Resize(int list, int length)
    {
        EnsureCapacity(list, length);
        _lengths[list] = length;
    }

    private void EnsureCapacity(int list, int length)
    {
        if (length <= _rows[list].Length)
            return;
        int capacity = Math.Max(length, 2 * _rows[list].Length);
        Array.Resize(ref _rows[list], capacity);
        Array.Resize(ref _scores[list], capacity);
    }
}
