using System.Runtime.CompilerServices;

namespace SSLP.Kernels;

/// <summary>
/// The weights of one axis of an antialiased bilinear resize (PIL's BILINEAR, torchvision's antialias=True): output i is
/// Σ_t weight[i, t] · source[start[i] + t], a triangle as wide as the larger of one source pixel and one output pixel, centred at
/// half-pixel positions, cut at the crop's edge and normalised to sum 1.
/// </summary>
internal sealed class ResizeTaps(int outputs, int capacity)
{
    private readonly int[] _start = new int[outputs];
    private readonly float[] _weights = new float[outputs * capacity];

    /// <summary>Largest number of taps that an axis of <paramref name="sourceSize"/> pixels can need when it is resized to
    /// <paramref name="resizedSize"/> or more.</summary>
    public static int CapacityFor(int sourceSize, int resizedSize) =>
        (int)Math.Ceiling(2 * Math.Max(1.0, (double)sourceSize / resizedSize)) + 1;

    /// <summary>Taps an output of the current axis; the weights of unused ones are 0.</summary>
    public int Count { get; private set; }

    /// <summary>First source pixel of each output.</summary>
    public ReadOnlySpan<int> Start => _start;

    /// <summary>[outputs, Count], row-major.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, _start.Length * Count);

    /// <summary>Computes the window [offset, offset + outputs) of an axis of <paramref name="sourceSize"/> pixels resized to
    /// <paramref name="resizedSize"/>.</summary>
    /// <param name="gain">Multiplies every weight (1/255 turns bytes to [0, 1]).</param>
    /// <param name="mirrored">Output i takes the place of output outputs − 1 − i.</param>
    public void Compute(int sourceSize, int resizedSize, int offset, float gain, bool mirrored)
    {
        double scale = (double)sourceSize / resizedSize, support = Math.Max(1.0, scale);
        int outputCount = _start.Length;
        Count = Math.Min(CapacityFor(sourceSize, resizedSize) - 1, sourceSize);
        for (int i = 0; i < outputCount; i++)
        {
            int place = mirrored ? outputCount - 1 - i : i;
            double centre = scale * (offset + i + 0.5);
            int first = Math.Max((int)(centre - support + 0.5), 0), end = Math.Min((int)(centre + support + 0.5), sourceSize);
            // All Count taps are read by the kernels: keep them inside the source. The shifted-in taps weigh 0.
            int start = Math.Min(first, sourceSize - Count);
            _start[place] = start;
            Fill(_weights.AsSpan(place * Count, Count), start, first, end, centre, 1 / support, gain);
        }
    }

    private static void Fill(Span<float> weights, int start, int first, int end, double centre, double inverseSupport, float gain)
    {
        double sum = 0;
        for (int j = first; j < end; j++)
            sum += Triangle((j - centre + 0.5) * inverseSupport);
        for (int t = 0; t < weights.Length; t++)
        {
            int j = start + t;
            weights[t] = j >= first && j < end ? (float)(gain * Triangle((j - centre + 0.5) * inverseSupport) / sum) : 0f;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Triangle(double x) => Math.Max(0, 1 - Math.Abs(x));
}
