namespace SSLP.Engine.Statistics;

/// <summary>How evenly something is shared out.</summary>
internal static class Entropy
{
    /// <summary>−Σ p·ln p with p the positive weights over <paramref name="total"/>, in nats; 0 where one has all.</summary>
    /// <param name="weights">Weights; those of 0 or less have no part.</param>
    /// <param name="total">Their sum, above 0.</param>
    public static double Of(IEnumerable<double> weights, double total) =>
        -weights.Where(weight => weight > 0).Sum(weight => weight / total * Math.Log(weight / total));

    /// <summary>
    /// Entropy of what is taken how often over the entropy of all equally often: 1 even, near 0 where a few are always taken; 0 with less
    /// than two takings or two to take. With fewer takings than there is to take, not even the most even sharing reaches all.
    /// </summary>
    /// <param name="taken">How often each was taken.</param>
    public static double Evenness(int[] taken)
    {
        double total = taken.Sum(count => (double)count), most = Math.Log(Math.Min(taken.Length, total));
        return most > 0 ? Of(taken.Select(count => (double)count), total) / most : 0;
    }
}
