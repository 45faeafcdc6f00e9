using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace SSLP.Kernels;

/// <summary>
/// A few thousand bank rows, spread evenly over the bank with jitter, whose scores tell about where a rank of the whole bank lies.
/// Only speed depends on it: a threshold that turns out too high or too low is found out and replaced by the exact one. So copies of
/// rows may be some steps old, and a step renews one part in 64 of them.
/// </summary>
internal sealed unsafe class ScoreSample(int bankRows, int width) : IDisposable
{
    private const int MinRows = 1024, MaxRows = 4096;
    private const int RefreshParts = 64;

    /// <summary>Standard deviations of the sample's count: by as many the threshold is set below the rank's place, and room kept beyond
    /// it.</summary>
    private const double Margin = 5;

    private readonly MemoryBank? _rows = bankRows > 4 * MinRows ? new(Math.Clamp(bankRows / 32, MinRows, MaxRows), width) : null;
    private int _refreshed;

    /// <summary>The sampled rows; null where the bank is so small that all its rows are candidates.</summary>
    public MemoryBank? Rows => _rows;

    public long Bytes => _rows?.Bytes ?? 0;

    /// <summary>Copies rows out of the bank: all of them the first time, then the next part.</summary>
    public void Refresh(MemoryBank bank)
    {
        if (_rows is null)
            return;
        int count = _refreshed == 0 ? _rows.RowCount : _rows.RowCount / RefreshParts;
        double stride = (double)bankRows / _rows.RowCount;
        ulong key = CounterRandom.Key(0, RandomPurpose.ScoreSample);
        for (int i = 0; i < count; i++, _refreshed++)
        {
            int s = _refreshed % _rows.RowCount;
            double jitter = CounterRandom.Uniform(CounterRandom.Block(key, 0, (ulong)s).X);
            _rows.LoadRows(s, bank.Row(Math.Min((int)((s + jitter) * stride), bankRows - 1)));
        }
        _refreshed = _refreshed % _rows.RowCount + _rows.RowCount;
    }

    /// <summary>
    /// How many of the sample's scores must reach a threshold that the first <paramref name="needed"/> ranks of the bank then reach almost
    /// surely; 0: the whole sample would not do.
    /// </summary>
    public int CountFor(int needed)
    {
        if (_rows is null)
            return 0;
        double share = (double)needed / bankRows, expected = share * _rows.RowCount;
        int count = (int)(expected + Margin * Math.Sqrt(expected * (1 - share)) + Margin);
        return count < _rows.RowCount ? count : 0;
    }

    /// <summary>Room for the rows that reach that threshold, almost surely.</summary>
    public int Capacity(int needed)
    {
        int count = CountFor(needed);
        if (count == 0)
            return bankRows;
        double reaching = count + Slack(count) + Margin * Math.Sqrt(count) + Margin;
        return (int)Math.Min(reaching / _rows!.RowCount * bankRows, bankRows);
    }

    /// <summary>A threshold for needed ranks from a query's sample scores, [<see cref="Rows"/>.RowCount]; −∞ where none is low
    /// enough.</summary>
    public float Threshold(float* scores, int needed)
    {
        int count = CountFor(needed);
        if (count == 0)
            return float.NegativeInfinity;
        var all = new ReadOnlySpan<float>(scores, _rows!.RowCount);
        float low = TensorPrimitives.Min(all), high = TensorPrimitives.Max(all);
        // Bisection: low is always reached by enough. An exact order statistic would cost ten times as much and buy nothing.
        for (int i = 0; i < 24; i++)
        {
            float middle = low + (high - low) / 2;
            int reaching = CountReaching(scores, middle);
            if (reaching < count)
                high = middle;
            else
                low = middle;
            if (reaching >= count && reaching <= count + Slack(count))
                break;
        }
        return low;
    }

    public void Dispose() => _rows?.Dispose();

    private static int Slack(int count) => count / 64 + 1;

    private int CountReaching(float* scores, float threshold)
    {
        var wanted = Vector256.Create(threshold);
        Vector256<int> count = default;
        int whole = _rows!.RowCount & -8;
        // A mask of ones is −1.
        for (int i = 0; i < whole; i += 8)
            count -= Vector256.GreaterThanOrEqual(Vector256.Load(scores + i), wanted).AsInt32();
        int reaching = Vector256.Sum(count);
        for (int i = whole; i < _rows.RowCount; i++)
            reaching += scores[i] >= threshold ? 1 : 0;
        return reaching;
    }
}
