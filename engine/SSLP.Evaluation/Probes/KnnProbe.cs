using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Features;
using static TorchSharp.torch;

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

    // 256 × 16,384 similarities are 16 MB: the N × N matrix is never there.
    private const int QueryBlock = 256, KeyBlock = 16_384;

    /// <summary>One result per k; a k above the number of training patches is left out.</summary>
    public static IReadOnlyList<ProbeResult> Run(ProbeTask task, IReadOnlyList<int>? ks = null)
    {
        int[] wanted = [.. (ks ?? DefaultK).Where(k => k > 0 && k <= task.Train.Count).Distinct().Order()];
        if (wanted.Length == 0)
            throw new Fault(FaultKind.Data, $"No k fits: the training side has {task.Train.Count} patches and k was {string.Join(", ", ks ?? DefaultK)}.");
        (float[] similarities, int[] neighbours) = Nearest(task.Test, task.Train, wanted[^1]);
        return [.. wanted.Select(k => ProbeResult.From("knn", $"k={k}", task, Vote(similarities, neighbours, wanted[^1], k, task)))];
    }

    /// <summary>The metrics of one k without their intervals, which take a thousand resamples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">k is above the number of training patches.</exception>
    public static Metrics Score(ProbeTask task, int k)
    {
        (float[] similarities, int[] neighbours) = Nearest(task.Test, task.Train, k);
        return new MetricScorer(task.TestLabels, Vote(similarities, neighbours, k, k, task), task.Classes.Count).Score();
    }

    /// <summary>The nearest keys of every query by cosine, best first: similarities and rows of <paramref name="keys"/>, queries × k, row-major.</summary>
    /// <exception cref="ArgumentOutOfRangeException">k is above the number of keys.</exception>
    public static (float[] Similarities, int[] Neighbours) Nearest(FeatureTable queries, FeatureTable keys, int k)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, keys.Count);
        float[] similarities = new float[queries.Count * k];
        int[] neighbours = new int[queries.Count * k];
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (Tensor q, Tensor v) = (UnitRows(queries), UnitRows(keys));
        for (int start = 0; start < queries.Count; start += QueryBlock)
        {
            using var blockScope = NewDisposeScope();
            Tensor block = q.narrow(0, start, Math.Min(QueryBlock, queries.Count - start));
            (Tensor best, Tensor rows) = TopOfBlocks(block, v, k);
            best.CopyTo<float>(similarities.AsSpan(start * k));
            rows.to(ScalarType.Int32).CopyTo<int>(neighbours.AsSpan(start * k));
        }

        return (similarities, neighbours);
    }

    private static (Tensor Similarities, Tensor Rows) TopOfBlocks(Tensor queries, Tensor keys, int k)
    {
        Tensor? best = null, rows = null;
        for (long at = 0; at < keys.shape[0]; at += KeyBlock)
        {
            Tensor part = keys.narrow(0, at, Math.Min(KeyBlock, keys.shape[0] - at));
            (Tensor top, Tensor index) = queries.matmul(part.t()).topk((int)Math.Min(k, part.shape[0]));
            index = index + at;
            if (best is not null)
            {
                (top, Tensor among) = cat([best, top], 1).topk((int)Math.Min(k, best.shape[1] + top.shape[1]));
                index = cat([rows!, index], 1).gather(1, among);
            }

            (best, rows) = (top, index);
        }

        return (best!, rows!);
    }

    /// <summary>A row of zeros stays zero: it is as near to every key, and no NaN comes of it.</summary>
    private static Tensor UnitRows(FeatureTable features)
    {
        Tensor x = tensor(features.Values).reshape(features.Count, features.Width);
        return x.div_(x.norm(1, keepdim: true).clamp_min(1e-12));
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
