using System.Buffers;

namespace SSLP.Kernels;

/// <summary>Where an anchor's M negatives come from. Rank 0 is the most similar row that is not {i} ∪ S_i ∪ F_i, ties to the lower
/// row.</summary>
public enum NegativeSampling
{
    /// <summary>Ranks of the pool, the first P = ⌊0.2·N⌋, with density Beta(5, 15) over (rank + ½)/P: neither the hardest nor the easy
    /// ones.</summary>
    SemiHard,

    /// <summary>Uniform over all rows that are not excluded: the r-th of them in bank order for a uniform r. For the ablation.</summary>
    Random,

    /// <summary>Ranks 0 … M − 1. For the ablation.</summary>
    Hardest,
}

/// <summary>
/// The ranks of a step's negatives: one draw serves the whole batch. Exponential races give exactly the successive weighted draw
/// without replacement: rank r has the key −ln(u_r)/w_r with u_r uniform, and the M smallest keys win (Efraimidis and Spirakis,
/// "Weighted random sampling with a reservoir", Information Processing Letters 97, 2006). u_r is word X of Philox at
/// (key: the seed for <see cref="RandomPurpose.NegativeRanks"/>, stream: step, index: r): any device can make the same draw.
/// </summary>
public static class NegativeRanks
{
    /// <summary>P = ⌊share·N⌋.</summary>
    public static int PoolSize(int rows, double share) => (int)Math.Floor(share * rows);

    /// <summary>Ranks are drawn from as many: the pool for semi-hard ones, all rows for the others.</summary>
    public static int Candidates(NegativeSampling sampling, int rows, double share) =>
        sampling == NegativeSampling.SemiHard ? PoolSize(rows, share) : rows;

    /// <summary>
    /// min(count, candidates) different ranks in 0 … candidates − 1, ascending; <paramref name="candidates"/> as <see cref="Candidates"/>
    /// has them. Ranks beyond an anchor's number of allowed rows are dropped by whoever looks them up.
    /// </summary>
    /// <returns>The number of ranks written to the front of <paramref name="ranks"/>.</returns>
    /// <exception cref="ArgumentException">A size is negative, or the span is too short.</exception>
    public static int Draw(NegativeSampling sampling, ulong seed, long step, int candidates, int count, Span<int> ranks)
    {
        if (candidates < 0 || count < 0)
            throw new ArgumentException($"Cannot draw {count} ranks of {candidates}.");
        count = Math.Min(count, candidates);
        if (ranks.Length < count)
            throw new ArgumentException($"{count} ranks do not fit into a span of {ranks.Length}.");
        ranks = ranks[..count];
        if (sampling == NegativeSampling.Hardest || count == candidates)
        {
            for (int r = 0; r < count; r++)
                ranks[r] = r;
            return count;
        }
        Race(sampling, seed, step, candidates, ranks, LikelyEnd(sampling, candidates, count));
        return count;
    }

    /// <summary>
    /// The ranks of the smallest times, ascending. Only speed depends on <paramref name="until"/>, a time by which the last of them has
    /// probably come: a logarithm is taken of those alone that may come by then, as −ln(u) ≥ 1 − u, and if too few do, later ones are
    /// looked at, too.
    /// </summary>
    internal static void Race(NegativeSampling sampling, ulong seed, long step, int candidates, Span<int> ranks, double until)
    {
        ulong key = CounterRandom.Key(seed, RandomPurpose.NegativeRanks);
        int[] runners = ArrayPool<int>.Shared.Rent(candidates);
        double[] times = ArrayPool<double>.Shared.Rent(candidates);
        for (; ; until *= 2)
        {
            int count = 0, inTime = 0;
            for (int rank = 0; rank < candidates; rank++)
            {
                double u = CounterRandom.UniformAboveZero(CounterRandom.Block(key, (ulong)step, (ulong)rank).X);
                // Written in any case and kept in some: whether it is kept looks random to a branch predictor.
                (runners[count], times[count]) = (rank, u);
                count += 1 - u <= until * Weight(sampling, rank, candidates) ? 1 : 0;
            }
            for (int i = 0; i < count; i++)
            {
                times[i] = -Math.Log(times[i]) / Weight(sampling, runners[i], candidates);
                inTime += times[i] <= until ? 1 : 0;
            }
            if (inTime >= ranks.Length)
            {
                TakeSmallest(runners, times.AsSpan(0, count), ranks);
                break;
            }
        }
        ArrayPool<int>.Shared.Return(runners);
        ArrayPool<double>.Shared.Return(times);
    }

    /// <summary>Beta(5, 15) density at x, without its constant: x⁴·(1 − x)¹⁴.</summary>
    internal static double BetaWeight(double x)
    {
        double x2 = x * x, y = 1 - x, y2 = y * y, y4 = y2 * y2, y8 = y4 * y4;
        return x2 * x2 * (y8 * y4 * y2);
    }

    private static double Weight(NegativeSampling sampling, int rank, int candidates) =>
        sampling == NegativeSampling.Random ? 1 : BetaWeight((rank + 0.5) / candidates);

    /// <summary>
    /// A time by which <paramref name="count"/> ranks have almost surely come: t where the expectation, Σ 1 − exp(−t·w), is five standard
    /// deviations more; ∞ where it never is, and where all logarithms together cost less than to find it. The sum is taken over some
    /// hundred places of the pool.
    /// </summary>
    private static double LikelyEnd(NegativeSampling sampling, int candidates, int count)
    {
        const int places = 256, steps = 20;
        double wanted = (count + 5 * Math.Sqrt(count) + 5) / candidates * places, t = 0;
        if (wanted >= places || candidates <= 4 * places)
            return double.PositiveInfinity;
        // Newton's method from below, where the concave sum lets it overshoot nothing.
        for (int i = 0; i < steps; i++)
        {
            double came = 0, rate = 0;
            for (int place = 0; place < places; place++)
            {
                double weight = Weight(sampling, place, places), waits = Math.Exp(-t * weight);
                came += 1 - waits;
                rate += weight * waits;
            }
            double more = (wanted - came) / rate;
            t += more;
            if (more <= 1e-3 * t)
                break;
        }
        return t;
    }

    /// <summary>The runners of the ranks.Length smallest times, ascending; among equal times the lower rank wins.</summary>
    private static void TakeSmallest(ReadOnlySpan<int> runners, ReadOnlySpan<double> times, Span<int> ranks)
    {
        if (ranks.IsEmpty)
            return;
        double[] scratch = ArrayPool<double>.Shared.Rent(times.Length);
        times.CopyTo(scratch);
        double last = Selection.Smallest(scratch.AsSpan(0, times.Length), ranks.Length - 1);
        ArrayPool<double>.Shared.Return(scratch);
        int ties = ranks.Length;
        foreach (double time in times)
            ties -= time < last ? 1 : 0;
        int taken = 0;
        for (int i = 0; taken < ranks.Length; i++)
        {
            if (times[i] < last || (times[i] == last && ties-- > 0))
                ranks[taken++] = runners[i];
        }
    }
}
