namespace SSLP.Kernels;

/// <summary>
/// A few thousand bank rows, spread evenly over the bank with jitter, whose scores tell about where a rank of the whole bank lies.
/// Only speed depends on it: a threshold that turns out too high or too low is found out and replaced by the exact one.
/// </summary>
internal sealed class ScoreSample(int bankRows, int width) : IDisposable
{
    private const int MinRows = 1024, MaxRows = 8192;

    /// <summary>Standard deviations of the sample's count: by as many the threshold is set below the rank's place, and room kept beyond it.</summary>
    private const double Margin = 4;

    private readonly MemoryBank? _rows = bankRows > 4 * MinRows ? new(Math.Clamp(bankRows / 32, MinRows, MaxRows), width) : null;

    /// <summary>The sampled rows; null where the bank is so small that all its rows are candidates.</summary>
    public MemoryBank? Rows => _rows;

    public long Bytes => _rows?.Bytes ?? 0;

    /// <summary>Copies the rows out of the bank anew.</summary>
    public void Refresh(MemoryBank bank, ulong seed)
    {
        if (_rows is null)
            return;
        double stride = (double)bankRows / _rows.RowCount;
        for (int s = 0; s < _rows.RowCount; s++)
        {
            double jitter = CounterRandom.Uniform(CounterRandom.Block(seed, 0, (ulong)s).X);
            _rows.LoadRows(s, bank.Row(Math.Min((int)((s + jitter) * stride), bankRows - 1)));
        }
    }

    /// <summary>
    /// Which of the sample's scores, 0 the highest, to take for a threshold that the first <paramref name="needed"/> ranks of the bank reach
    /// almost surely; −1: none is low enough.
    /// </summary>
    public int ThresholdRank(int needed)
    {
        if (_rows is null)
            return -1;
        double share = (double)needed / bankRows, expected = share * _rows.RowCount;
        int rank = (int)(expected + Margin * Math.Sqrt(expected * (1 - share)) + Margin);
        return rank < _rows.RowCount ? rank : -1;
    }

    /// <summary>Room for the rows that reach that threshold, almost surely.</summary>
    public int Capacity(int needed)
    {
        int rank = ThresholdRank(needed);
        if (rank < 0)
            return bankRows;
        double count = rank + Margin * Math.Sqrt(rank) + Margin;
        return (int)Math.Min(count / _rows!.RowCount * bankRows, bankRows);
    }

    public void Dispose() => _rows?.Dispose();
}
