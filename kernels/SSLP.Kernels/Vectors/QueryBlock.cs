namespace SSLP.Kernels;

/// <summary>
/// Queries copied to aligned rows and padded with zero rows to whole register tiles. Bytes: 4·⌈Q⌉₆·⌈D⌉₁₆.
/// </summary>
internal sealed unsafe class QueryBlock : IDisposable
{
    private readonly AlignedBuffer<float> _memory = new();

    public float* Data => _memory.Pointer;

    /// <summary>Queries, without padding.</summary>
    public int Count { get; private set; }

    /// <summary>Queries, padded to a multiple of <see cref="ScoreTile.Queries"/>.</summary>
    public int PaddedCount { get; private set; }

    public int Stride { get; private set; }

    /// <summary>Rows ids[0], ids[1], … of <paramref name="queries"/>.</summary>
    public void Load(MatrixView queries, ReadOnlySpan<int> ids)
    {
        Resize(ids.Length, queries.Width);
        for (int i = 0; i < ids.Length; i++)
            queries.Row(ids[i]).CopyTo(new Span<float>(Row(i), queries.Width));
    }

    /// <summary>All rows of <paramref name="queries"/>.</summary>
    public void Load(MatrixView queries)
    {
        Resize(queries.Rows, queries.Width);
        for (int i = 0; i < queries.Rows; i++)
            queries.Row(i).CopyTo(new Span<float>(Row(i), queries.Width));
    }

    /// <summary>Rows of zeros, for the caller to fill.</summary>
    public void Clear(int count, int width)
    {
        Resize(count, width);
        new Span<float>(_memory.Pointer, count * Stride).Clear();
    }

    public float* Row(int query) => _memory.Pointer + (nint)query * Stride;

    public void Dispose() => _memory.Dispose();

    private void Resize(int count, int width)
    {
        Count = count;
        PaddedCount = (count + ScoreTile.Queries - 1) / ScoreTile.Queries * ScoreTile.Queries;
        Stride = (width + 15) / 16 * 16;
        _memory.EnsureLength((long)PaddedCount * Stride);
        new Span<float>(Row(count), (PaddedCount - count) * Stride).Clear();
    }
}
