using SSLP.Evaluation.Probes;
using Xunit;

namespace SSLP.Evaluation.Tests.Probes;

public sealed class MetricsTests
{
    [Fact]
    public void A_hand_made_confusion_gives_hand_made_figures()
    {
        // Truth 0 0 0 1 1 2, predicted 0 0 1 1 1 0.
        MetricScorer scorer = new(
            [0, 0, 0, 1, 1, 2], [.9f, .1f, 0, .8f, .1f, .1f, .3f, .7f, 0, .2f, .8f, 0, .1f, .9f, 0, .6f, .3f, .1f], 3);
        Metrics m = scorer.Score();
        Assert.Equal(4.0 / 6, m.Accuracy, 12);
        Assert.Equal((2.0 / 3 + 1 + 0) / 3, m.BalancedAccuracy, 12);
        Assert.Equal((4.0 / 6 + 4.0 / 5 + 0) / 3, m.MacroF1, 12);
        Assert.Equal([[2, 1, 0], [0, 2, 0], [1, 0, 0]], scorer.Confusion());
    }

    [Theory]
    [InlineData(new[] { 0, 0, 1, 1 }, new[] { 1f, 2, 3, 4 }, 1.0)]
    [InlineData(new[] { 1, 1, 0, 0 }, new[] { 1f, 2, 3, 4 }, 0.0)]
    [InlineData(new[] { 0, 1, 0, 1 }, new[] { 5f, 5, 5, 5 }, 0.5)]
    [InlineData(new[] { 0, 1, 1, 0 }, new[] { 1f, 1, 2, 0 }, 0.875)]
    [InlineData(new[] { 1, 1, 1 }, new[] { 1f, 2, 3 }, null)]
    public void The_area_under_the_curve_is_exact_with_ties(int[] labels, float[] positive, double? expected) =>
        Assert.Equal(expected, new MetricScorer(labels, TwoColumns(positive), 2).Score().Auc);

    [Fact]
    public void The_area_under_the_curve_counts_pairs()
    {
        Random random = new(3);
        int[] labels = [.. Enumerable.Range(0, 97).Select(_ => random.Next(2))];
        float[] scores = [.. labels.Select(label => (float)Math.Round(random.NextDouble() + 0.3 * label, 1))];
        int[] weights = [.. labels.Select(_ => random.Next(4))];
        double wins = 0, pairs = 0;
        for (int p = 0; p < labels.Length; p++)
        {
            for (int n = 0; n < labels.Length; n++)
            {
                if (labels[p] != 1 || labels[n] != 0)
                    continue;
                double weight = weights[p] * weights[n];
                pairs += weight;
                wins += weight * (scores[p] > scores[n] ? 1 : scores[p] == scores[n] ? 0.5 : 0);
            }
        }

        Assert.Equal(wins / pairs, new MetricScorer(labels, TwoColumns(scores), 2).Score(weights).Auc!.Value, 12);
    }

    [Fact]
    public void A_weight_counts_a_row_that_often()
    {
        MetricScorer once = new([0, 1, 1, 0, 0], TwoColumns([.1f, .9f, .4f, .6f, .6f]), 2);
        MetricScorer weighted = new([0, 1, 1, 0], TwoColumns([.1f, .9f, .4f, .6f]), 2);
        Assert.Equal(once.Score(), weighted.Score([1, 1, 1, 2]));
    }

    [Fact]
    public void The_interval_comes_from_slides_and_not_from_patches()
    {
        // One slide all right, one all wrong: 1000 patches, yet the truth could be anything from 0 to 1.
        int[] labels = [.. Enumerable.Range(0, 1000).Select(i => i % 2)];
        float[] scores = TwoColumns([.. labels.Select((label, i) => i < 500 ? (float)label : 1 - label)]);
        int[] slides = [.. Enumerable.Range(0, 1000).Select(i => i / 500)];
        Estimate accuracy = SlideBootstrap.Estimate(new MetricScorer(labels, scores, 2), slides).Accuracy;
        Assert.Equal(new Estimate(0.5, 0, 1), accuracy);
    }

    [Fact]
    public void One_slide_gives_no_interval()
    {
        (Estimate accuracy, _, _, Estimate? auc) = SlideBootstrap.Estimate(new MetricScorer([1, 1], TwoColumns([.9f, .2f]), 2), [7, 7]);
        Assert.Equal(new Estimate(0.5, null, null), accuracy);
        Assert.Null(auc);
    }

    [Fact]
    public void Faulty_arguments_are_named()
    {
        Assert.Throws<ArgumentException>(() => new MetricScorer([0, 2], new float[4], 2));
        Assert.Throws<ArgumentException>(() => new MetricScorer([0, 1], new float[3], 2));
        Assert.Throws<ArgumentException>(() => new MetricScorer([0, 1], [0, float.NaN, 1, 0], 2));
    }

    private static float[] TwoColumns(float[] positive) => [.. positive.SelectMany(p => new[] { 1 - p, p })];
}
