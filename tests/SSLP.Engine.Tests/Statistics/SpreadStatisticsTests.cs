using SSLP.Engine.Statistics;
using Xunit;

namespace SSLP.Engine.Tests.Statistics;

public sealed class SpreadStatisticsTests
{
    [Fact]
    public void Collapsed_features_have_rank_one_no_deviation_and_cosine_one()
    {
        float[] row = [0.3f, -2, 5, 1];
        var s = SpreadStatistics.Of([.. Enumerable.Range(1, 50).SelectMany(i => row.Select(v => v * i))], 4);
        Assert.Equal(1, s.EffectiveRank, 6);
        Assert.Equal(0, s.Deviation, 4);
        Assert.Equal(1, s.MeanCosine, 5);
    }

    [Fact]
    public void Isotropic_features_have_full_rank_deviation_one_and_cosine_zero()
    {
        Random random = new(1);
        float[] values = [.. Enumerable.Range(0, 6000 * 16)
            .Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
        var s = SpreadStatistics.Of(values, 16);
        // Sampling spreads the 16 eigenvalues by about √(W/N) = 5 %; the entropy's loss is of second order.
        Assert.InRange(s.EffectiveRank, 15.9, 16);
        Assert.Equal(1, s.Deviation, 0.02);
        Assert.Equal(0, s.MeanCosine, 0.02);
    }

    [Fact]
    public void Two_opposite_directions_on_each_of_three_axes_have_rank_three()
    {
        float[] values = [1, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, -2, 0, 0, 0, 0, 3, 0, 0, 0, -3, 0];
        var s = SpreadStatistics.Of(values, 4);
        Assert.Equal(3, s.EffectiveRank, 5);
        Assert.Equal(-1.0 / 5, s.MeanCosine, 6);
    }

    [Fact]
    public void Principal_components_find_the_axes_of_a_stretched_cloud()
    {
        // Along (3, 4)/5 twice as far as along (−4, 3)/5, about (10, −7).
        float[] values = [.. new (float A, float B)[] { (2, 0), (-2, 0), (0, 1), (0, -1) }.SelectMany(
            p => new[] { 10 + (3 * p.A - 4 * p.B) / 5, -7 + (4 * p.A + 3 * p.B) / 5 })];
        var pca = PrincipalComponents.Of(values, 2);
        Assert.Equal([2.0, 0.5], pca.Variances.Select(v => Math.Round(v, 5)));
        Assert.Equal([10f, -7f], pca.Mean);
        Assert.Equal([0.6, 0.8], pca.Axes[..2].Select(v => Math.Round(v, 5)));
        Assert.Equal([2.0, -2.0, 0, 0], pca.Project(values, 1).Select(v => Math.Round(v, 5) + 0.0));
    }
}
