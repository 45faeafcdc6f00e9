using SSLP.Data.Files;
using SSLP.Evaluation.Features;
using SSLP.Kernels;

namespace SSLP.Evaluation.Probes;

/// <summary>
/// Weighted nearest neighbours on unit features (Wu et al. 2018): the k training patches with the largest dot product vote for their
/// class with weight exp(similarity / 0.07). Nothing is learned, so nothing can be tuned.
/// </summary>
public static class KnnProbe
{
    /// <summary>The k that the field reports.</summary>
    public static IReadOnlyList<int> DefaultK { get; } = [10, 20, 100, 200];

    private const double Temperature = 0.07;

    private const int QueryBlock = 256;

    /// <summary>One result per k; a k above the number of training patches is left out.</summary>
    /// <param name="task">Features of both sides.</param>
    /// <param name="kernels">Implementation and threads; stay the caller's.</param>
    /// <param name="ks">The k; null: <see cref="DefaultK"/>.</param>
    public static IReadOnlyList<ProbeResult> Run(ProbeTask task, KernelSet kernels, IReadOnlyList<int>? ks = null)
    {
        int[] wanted = [.. (ks ?? DefaultK).Where(k => k > 0 && k <= task.Train.Count).Distinct().Order()];
        if (wanted.Length == 0)
            throw new Fault(FaultKind.Data,
                $"No k fits: the training side has {task.Train.Count} patches and k was {string.Join(", ", ks ?? DefaultK)}.");
        (float[] similarities, int[] neighbours) = Nearest(task.Test, task.Train, wanted[^1], kernels);
        return [.. wanted.Select(k => ProbeResult.From("knn", $"k={k}", task, Vote(similarities, neighbours, wanted[^1], k, task)))];
    }

    /// <summary>The metrics of one k without their intervals, which take a thousand resamples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">k is above the number of training patches.</exception>
    internal static Metrics Score(ProbeTask task, int k, KernelSet kernels)
    {
        (float[] similarities, int[] neighbours) = Nearest(task.Test, task.Train, k, kernels);
        return new MetricScorer(task.TestLabels, Vote(similarities, neighbours, k, k, task), task.Classes.Count).Score();
    }

    /// <summary>
    /// The nearest keys of every query by cosine, best first, by the kernel <see cref="INearestKeys"/>: similarities and rows of
    /// <paramref name="keys"/>, queries × k, row-major. A row of zeros is as near to every key, and no NaN comes of it.
    /// </summary>
    /// <param name="queries">Q rows of W finite numbers.</param>
    /// <param name="keys">N rows of W.</param>
    /// <param name="k">1 … <see cref="NearestKeysLimits.MaxK"/>.</param>
    /// <param name="kernels">Implementation and threads; stay the caller's.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is above the number of keys.</exception>
    public static unsafe (float[] Similarities, int[] Neighbours) Nearest(FeatureTable queries, FeatureTable keys, int k, KernelSet kernels)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, keys.Count);
        float[] similarities = new float[(long)queries.Count * k];
        int[] neighbours = new int[(long)queries.Count * k];
        using MemoryBank bank = keys.ToBank();
        using INearestKeys nearest = kernels.NearestKeys(bank);
        float[] block = new float[QueryBlock * queries.Width];
        for (int start = 0; start < queries.Count; start += QueryBlock)
        {
            ReadOnlySpan<float> unit = queries.UnitRows(start, block);
            int rows = unit.Length / queries.Width;
            fixed (float* data = unit)
            {
                nearest.Find(
                    new MatrixView(data, rows, queries.Width), [], k, neighbours.AsSpan(start * k, rows * k),
                    similarities.AsSpan(start * k, rows * k));
            }
        }

        return (similarities, neighbours);
    }

    private static float[] Vote(float[] similarities, int[] neighbours, int stride, int k, ProbeTask task)
    {
        int classes = task.Classes.Count;
        ReadOnlySpan<int> labels = task.Train.Patches.LabelOf;
        float[] scores = new float[task.Test.Count * classes];
        for (int i = 0; i < task.Test.Count; i++)
        {
            double total = 0;
            Span<float> row = scores.AsSpan(i * classes, classes);
            for (int rank = 0; rank < k; rank++)
            {
                // Relative to the nearest, so that the exponential cannot overflow; the vote's shares are the same.
                double weight = Math.Exp((similarities[i * stride + rank] - similarities[i * stride]) / Temperature);
                row[labels[neighbours[i * stride + rank]]] += (float)weight;
                total += weight;
            }

            for (int c = 0; c < classes; c++)
                row[c] = (float)(row[c] / total);
        }

        return scores;
    }
}
