using System.Buffers;

namespace SSLP.Kernels;

/// <summary>Where an anchor's M negatives come from. Rank 0 is the most similar row that is not {i} ∪ S_i ∪ F_i, ties to the lower row.</summary>
public enum NegativeSampling
{
    /// <summary>Ranks of the pool, the first P = ⌊0.2·N⌋, with density Beta(5, 15) over (rank + ½)/P: neither the hardest nor the easy ones.</summary>
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

    /// <summary>Semi-hard ranks: min(count, poolSize) different ranks in 0 … poolSize − 1, ascending, weighted by Beta(5, 15).</summary>
    /// <returns>The number of ranks written to the front of <paramref name="ranks"/>.</returns>
    /// <exception cref="ArgumentException">A size is negative, or the span is too short.</exception>
    public static int DrawRanks(ulong seed, long step, int poolSize, int count, Span<int> ranks) =>
        Draw(NegativeSampling.SemiHard, seed, step, poolSize, count, ranks);

    /// <summary>
    /// Ranks for any sampling, ascending. <paramref name="candidates"/> is the pool size for SemiHard and N for the other two;
    /// ranks beyond an anchor's number of allowed rows are dropped by whoever looks them up.
    /// </summary>
    /// <inheritdoc cref="DrawRanks"/>
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
        double[] keys = ArrayPool<double>.Shared.Rent(2 * candidates);
        Race(sampling, CounterRandom.Key(seed, RandomPurpose.NegativeRanks), (ulong)step, keys.AsSpan(0, candidates));
        TakeSmallest(keys.AsSpan(0, candidates), keys.AsSpan(candidates, candidates), ranks);
        ArrayPool<double>.Shared.Return(keys);
        return count;
    }

    /// <summary>Beta(5, 15) density at x, without its constant: x⁴·(1 − x)¹⁴.</summary>
    internal static double BetaWeight(double x)
    {
        double x2 = x * x, y = 1 - x, y2 = y * y, y4 = y2 * y2, y8 = y4 * y4;
        return x2 * x2 * (y8 * y4 * y2);
    }

    private static void Race(NegativeSampling sampling, ulong key, ulong step, Span<double> times)
    {
        bool uniform = sampling == NegativeSampling.Random;
        for (int rank = 0; rank < times.Length; rank++)
        {
            double u = CounterRandom.UniformAboveZero(CounterRandom.Block(key, step, (ulong)rank).X);
            times[rank] = -Math.Log(u) / (uniform ? 1 : BetaWeight((rank + 0.5) / times.Length));
        }
    }

    /// <summary>The indices of the ranks.Length smallest times, ascending; among equal times the lower index wins.</summary>
    private static void TakeSmallest(ReadOnlySpan<double> times, Span<double> scratch, Span<int> ranks)
    {
        if (ranks.IsEmpty)
            return;
        times.CopyTo(scratch);
        double last = Selection.Smallest(scratch, ranks.Length - 1);
        int ties = ranks.Length;
        foreach (double time in times)
            ties -= time < last ? 1 : 0;
        int taken = 0;
        for (int rank = 0; taken < ranks.Length; rank++)
        {
            if (times[rank] < last || (times[rank] == last && ties-- > 0))
                ranks[taken++] = rank;
        }
    }
}
