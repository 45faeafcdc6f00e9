namespace SSLP.Evaluation.Probes;

/// <summary>A measured value with its 95 % confidence interval; the bounds are null where an interval cannot be had.</summary>
public sealed record Estimate(double Value, double? Low, double? High);

/// <summary>
/// Percentile bootstrap over slides, or over patients where they are known (Efron 1979). Patches of one slide are alike, and slides of one
/// patient, so resampling patches would make every interval too narrow; what varies between experiments is the slide, or the patient.
/// </summary>
internal static class SlideBootstrap
{
    /// <summary>Resamples by default: the ends of a 95 % interval then rest on 25 of them each.</summary>
    public const int DefaultResamples = 1000;

    /// <param name="scorer">Scores of N rows.</param>
    /// <param name="unitOf">The slide or patient of each of those rows (<see cref="SSLP.Data.Patches.PatchTable.UnitOf"/>).</param>
    /// <param name="resamples">Draws of as many of them as there are, with replacement.</param>
    /// <param name="seed">Of the draws.</param>
    /// <returns>Estimates of accuracy, balanced accuracy, macro F1 and AUC; no bounds with fewer than two of them, a null AUC with one
    /// class.</returns>
    public static (Estimate Accuracy, Estimate BalancedAccuracy, Estimate MacroF1, Estimate? Auc) Estimate(
        MetricScorer scorer, ReadOnlySpan<int> unitOf, int resamples = DefaultResamples, int seed = 0)
    {
        Metrics value = scorer.Score();
        int[] units = unitOf.ToArray();
        int[] distinct = [.. units.Distinct()];
        List<Metrics> draws = [];
        if (distinct.Length > 1)
        {
            var index = distinct.Select((unit, i) => (unit, i)).ToDictionary(pair => pair.unit, pair => pair.i);
            int[] place = [.. units.Select(unit => index[unit])];
            Random random = new(seed);
            for (int draw = 0; draw < resamples; draw++)
                draws.Add(scorer.Score(Resample(place, distinct.Length, random)));
        }

        return (
            Interval(value.Accuracy, draws.Select(m => m.Accuracy)),
            Interval(value.BalancedAccuracy, draws.Select(m => m.BalancedAccuracy)),
            Interval(value.MacroF1, draws.Select(m => m.MacroF1)),
            // A resample that holds one class has no curve; the others speak for the interval.
            value.Auc is double auc ? Interval(auc, draws.Where(m => m.Auc.HasValue).Select(m => m.Auc!.Value)) : null);
    }

    /// <summary>
    /// The difference of two ways' AUC on the same patches, mean over pairs (seeds), and its interval: every draw of units judges both ways
    /// of every pair, so what units are hard for both drops out.
    /// </summary>
    /// <param name="pairs">Scores of the same N rows by the one way and by the other.</param>
    /// <param name="unitOf">The slide or patient of each row.</param>
    /// <param name="resamples">Draws of units.</param>
    /// <param name="seed">Of the draws.</param>
    /// <returns>One way's AUC less the other's; null where one class is judged, no bounds with fewer than two units.</returns>
    public static Estimate? AucDifference(
        IReadOnlyList<(MetricScorer One, MetricScorer Other)> pairs, IReadOnlyList<string> unitOf, int resamples = DefaultResamples,
        int seed = 0)
    {
        int[] ones = new int[unitOf.Count];
        Array.Fill(ones, 1);
        if (Mean(ones) is not double value)
            return null;
        Dictionary<string, int> index = [];
        int[] place = [.. unitOf.Select(unit => index.TryGetValue(unit, out int at) ? at : index[unit] = index.Count)];
        Random random = new(seed);
        return Interval(value, index.Count < 2 ? [] :
            Enumerable.Range(0, resamples).Select(_ => Mean(Resample(place, index.Count, random))).OfType<double>());

        double? Mean(int[] weights)
        {
            double sum = 0;
            foreach ((MetricScorer one, MetricScorer other) in pairs)
            {
                if (one.Auc(weights) is not double a || other.Auc(weights) is not double b)
                    return null;
                sum += a - b;
            }
            return sum / pairs.Count;
        }
    }

    private static int[] Resample(int[] place, int units, Random random)
    {
        int[] drawn = new int[units];
        for (int i = 0; i < units; i++)
            drawn[random.Next(units)]++;
        return [.. place.Select(unit => drawn[unit])];
    }

    private static Estimate Interval(double value, IEnumerable<double> draws)
    {
        double[] sorted = [.. draws.Order()];
        return sorted.Length == 0 ? new(value, null, null) : new(value, Quantile(sorted, 0.025), Quantile(sorted, 0.975));
    }

    private static double Quantile(double[] sorted, double q)
    {
        double at = q * (sorted.Length - 1);
        int low = (int)at, high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    }
}
