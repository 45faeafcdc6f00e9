using System.Numerics;

namespace SSLP.Kernels;

/// <summary>
/// Separable Gaussian blur of square float planes in place, cut at ⌈3σ⌉ pixels, weights of sum 1, edges mirrored without repeating the
/// edge pixel (torchvision's "reflect"). It cannot join the pass over rows before it, for it needs the rows below: this is a
/// second pass, over a plane that is still in the cache. Being linear with weights of sum 1 it commutes with the normalisation.
/// </summary>
internal sealed unsafe class GaussianBlur(int side) : IDisposable
{
    private static readonly int LargestReach = Reach(AugmentOptions.MaximumBlurSigma);

    private readonly AlignedBuffer<float> _across = new((long)side * side);
    private readonly AlignedBuffer<float> _line = new(side + 2 * LargestReach);
    private readonly float[] _weights = new float[LargestReach + 1];

    /// <summary>Pixels on each side of the centre that a blur of <paramref name="sigma"/> reads.</summary>
    public static int Reach(float sigma) => (int)Math.Ceiling(3.0 * sigma);

    /// <summary>Index of the pixel that stands for <paramref name="i"/> beyond an edge: −1 → 1, side → side − 2, and on.</summary>
    public static int Mirror(int i, int side)
    {
        if (side == 1)
            return 0;
        int period = 2 * (side - 1);
        i = Math.Abs(i) % period;
        return i < side ? i : period - i;
    }

    /// <summary>Blurs three planes of side × side that follow one another.</summary>
    public void Apply(float* planes, float sigma)
    {
        int reach = Weigh(sigma);
        for (int channel = 0; channel < 3; channel++)
        {
            float* plane = planes + (nint)channel * side * side;
            for (int y = 0; y < side; y++)
                Across(plane + (nint)y * side, _across.Pointer + (nint)y * side, reach);
            for (int y = 0; y < side; y++)
                Down(y, plane + (nint)y * side, reach);
        }
    }

    public void Dispose()
    {
        _across.Dispose();
        _line.Dispose();
    }

    private int Weigh(float sigma)
    {
        int reach = Reach(sigma);
        double sum = 0;
        for (int t = -reach; t <= reach; t++)
            sum += Math.Exp(-0.5 * t * t / ((double)sigma * sigma));
        for (int t = 0; t <= reach; t++)
            _weights[t] = (float)(Math.Exp(-0.5 * t * t / ((double)sigma * sigma)) / sum);
        return reach;
    }

    private void Across(float* row, float* result, int reach)
    {
        float* centre = _line.Pointer + reach;
        new ReadOnlySpan<float>(row, side).CopyTo(new Span<float>(centre, side));
        for (int t = 1; t <= reach; t++)
        {
            centre[-t] = row[Mirror(-t, side)];
            centre[side - 1 + t] = row[Mirror(side - 1 + t, side)];
        }

        Scale(centre, _weights[0], result);
        for (int t = 1; t <= reach; t++)
            AddPair(centre - t, centre + t, _weights[t], result);
    }

    private void Down(int y, float* result, int reach)
    {
        Scale(RowAcross(y), _weights[0], result);
        for (int t = 1; t <= reach; t++)
            AddPair(RowAcross(Mirror(y - t, side)), RowAcross(Mirror(y + t, side)), _weights[t], result);
    }

    private float* RowAcross(int y) => _across.Pointer + (nint)y * side;

    private void Scale(float* source, float weight, float* result)
    {
        int x = 0;
        for (; x + Vector<float>.Count <= side; x += Vector<float>.Count)
            Vector.Store(weight * Vector.Load(source + x), result + x);
        for (; x < side; x++)
            result[x] = weight * source[x];
    }

    private void AddPair(float* left, float* right, float weight, float* result)
    {
        Vector<float> w = new(weight);
        int x = 0;
        for (; x + Vector<float>.Count <= side; x += Vector<float>.Count)
            Vector.Store(Vector.FusedMultiplyAdd(w, Vector.Load(left + x) + Vector.Load(right + x), Vector.Load(result + x)), result + x);
        for (; x < side; x++)
            result[x] = MathF.FusedMultiplyAdd(weight, left[x] + right[x], result[x]);
    }
}
