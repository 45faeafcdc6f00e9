namespace SSLP.Kernels;

/// <summary>
/// Lloyd's k-means over the bank's rows: squared Euclidean distance, so for unit rows the nearest centre is the one of largest ⟨v, c⟩ −
/// ‖c‖²/2; centres are plain means and are not renormalised. Ties go to the lower cluster. Start: distinct rows drawn by the seed. An
/// assignment comes first and after every update, <c>iterations</c> of them in all. A cluster with no rows is seeded anew at the row
/// farthest from its own centre (of rows whose cluster has others; ties to the lower row), which moves to it; while no row lies off its
/// centre, a cluster stays empty. More clusters than rows are cut to N. Work: iterations · N · clusters · D multiply-adds. Deterministic
/// whatever the thread count: a centre sums its rows in ascending order. Source: S. Lloyd, "Least squares quantization in PCM", 1982; empty
/// clusters as scikit-learn does.
/// </summary>
public interface IKMeans : IDisposable
{
    /// <summary>Clusters the bank once for each seed.</summary>
    /// <param name="clusters">Centres, 1 … 2²⁴; no more than N are used.</param>
    /// <param name="iterations">Assignments, at least 1.</param>
    /// <param name="seeds">R seeds; method.md has 1234, 1235, 1236.</param>
    /// <param name="labels">Out [R, N].</param>
    /// <exception cref="ArgumentException">A count is out of range or the labels do not hold R × N.</exception>
    void Cluster(int clusters, int iterations, ReadOnlySpan<ulong> seeds, Span<int> labels);

    /// <summary>Centres of the last seed's last assignment, [clusters, D]; valid until the next call.</summary>
    MatrixView Centres { get; }
}

/// <summary>What the implementations of <see cref="IKMeans"/> share.</summary>
internal static class KMeansRules
{
    /// <summary>Cluster numbers travel through vectors of float, which hold whole numbers up to here.</summary>
    private const int MaxClusters = 1 << 24;

    /// <summary>Checks a call; returns the clusters that will be used.</summary>
    public static int Check(int rows, int clusters, int iterations, ReadOnlySpan<ulong> seeds, ReadOnlySpan<int> labels)
    {
        if (clusters is < 1 or > MaxClusters)
            throw new ArgumentException($"k-means needs 1 … {MaxClusters} clusters, not {clusters}.");
        if (iterations < 1)
            throw new ArgumentException($"k-means needs at least one iteration, not {iterations}.");
        if (labels.Length != (long)seeds.Length * rows)
            throw new ArgumentException(
                $"The output 'labels' holds {labels.Length} values; {seeds.Length} runs over {rows} rows need " +
                $"{(long)seeds.Length * rows}.");
        return Math.Min(clusters, rows);
    }

    /// <summary>Puts a seeded draw of distinct rows at the front of <paramref name="order"/> [N] (Fisher and Yates, cut short).</summary>
    public static void DrawStart(ulong seed, int clusters, Span<int> order)
    {
        for (int i = 0; i < order.Length; i++)
            order[i] = i;
        ulong key = CounterRandom.Key(seed, RandomPurpose.KMeansStart);
        for (int c = 0; c < clusters; c++)
        {
            int pick = c + (int)CounterRandom.Below(CounterRandom.Block(key, 0, (ulong)c).X, (uint)(order.Length - c));
            (order[c], order[pick]) = (order[pick], order[c]);
        }
    }
}
