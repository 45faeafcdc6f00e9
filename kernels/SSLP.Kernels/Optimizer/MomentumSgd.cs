namespace SSLP.Kernels;

/// <summary>What a step of <see cref="IMomentumSgd"/> goes by; each is rounded to float32 where it is used.</summary>
/// <param name="LearningRate">η, at least 0.</param>
/// <param name="Momentum">μ, 0 … 1.</param>
/// <param name="WeightDecay">λ, at least 0.</param>
public readonly record struct MomentumSgdRates(double LearningRate, double Momentum, double WeightDecay);

/// <summary>
/// Stochastic gradient descent with momentum and weight decay over flat buffers, as PyTorch defines it (torch.optim.SGD; Sutskever et al.
/// 2013
/// with the rate outside of the momentum): d = g + λw, m = μm + d, w = w − ηm. In float32: d and w are fused multiply-adds, μm is rounded
/// on
/// its own, so that the bits are those of torch's own operations on a processor with FMA. A momentum buffer begins as
/// <see cref="FreshMomentum"/>.
/// </summary>
/// <remarks>
/// The gradient may lie in several pieces, which follow one another in the flat buffers' order: torch keeps one tensor a parameter, and
/// nothing
/// is gained on a CPU by joining them.
/// </remarks>
public interface IMomentumSgd : IDisposable
{
    /// <summary>
    /// A gradient as long as this may take a finite weight out of float32's range; it counts as infinite. Its square is float32's limit.
    /// </summary>
    const double GreatestNorm = 18446744073709551616.0; // 2⁶⁴

    /// <summary>What a momentum buffer is filled with: −0, the one number that every first d goes through unchanged.</summary>
    const float FreshMomentum = -0f;

    /// <summary>
    /// Euclidean norm of the whole gradient, summed in float64: NaN or infinite where a number of it is, and infinite from
    /// <see cref="GreatestNorm"/> on. In those cases <see cref="Step"/> and <see cref="Follow"/> do nothing until the next norm.
    /// </summary>
    double Norm(ReadOnlySpan<VectorView> gradient);

    /// <summary>One step.</summary>
    /// <param name="weights">w [n].</param>
    /// <param name="momentum">m [n].</param>
    /// <param name="gradient">g [n] in all.</param>
    /// <param name="rates">η, μ, λ.</param>
    /// <exception cref="ArgumentException">
    /// Lengths that differ, rates out of their range, memory that the implementation does not take.
    /// </exception>
    void Step(VectorView weights, VectorView momentum, ReadOnlySpan<VectorView> gradient, MomentumSgdRates rates);

    /// <summary>
    /// k ← mk + (1 − m)q: the momentum encoder of He et al. (CVPR 2020, eq. 2). mk is rounded on its own, the rest is fused.
    /// </summary>
    /// <param name="key">k [n].</param>
    /// <param name="query">q [n].</param>
    /// <param name="momentum">m, 0 … 1.</param>
    /// <exception cref="ArgumentException">Lengths that differ, a momentum out of its range.</exception>
    void Follow(VectorView key, VectorView query, double momentum);
}

/// <summary>What all implementations refuse.</summary>
internal static class MomentumSgdRules
{
    public static long LengthOf(ReadOnlySpan<VectorView> parts)
    {
        long length = 0;
        foreach (VectorView part in parts)
            length += part.Length;
        return length;
    }

    /// <summary>The norm of a sum of squares, as <see cref="IMomentumSgd.Norm"/> gives it.</summary>
    public static double NormOf(double squares) =>
        Math.Sqrt(squares) is var norm && norm >= IMomentumSgd.GreatestNorm ? double.PositiveInfinity : norm;

    public static void CheckStep(VectorView weights, VectorView momentum, ReadOnlySpan<VectorView> gradient, MomentumSgdRates rates)
    {
        if (weights.Length != momentum.Length || weights.Length != LengthOf(gradient))
            throw new ArgumentException(
                $"A step of {weights.Length} weights was given a momentum of {momentum.Length} "
                + $"and a gradient of {LengthOf(gradient)} numbers.");
        if (!(IsRate(rates.LearningRate) && IsRate(rates.WeightDecay)))
            throw new ArgumentException(
                $"A learning rate of {rates.LearningRate} with a weight decay of {rates.WeightDecay}: both are at least 0 and finite.");
        CheckMomentum(rates.Momentum);
    }

    public static void CheckFollow(VectorView key, VectorView query, double momentum)
    {
        if (key.Length != query.Length)
            throw new ArgumentException($"{key.Length} weights cannot follow {query.Length}.");
        CheckMomentum(momentum);
    }

    private static bool IsRate(double value) => value >= 0 && double.IsFinite(value);

    private static void CheckMomentum(double momentum)
    {
        if (!(momentum is >= 0 and <= 1))
            throw new ArgumentException($"A momentum of {momentum}: it lies between 0 and 1.");
    }
}
