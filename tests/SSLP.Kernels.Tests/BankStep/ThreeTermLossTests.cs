using CsCheck;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class ThreeTermLossTests
{
    private static readonly TermWeights Factors = new(0.7, 0.4, 1.3);

    /// <summary>Sizes of S, F and Q, the scale of the similarities, τ.</summary>
    public static TheoryData<int, int, int, double, double> Shapes => new()
    {
        { 24, 130, 4096, 1, 0.07 }, { 0, 3, 17, 1, 0.07 }, { 8, 0, 33, 1, 0.07 }, { 0, 0, 5, 1, 0.2 }, { 5, 7, 0, 1, 0.07 },
            { 0, 0, 0, 1, 0.07 },
        { 1, 1, 1, 0, 0.07 }, { 24, 9, 300, 40, 0.9 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Terms_and_factors_match_the_reference(int spatial, int feature, int negatives, double scale, double temperature)
    {
        foreach (bool detach in new[] { false, true })
        {
            var given = Case.Random(spatial, feature, negatives, scale, seed: 3);
            (AnchorTerms expected, Case factors) = given.Reference(temperature, detach);
            (AnchorTerms actual, Case ours) = given.Ours(temperature, detach);
            AssertClose(expected, actual);
            // Every exponential is a float: relative 2⁻²³, times the exponent's own rounding, |d|/τ·2⁻²³.
            double tolerance = (4 + 4 * scale / temperature) * Math.Pow(2, -23);
            factors.AssertClose(ours, tolerance);
        }
    }

    [Fact]
    public void Factors_of_the_reference_are_the_central_differences_of_its_loss()
    {
        const double temperature = 0.07, h = 1e-6;
        var given = Case.Random(spatial: 6, feature: 5, negatives: 11, scale: 0.8, seed: 5);
        (_, Case factors) = given.Reference(temperature, detach: false);
        double[] expected = factors.All, at = given.All;
        for (int j = 0; j < at.Length; j++)
        {
            double slope = (given.With(j, at[j] + h).Loss(temperature) - given.With(j, at[j] - h).Loss(temperature)) / (2 * h);
            // The error of a central difference: h²·(third derivative, at most about τ⁻³) and rounding of the loss over h.
            Assert.Equal(expected[j], slope, h * h / Math.Pow(temperature, 3) + 1e-14 / h);
        }
    }

    [Fact]
    public void Factors_sum_to_zero_since_only_differences_of_similarities_matter() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 9], Gen.Int[1, 60], Gen.ULong).Sample((spatial, feature, negatives, seed) =>
        {
            (_, Case factors) = Case.Random(spatial, feature, negatives, 1, seed).Ours(0.07, detach: false);
            Assert.Equal(0, factors.All.Sum(), 1e-5 * factors.All.Sum(Math.Abs) + 1e-12);
        }, iter: 100);

    [Fact]
    public void A_loss_whose_exponentials_would_overflow_is_finite_and_right()
    {
        // d/τ = ±1000, and e^1000 overflows double. Self: −log(1/3); intra and inter: −log(e⁻¹⁰⁰⁰ / (2·e¹⁰⁰⁰)).
        var given = new Case(1, [-1], [-1, -1], [1, 1]);
        (AnchorTerms terms, Case factors) = given.Ours(0.001, detach: false);
        AssertClose(new AnchorTerms(Math.Log(3), 2000 + Math.Log(2), 2000 + Math.Log(2)), terms);
        Assert.All(factors.All, factor => Assert.True(double.IsFinite(factor)));
        Assert.Equal(-1000 * Factors.Intra, factors.Spatial[0], 0.01);
    }

    [Fact]
    public void Without_negatives_every_term_and_factor_is_zero()
    {
        (AnchorTerms terms, Case factors) = new Case(0.3, [0.1], [0.5, 0.2], []).Ours(0.07, detach: false);
        Assert.Equal(new AnchorTerms(0, 0, 0), terms);
        Assert.All(factors.All, factor => Assert.Equal(0, factor));
    }

    [Fact]
    public void A_factor_of_zero_takes_a_term_out_of_the_gradient_and_reports_it()
    {
        var given = Case.Random(4, 4, 20, 1, seed: 8);
        float self = (float)given.Self;
        float[] spatial = Floats(given.Spatial), feature = Floats(given.Feature), negatives = Floats(given.Negatives);
        AnchorTerms terms = ThreeTermLoss.ToGradientFactors(ref self, spatial, feature, negatives, 0.07, new TermWeights(1, 0, 0));
        Assert.True(terms.Intra > 0 && terms.Inter > 0);
        Assert.All([.. spatial, .. feature], factor => Assert.Equal(0, factor));
        Assert.NotEqual(0, self);
    }

    [Fact]
    public void A_NaN_similarity_gives_NaN_and_not_a_number_that_looks_right()
    {
        (AnchorTerms terms, _) = new Case(0.3, [0.1], [0.5], [0.2, double.NaN]).Ours(0.07, detach: false);
        Assert.True(double.IsNaN(terms.Self) && double.IsNaN(terms.Intra) && double.IsNaN(terms.Inter));
    }

    private static void AssertClose(AnchorTerms expected, AnchorTerms actual)
    {
        Assert.Equal(expected.Self, actual.Self, 2e-6 * (1 + expected.Self));
        Assert.Equal(expected.Intra, actual.Intra, 2e-6 * (1 + expected.Intra));
        Assert.Equal(expected.Inter, actual.Inter, 2e-6 * (1 + expected.Inter));
    }

    private static float[] Floats(double[] values) => [.. values.Select(v => (float)v)];

    private static double[] Doubles(float[] values) => [.. values.Select(v => (double)v)];

    /// <summary>Similarities of one anchor, or the factors that came of them.</summary>
    private sealed record Case(double Self, double[] Spatial, double[] Feature, double[] Negatives)
    {
        public double[] All => [Self, .. Spatial, .. Feature, .. Negatives];

        public static Case Random(int spatial, int feature, int negatives, double scale, ulong seed)
        {
            ulong next = 0;
            double Draw() => (float)(scale * (2 * CounterRandom.UniformAboveZero(
                CounterRandom.Block(CounterRandom.Key(seed, RandomPurpose.Test), 0, next++).X) - 1));
            double[] Many(int count) => [.. Enumerable.Range(0, count).Select(_ => Draw())];
            // One negative in sixteen is spiky: as close as the anchor's own row.
            Case drawn = new(Draw(), Many(spatial), Many(feature), Many(negatives));
            for (int n = 0; n < negatives; n += 16)
                drawn.Negatives[n] = scale;
            return drawn;
        }

        public Case With(int index, double value)
        {
            double[] all = All;
            all[index] = value;
            int s = 1 + Spatial.Length, f = s + Feature.Length;
            return new Case(all[0], all[1..s], all[s..f], all[f..]);
        }

        public double Loss(double temperature)
        {
            AnchorTerms terms = ThreeTermLossReference.Terms(Self, Spatial, Feature, Negatives, temperature);
            return Factors.Self * terms.Self + Factors.Intra * terms.Intra + Factors.Inter * terms.Inter;
        }

        public (AnchorTerms, Case) Reference(double temperature, bool detach)
        {
            double self = Self;
            double[] spatial = [.. Spatial], feature = [.. Feature], negatives = [.. Negatives];
            AnchorTerms terms = ThreeTermLossReference.Terms(Self, Spatial, Feature, Negatives, temperature);
            ThreeTermLossReference.ToGradientFactors(ref self, spatial, feature, negatives, temperature, Factors, detach);
            return (terms, new Case(self, spatial, feature, negatives));
        }

        public (AnchorTerms, Case) Ours(double temperature, bool detach)
        {
            float self = (float)Self;
            float[] spatial = Floats(Spatial), feature = Floats(Feature), negatives = Floats(Negatives);
            AnchorTerms terms = ThreeTermLoss.ToGradientFactors(ref self, spatial, feature, negatives, temperature, Factors, detach);
            return (terms, new Case(self, Doubles(spatial), Doubles(feature), Doubles(negatives)));
        }

        /// <summary>Each factor to a relative tolerance, and to the same share of the largest factor.</summary>
        public void AssertClose(Case actual, double tolerance)
        {
            double largest = All.Max(Math.Abs);
            foreach ((double expected, double value) in All.Zip(actual.All))
                Assert.Equal(expected, value, tolerance * (Math.Abs(expected) + largest));
        }
    }
}
