using SSLP.Kernels;

namespace SSLP.Engine.Objective;

/// <summary>What one step compared: copies on the host, for the signs of collapse.</summary>
/// <param name="Width">D.</param>
/// <param name="Features">f, unit rows [B, D].</param>
/// <param name="Positives">What each is to be near, unit rows [B, D]: its bank row before the update, or the key of its other view.</param>
/// <param name="Keys">A sample of what negatives are drawn from, unit rows [R, D], none a positive of the batch; empty: the positives of
/// the others are.</param>
/// <param name="AreLearned">False while the keys still hold the random vectors that a bank or queue starts with.</param>
/// <param name="Sampling">How negatives are drawn.</param>
/// <param name="PoolShare">Share of the keys that is the pool of semi-hard negatives.</param>
public sealed record ComparedFeatures(
    int Width, float[] Features, float[] Positives, float[] Keys, bool AreLearned, NegativeSampling Sampling = NegativeSampling.Random,
    double PoolShare = 1)
{
    /// <summary>R of a sample: the nearest of a batch among so many tell a few favourites from an even spread.</summary>
    public const int MostKeys = 1024;

    /// <summary>Rows at even distances of a bank that is filled by rows, without those of the batch.</summary>
    /// <param name="bank">The bank.</param>
    /// <param name="without">Bank rows of the batch.</param>
    public static float[] Sample(MemoryBank bank, ReadOnlySpan<int> without) => Gather(bank, SampleRows(bank.RowCount, without));

    /// <summary>Their numbers.</summary>
    public static int[] SampleRows(int rows, ReadOnlySpan<int> without)
    {
        HashSet<int> batch = [.. without];
        int count = Math.Min(MostKeys, rows);
        return [.. Enumerable.Range(0, count).Select(i => (int)((long)i * rows / count)).Where(row => !batch.Contains(row))];
    }

    /// <summary>The given rows of a bank, one after the other.</summary>
    public static float[] Gather(MemoryBank bank, ReadOnlySpan<int> rows)
    {
        float[] values = new float[rows.Length * bank.Width];
        for (int i = 0; i < rows.Length; i++)
            bank.Row(rows[i]).CopyTo(values.AsSpan(i * bank.Width));
        return values;
    }
}
