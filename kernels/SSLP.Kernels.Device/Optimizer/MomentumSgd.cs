using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// d = g + λw, m = μm + d, w = w − ηm over flat buffers, and what judges the gradient before. A thread owns every (GridDimX · DimX)-th
/// four values.
/// </summary>
public static class MomentumSgd
{
    /// <summary>2¹²⁸: the square of the norm from which on a gradient counts as infinite.</summary>
    private const double GreatestSquares = 3.4028236692093846e38;

    /// <summary>sums[group] = Σ g² of its part, in float64: threads' sums in ascending order, joined by a fixed tree.</summary>
    public static void SumSquares(ArrayView<Float4> gradient, ArrayView<double> sums, long quads)
    {
        ArrayView<double> partial = SharedMemory.Allocate<double>(DeviceMath.GroupSize);
        double sum = 0.0;
        for (long q = (long)Grid.IdxX * Group.DimX + Group.IdxX; q < quads; q += (long)Grid.DimX * Group.DimX)
        {
            Float4 g = gradient[q];
            sum += (double)g.X * g.X + (double)g.Y * g.Y + ((double)g.Z * g.Z + (double)g.W * g.W);
        }

        sum = GroupReduce.Sum(sum, partial);
        if (Group.IdxX == 0)
            sums[Grid.IdxX] = sum;
    }

    /// <summary>
    /// squares[0] = Σ sums, by one group; flags[0] gets <paramref name="bit"/> where that is NaN or too large, else it keeps what it has.
    /// </summary>
    public static void JudgeSquares(ArrayView<double> sums, ArrayView<double> squares, ArrayView<int> flags, int groups, int bit)
    {
        ArrayView<double> partial = SharedMemory.Allocate<double>(DeviceMath.GroupSize);
        double sum = 0.0;
        for (int g = Group.IdxX; g < groups; g += Group.DimX)
            sum += sums[g];
        sum = GroupReduce.Sum(sum, partial);
        if (Group.IdxX != 0)
            return;
        squares[0] = sum;
        if (!(sum < GreatestSquares))
            Atomic.Or(ref flags[0], bit);
    }

    /// <summary>One step. Where a flag is set nothing is written.</summary>
    /// <param name="rate">−η.</param>
    /// <param name="factor">μ.</param>
    /// <param name="decay">λ.</param>
    public static void StepMomentumSgd(
        ArrayView<Float4> weights, ArrayView<Float4> momentum, ArrayView<Float4> gradient, ArrayView<int> flags, long quads,
        float rate, float factor, float decay)
    {
        if (flags[0] != 0)
            return;
        for (long q = (long)Grid.IdxX * Group.DimX + Group.IdxX; q < quads; q += (long)Grid.DimX * Group.DimX)
        {
            Float4 weight = weights[q];
            var moved = Float4.Add(Float4.Scale(momentum[q], factor), Float4.MultiplyAdd(decay, weight, gradient[q]));
            momentum[q] = moved;
            weights[q] = Float4.MultiplyAdd(rate, moved, weight);
        }
    }

    /// <summary>k = kept · k + taken · q. Where a flag is set nothing is written.</summary>
    public static void FollowWeights(
        ArrayView<Float4> key, ArrayView<Float4> query, ArrayView<int> flags, long quads, float kept, float taken)
    {
        if (flags[0] != 0)
            return;
        for (long q = (long)Grid.IdxX * Group.DimX + Group.IdxX; q < quads; q += (long)Grid.DimX * Group.DimX)
            key[q] = Float4.MultiplyAdd(taken, query[q], Float4.Scale(key[q], kept));
    }
}
