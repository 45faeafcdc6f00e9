using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class NegativeRanksTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(13_107, 4096)]
    [InlineData(5, 9)]
    [InlineData(0, 4)]
    [InlineData(10, 0)]
    public void Ranks_ascend_without_repeats_inside_the_pool(int pool, int count)
    {
        int[] ranks = new int[count];
        int drawn = NegativeRanks.Draw(NegativeSampling.SemiHard, seed: 5, step: 3, pool, count, ranks);
        Assert.Equal(Math.Min(pool, count), drawn);
        Assert.All(ranks[..drawn], rank => Assert.InRange(rank, 0, pool - 1));
        Assert.Equal(ranks[..drawn].Distinct().Order(), ranks[..drawn]);
    }

    [Fact]
    public void The_draw_is_fixed_by_seed_and_step()
    {
        int[] Draw(ulong seed, long step)
        {
            int[] ranks = new int[40];
            NegativeRanks.Draw(NegativeSampling.SemiHard, seed, step, 1000, 40, ranks);
            return ranks;
        }
        Assert.Equal(Draw(1, 2), Draw(1, 2));
        Assert.NotEqual(Draw(1, 2), Draw(1, 3));
        Assert.NotEqual(Draw(1, 2), Draw(2, 2));
    }

    /// <summary>With one rank a draw, nothing is without replacement: the counts must follow Beta(5, 15) itself.</summary>
    [Fact]
    public void A_single_rank_follows_the_beta_density()
    {
        const int pool = 200, draws = 20_000, cells = 20;
        int[] observed = new int[cells];
        for (int step = 0; step < draws; step++)
        {
            Span<int> rank = [0];
            NegativeRanks.Draw(NegativeSampling.SemiHard, seed: 11, step, pool, 1, rank);
            observed[rank[0] * cells / pool]++;
        }
        double[] weights = [.. Enumerable.Range(0, pool).Select(r => Beta((r + 0.5) / pool))];
        double chiSquare = 0, degrees = -1;
        for (int cell = 0; cell < cells; cell++)
        {
            double expected = draws * weights.Skip(cell * pool / cells).Take(pool / cells).Sum() / weights.Sum();
            if (expected < 5)
                continue;
            chiSquare += (observed[cell] - expected) * (observed[cell] - expected) / expected;
            degrees++;
        }
        // χ² has mean k and variance 2k: five standard deviations.
        Assert.InRange(chiSquare, 0, degrees + 5 * Math.Sqrt(2 * degrees));
    }

    /// <summary>Inclusion of each rank, M of P, against successive weighted draws made the naive way.</summary>
    [Fact]
    public void Many_ranks_follow_successive_draws_without_replacement()
    {
        const int pool = 30, count = 9, draws = 20_000;
        double[] ours = new double[pool];
        double[] naive = new double[pool];
        var random = new Random(8);
        int[] ranks = new int[count];
        for (int step = 0; step < draws; step++)
        {
            NegativeRanks.Draw(NegativeSampling.SemiHard, seed: 12, step, pool, count, ranks);
            foreach (int rank in ranks)
                ours[rank]++;
            foreach (int rank in SuccessiveDraws(pool, count, random))
                naive[rank]++;
        }
        for (int rank = 0; rank < pool; rank++)
        {
            // Two binomial counts with a common chance p; 1 keeps ranks that are almost never drawn in range.
            double p = (ours[rank] + naive[rank]) / (2 * draws);
            Assert.InRange(ours[rank] - naive[rank], -5 * Math.Sqrt(2 * draws * p * (1 - p)) - 1,
                5 * Math.Sqrt(2 * draws * p * (1 - p)) + 1);
        }
    }

    /// <summary>Whatever end is guessed, far too early, about right, or none: the ranks are those of all times put in order.</summary>
    [Theory]
    [InlineData(NegativeSampling.SemiHard, 1000, 40)]
    [InlineData(NegativeSampling.SemiHard, 1000, 990)]
    [InlineData(NegativeSampling.SemiHard, 13_107, 4096)]
    [InlineData(NegativeSampling.Random, 5000, 300)]
    [InlineData(NegativeSampling.Random, 2, 1)]
    public void Ranks_are_those_of_the_smallest_times(NegativeSampling sampling, int candidates, int count)
    {
        ulong key = CounterRandom.Key(77, RandomPurpose.NegativeRanks);
        double Time(int rank) =>
            -Math.Log(CounterRandom.UniformAboveZero(CounterRandom.Block(key, 5, (ulong)rank).X)) /
            (sampling == NegativeSampling.Random ? 1 : Beta((rank + 0.5) / candidates));
        int[] expected = [.. Enumerable.Range(0, candidates).OrderBy(Time).Take(count).Order()];
        int[] ranks = new int[count];
        Assert.Equal(count, NegativeRanks.Draw(sampling, 77, 5, candidates, count, ranks));
        Assert.Equal(expected, ranks);
        foreach (double until in new[] { 1e-12, 1, 1e5, double.PositiveInfinity })
        {
            Array.Clear(ranks);
            NegativeRanks.Race(sampling, 77, 5, candidates, ranks, until);
            Assert.Equal(expected, ranks);
        }
    }

    [Fact]
    public void Hardest_takes_the_first_ranks_and_random_is_uniform()
    {
        int[] ranks = new int[3];
        NegativeRanks.Draw(NegativeSampling.Hardest, 1, 1, 10, 3, ranks);
        Assert.Equal([0, 1, 2], ranks);
        int[] counts = new int[10];
        const int draws = 6000;
        for (int step = 0; step < draws; step++)
        {
            NegativeRanks.Draw(NegativeSampling.Random, 1, step, 10, 3, ranks);
            foreach (int rank in ranks)
                counts[rank]++;
        }
        double deviation = Math.Sqrt(draws * 0.3 * 0.7);
        Assert.All(counts, count => Assert.InRange(count, draws * 0.3 - 5 * deviation, draws * 0.3 + 5 * deviation));
    }

    [Fact]
    public void Refuses_impossible_sizes_by_name()
    {
        Assert.Contains(
            "-1", Assert.Throws<ArgumentException>(() => NegativeRanks.Draw(NegativeSampling.SemiHard, 0, 0, -1, 1, new int[1])).Message);
        Assert.Contains("4 ranks",
            Assert.Throws<ArgumentException>(() => NegativeRanks.Draw(NegativeSampling.SemiHard, 0, 0, 9, 4, new int[3])).Message);
    }

    private static double Beta(double x) => Math.Pow(x, 4) * Math.Pow(1 - x, 14);

    private static List<int> SuccessiveDraws(int pool, int count, Random random)
    {
        double[] weights = [.. Enumerable.Range(0, pool).Select(r => Beta((r + 0.5) / pool))];
        var drawn = new List<int>();
        while (drawn.Count < count)
        {
            double at = random.NextDouble() * weights.Sum();
            int rank = 0;
            for (; rank < pool - 1 && at >= weights[rank]; rank++)
                at -= weights[rank];
            if (weights[rank] == 0)
                continue;
            weights[rank] = 0;
            drawn.Add(rank);
        }
        return drawn;
    }
}
