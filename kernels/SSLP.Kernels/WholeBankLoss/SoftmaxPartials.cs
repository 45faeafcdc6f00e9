namespace SSLP.Kernels;

/// <summary>
/// For every (split of the bank, query): the largest score so far, the sum of exponentials relative to it, and the sum of bank rows
/// weighted by them. A split is always summed by one worker front to back and splits are merged in order, so the result does not
/// depend on the threads. Bytes: splits · ⌈B⌉₆ · 4·(⌈D⌉₃₂ + 17).
/// </summary>
internal sealed unsafe class SoftmaxPartials : IDisposable
{
    /// <summary>Sums stay spread over the lanes of a vector until they are merged; the widest has 16.</summary>
    public const int SumLanes = 16;

    private readonly AlignedBuffer<float> _weighted = new();
    private readonly AlignedBuffer<float> _largest = new();
    private readonly AlignedBuffer<float> _sums = new();
    private int _queries;

    /// <summary>Floats of a weighted row: D rounded up to whole tile columns of the widest vectors.</summary>
    public int Stride { get; private set; }

    /// <summary>Makes room; each split starts by <see cref="Reset"/>.</summary>
    public void Resize(int splits, int queries, int width)
    {
        _queries = queries;
        Stride = (width + 31) / 32 * 32;
        long rows = (long)splits * queries;
        _weighted.EnsureLength(rows * Stride);
        _largest.EnsureLength(rows);
        _sums.EnsureLength(rows * SumLanes);
    }

    /// <summary>Forgets one split.</summary>
    public void Reset(int split)
    {
        new Span<float>(Weighted(split, 0), _queries * Stride).Clear();
        new Span<float>(Largest(split, 0), _queries).Fill(float.NegativeInfinity);
        new Span<float>(Sum(split, 0), _queries * SumLanes).Clear();
    }

    public float* Weighted(int split, int query) => _weighted.Pointer + ((nint)split * _queries + query) * Stride;

    public float* Largest(int split, int query) => _largest.Pointer + (nint)split * _queries + query;

    /// <summary>The sum of exponentials, as <see cref="SumLanes"/> parts.</summary>
    public float* Sum(int split, int query) => _sums.Pointer + ((nint)split * _queries + query) * SumLanes;

    public void Dispose()
    {
        _weighted.Dispose();
        _largest.Dispose();
        _sums.Dispose();
    }
}
