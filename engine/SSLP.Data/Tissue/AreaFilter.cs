using System.Numerics.Tensors;

namespace SSLP.Data.Tissue;

/// <summary>
/// Resampling along one axis: output pixel o covers the source interval [start + o·scale, start + (o+1)·scale).
/// Shrinking (scale ≥ 1) takes the mean over that interval, each source pixel weighted by the part of it that is covered: exact at any
/// rational scale and phase, and without aliasing. Enlarging (scale &lt; 1) interpolates linearly at the interval's centre.
/// Weights act on stored 8-bit values (no linear light), as image libraries do.
/// </summary>
internal readonly struct AreaAxis
{
    private readonly int[] _first;
    private readonly float[] _weights;

    /// <param name="outputs">Number of output pixels.</param>
    /// <param name="start">Left edge of the first output pixel, source pixels.</param>
    /// <param name="scale">Source pixels per output pixel, &gt; 0.</param>
    /// <param name="inputs">Number of source pixels; taps outside are clamped to the edge.</param>
    public AreaAxis(int outputs, double start, double scale, int inputs)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        Outputs = outputs;
        Taps = scale < 1 ? 2 : (int)Math.Ceiling(scale) + 1;
        _first = new int[outputs];
        _weights = new float[outputs * Taps];
        for (int o = 0; o < outputs; o++)
        {
            double low = start + (o * scale), high = start + ((o + 1) * scale);
            if (scale < 1)
                (low, high) = (((low + high) / 2) - 0.5, ((low + high) / 2) + 0.5);
            int first = Math.Clamp((int)Math.Floor(low), 0, Math.Max(0, inputs - 1));
            _first[o] = first;
            Span<float> weights = _weights.AsSpan(o * Taps, Taps);
            for (int s = (int)Math.Floor(low); s < high; s++)
            {
                double covered = Math.Min(high, s + 1) - Math.Max(low, s);
                int tap = Math.Clamp(s, 0, inputs - 1) - first;
                if (tap < Taps)
                    weights[tap] += (float)covered;
            }
            // In ascending order, not the BCL's, which follows the processor's vectors: the same tissue everywhere.
            float sum = 0;
            foreach (float weight in weights)
                sum += weight;
            TensorPrimitives.Divide(weights, sum, weights);
        }
    }

    public int Outputs { get; }

    /// <summary>Weights per output pixel; trailing ones may be 0.</summary>
    public int Taps { get; }

    public int First(int output) => _first[output];

    public ReadOnlySpan<float> Weights(int output) => _weights.AsSpan(output * Taps, Taps);
}

/// <summary>Two <see cref="AreaAxis"/> over an interleaved RGB image.</summary>
internal static class AreaFilter
{
    /// <param name="source">Rows of <paramref name="width"/> × 3 bytes.</param>
    /// <param name="width">Columns of the source, px.</param>
    /// <param name="x">Columns out; made for <paramref name="width"/> inputs.</param>
    /// <param name="y">Rows out; made for the source's rows.</param>
    /// <param name="rgb">Receives y.Outputs × x.Outputs × 3 bytes.</param>
    public static void Resample(ReadOnlySpan<byte> source, int width, in AreaAxis x, in AreaAxis y, Span<byte> rgb)
    {
        int height = source.Length / (width * 3), rowOut = x.Outputs * 3;
        float[] sum = new float[width * 3];
        float[] weighted = new float[width * 3];
        for (int o = 0; o < y.Outputs; o++)
        {
            Array.Clear(sum);
            ReadOnlySpan<float> weights = y.Weights(o);
            for (int tap = 0; tap < weights.Length; tap++)
            {
                int row = y.First(o) + tap;
                if (weights[tap] == 0 || row >= height)
                    continue;
                TensorPrimitives.ConvertTruncating<byte, float>(source.Slice(row * width * 3, width * 3), weighted);
                TensorPrimitives.MultiplyAdd(weighted, weights[tap], sum, sum);
            }
            ResampleRow(sum, x, rgb.Slice(o * rowOut, rowOut));
        }
    }

    private static void ResampleRow(ReadOnlySpan<float> row, in AreaAxis x, Span<byte> rgb)
    {
        for (int o = 0; o < x.Outputs; o++)
        {
            float r = 0.5f, g = 0.5f, b = 0.5f; // half: the cast below truncates
            ReadOnlySpan<float> weights = x.Weights(o);
            int from = x.First(o) * 3;
            for (int tap = 0; tap < weights.Length && from < row.Length; tap++, from += 3)
            {
                r += weights[tap] * row[from];
                g += weights[tap] * row[from + 1];
                b += weights[tap] * row[from + 2];
            }
            rgb[o * 3] = (byte)r;
            rgb[(o * 3) + 1] = (byte)g;
            rgb[(o * 3) + 2] = (byte)b;
        }
    }
}
