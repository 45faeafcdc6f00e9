namespace SSLP.Evaluation.Probes;

/// <summary>How well scores tell classes apart.</summary>
/// <param name="Accuracy">Share of rows whose highest score is their class.</param>
/// <param name="BalancedAccuracy">Mean recall of the classes present.</param>
/// <param name="MacroF1">Mean F1 of the classes that are present or predicted.</param>
/// <param name="Auc">Area under the ROC curve: of class 1 for two classes, else the mean of one against the rest; null where one class is
/// present.</param>
internal sealed record Metrics(double Accuracy, double BalancedAccuracy, double MacroF1, double? Auc);

/// <summary>
/// Metrics of one set of scores under changing row weights. The ranking is sorted once; every weighting after that is one pass over
/// the N rows a class, which is what makes a bootstrap of a thousand resamples cheap.
/// </summary>
internal sealed class MetricScorer
{
    private readonly int[] _labels;
    private readonly int[] _predicted;
    private readonly int _classes;
    private readonly float[] _scores;
    private readonly int[][] _ranking;

    /// <param name="labels">N classes, 0..C−1.</param>
    /// <param name="scores">N × C, row-major, higher is likelier; ties go to the lower class.</param>
    /// <param name="classes">C, 2 at least.</param>
    /// <exception cref="ArgumentException">Lengths disagree, a label is outside, or a score is NaN.</exception>
    public MetricScorer(int[] labels, float[] scores, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        if (scores.LongLength != (long)labels.Length * classes)
            throw new ArgumentException(
                $"{labels.Length} rows of {classes} classes need {(long)labels.Length * classes} scores; there are {scores.LongLength}.",
                nameof(scores));
        if (labels.Any(label => label < 0 || label >= classes))
            throw new ArgumentException($"A label is outside 0..{classes - 1}.", nameof(labels));
        if (scores.Any(float.IsNaN))
            throw new ArgumentException("A score is NaN, which has no rank.", nameof(scores));
        (_labels, _scores, _classes) = (labels, scores, classes);
        _predicted = [.. Enumerable.Range(0, labels.Length).Select(ArgMax)];
        // Two classes have one curve.
        _ranking = [.. Enumerable.Range(0, classes).Select(c => classes == 2 && c == 0 ? [] : Ascending(c))];
    }

    /// <summary>N.</summary>
    public int Count => _labels.Length;

    /// <summary>Metrics with every row counted once.</summary>
    public Metrics Score()
    {
        int[] ones = new int[Count];
        Array.Fill(ones, 1);
        return Score(ones);
    }

    /// <summary>Metrics with row i counted <c>weights[i]</c> times.</summary>
    public Metrics Score(ReadOnlySpan<int> weights)
    {
        long[] confusion = Tally(weights);
        long rows = confusion.Sum(), hits = 0;
        double recalls = 0, f1 = 0;
        int present = 0, named = 0;
        for (int c = 0; c < _classes; c++)
        {
            long truth = 0, predicted = 0, hit = confusion[c * _classes + c];
            for (int other = 0; other < _classes; other++)
            {
                truth += confusion[c * _classes + other];
                predicted += confusion[other * _classes + c];
            }

            hits += hit;
            if (truth > 0)
            {
                recalls += (double)hit / truth;
                present++;
            }

            if (truth + predicted > 0)
            {
                f1 += 2.0 * hit / (truth + predicted);
                named++;
            }
        }

        return new((double)hits / rows, recalls / present, f1 / named, Auc(weights));
    }

    /// <summary>Rows by true class (outer) and predicted class (inner).</summary>
    public long[][] Confusion()
    {
        int[] ones = new int[Count];
        Array.Fill(ones, 1);
        long[] tally = Tally(ones);
        return [.. Enumerable.Range(0, _classes).Select(c => tally[(c * _classes)..((c + 1) * _classes)])];
    }

    private long[] Tally(ReadOnlySpan<int> weights)
    {
        long[] confusion = new long[_classes * _classes];
        for (int i = 0; i < _labels.Length; i++)
            confusion[_labels[i] * _classes + _predicted[i]] += weights[i];
        return confusion;
    }

    /// <summary><see cref="Metrics.Auc"/> alone, with row i counted <c>weights[i]</c> times.</summary>
    public double? Auc(ReadOnlySpan<int> weights)
    {
        double sum = 0;
        int curves = 0;
        for (int c = _classes == 2 ? 1 : 0; c < _classes; c++)
        {
            if (Auc(c, weights) is double auc)
            {
                sum += auc;
                curves++;
            }
        }

        return curves > 0 ? sum / curves : null;
    }

    /// <summary>
    /// P(score of a positive &gt; score of a negative) + ½ P(equal): the rank statistic, exact with ties. Null without both kinds.
    /// </summary>
    private double? Auc(int positive, ReadOnlySpan<int> weights)
    {
        int[] order = _ranking[positive];
        double wins = 0;
        long below = 0, positives = 0;
        for (int start = 0; start < order.Length;)
        {
            float score = _scores[order[start] * _classes + positive];
            long tiedPositives = 0, tiedNegatives = 0;
            for (; start < order.Length && _scores[order[start] * _classes + positive] == score; start++)
            {
                if (_labels[order[start]] == positive)
                    tiedPositives += weights[order[start]];
                else
                    tiedNegatives += weights[order[start]];
            }

            wins += tiedPositives * (below + 0.5 * tiedNegatives);
            below += tiedNegatives;
            positives += tiedPositives;
        }

        return positives > 0 && below > 0 ? wins / ((double)positives * below) : null;
    }

    private int[] Ascending(int column)
    {
        int[] order = [.. Enumerable.Range(0, _labels.Length)];
        float[] keys = [.. order.Select(i => _scores[i * _classes + column])];
        Array.Sort(keys, order);
        return order;
    }

    private int ArgMax(int row)
    {
        int best = 0;
        for (int c = 1; c < _classes; c++)
            if (_scores[row * _classes + c] > _scores[row * _classes + best])
                best = c;
        return best;
    }
}
