using System.Runtime.CompilerServices;

namespace SSLP.Kernels;

/// <summary>
/// For every (worker, query of a group): the candidates found so far and the similarity a row must exceed to become one. When a
/// list is full, the k best stay and the k-th becomes the threshold. A worker sees rows in ascending order, so a later row that
/// ties with the threshold loses to the k rows kept: "greater" is the exact test. The other workers get the same threshold less
/// one ulp, for their rows that tie may be lower ones; they may read it late, which costs them work and changes no answer.
/// Bytes: workers · queries · capacity · 8.
/// </summary>
internal sealed unsafe class CandidateLists : IDisposable
{
    /// <summary>Least room beyond k. Little room keeps thresholds fresh; cutting a short list costs little.</summary>
    private const int LeastSlack = 16;

    private readonly AlignedBuffer<ulong> _keys = new();
    private readonly AlignedBuffer<float> _thresholds = new();
    private readonly AlignedBuffer<int> _counts = new();
    private int _workers;
    private int _queries;
    private int _k;

    /// <summary>Candidates that a list holds before it is cut.</summary>
    public int Capacity { get; private set; }

    public static int CapacityFor(int k) => k + Math.Max(k, LeastSlack);

    /// <summary>Empties all lists. Thresholds start at −∞, or at +∞ for the queries beyond <paramref name="used"/>, which are
    /// padding.</summary>
    public void Reset(int workers, int queries, int used, int k)
    {
        _workers = workers;
        _queries = queries;
        _k = k;
        Capacity = CapacityFor(k);
        _keys.EnsureLength((long)workers * queries * Capacity);
        _counts.EnsureLength((long)workers * queries);
        _thresholds.EnsureLength((long)workers * queries);
        _counts.Span(0, workers * queries).Clear();
        for (int worker = 0; worker < workers; worker++)
        {
            Span<float> thresholds = _thresholds.Span((long)worker * queries, queries);
            thresholds[..used].Fill(float.NegativeInfinity);
            thresholds[used..].Fill(float.PositiveInfinity);
        }
    }

    /// <summary>Thresholds of a worker's lists, one a query.</summary>
    public float* Thresholds(int worker) => _thresholds.Pointer + (nint)worker * _queries;

    /// <summary>What a worker has found for a query.</summary>
    public Span<ulong> Found(int worker, int query)
    {
        nint list = (nint)worker * _queries + query;
        return new Span<ulong>(_keys.Pointer + list * Capacity, _counts.Pointer[list]);
    }

    /// <summary>A whole list, used or not.</summary>
    public Span<ulong> WholeList(int worker, int query) =>
        new(_keys.Pointer + ((nint)worker * _queries + query) * Capacity, Capacity);

    /// <summary>Raises the starting threshold of a query for all workers: rows at or below it will not be offered.</summary>
    public void SetThreshold(int query, float threshold)
    {
        for (nint list = query; list < (nint)_workers * _queries; list += _queries)
            _thresholds.Pointer[list] = threshold;
    }

    /// <summary>
    /// Offers the scores of one query at the set bits of <paramref name="mask"/>; lane i is bank row firstRow + i. Out of line: the
    /// scoring loop must not hold registers for it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Offer(int worker, int query, float* scores, uint mask, int firstRow, int rowCount, int ownRow)
    {
        nint list = (nint)worker * _queries + query;
        ulong* keys = _keys.Pointer + list * Capacity;
        int count = _counts.Pointer[list];
        for (; mask != 0; mask &= mask - 1)
        {
            int lane = int.TrailingZeroCount((int)mask);
            int row = firstRow + lane;
            if (row == ownRow || row >= rowCount || !(scores[lane] > _thresholds.Pointer[list]))
                continue;
            keys[count++] = RankedKey.Of(scores[lane], row);
            if (count == Capacity)
            {
                count = _k;
                RankedKey.SelectLargest(new Span<ulong>(keys, Capacity), _k);
                Raise(worker, query, RankedKey.Similarity(keys[_k - 1]));
            }
        }
        _counts.Pointer[list] = count;
    }

    /// <summary>
    /// k rows at or above <paramref name="similarity"/> are known. Plain stores race with the other workers' own: whichever value
    /// stays, it is one that k rows reach.
    /// </summary>
    private void Raise(int worker, int query, float similarity)
    {
        float below = MathF.BitDecrement(similarity);
        for (int other = 0; other < _workers; other++)
        {
            float* threshold = Thresholds(other) + query;
            *threshold = Math.Max(*threshold, other == worker ? similarity : below);
        }
    }

    public void Dispose()
    {
        _keys.Dispose();
        _thresholds.Dispose();
        _counts.Dispose();
    }
}
