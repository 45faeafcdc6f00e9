namespace SSLP.Evaluation.Features;

/// <summary>
/// 65 numbers of one patch. Colour, 48: mean, standard deviation, skewness and the 5, 25, 50, 75, 95 % quantiles of red, green, blue,
/// saturation, haematoxylin and eosin. Texture of the grey image, 17: mean and deviation of the gradient's length at scales 1, 2 and 4 px
/// (6), the deviation of the Laplacian (1), and the histogram of rotation-invariant uniform local binary patterns (10; Ojala 2002).
/// </summary>
internal static class TextureStatistics
{
    public const int Count = 6 * PerChannel + 6 + 1 + LbpBins;

    private const int PerChannel = 8, LbpBins = 10;

    // Optical density (red, green, blue) → amount of a stain: two columns of the inverse of Ruifrok and Johnston's (2001) matrix, whose
    // rows are haematoxylin (0.65, 0.70, 0.29), eosin (0.07, 0.99, 0.11) and a residual (0.27, 0.57, 0.78).
    private static readonly float[] Haematoxylin = [1.878f, -0.066f, -0.602f], Eosin = [-1.008f, 1.135f, -0.480f];

    /// <param name="rgb">side × side × 3.</param>
    /// <param name="side">Pixels.</param>
    /// <param name="features">Room for <see cref="Count"/> numbers.</param>
    public static void Compute(ReadOnlySpan<byte> rgb, int side, Span<float> features)
    {
        float[][] channels = Channels(rgb);
        for (int channel = 0; channel < 6; channel++)
            Distribution(channels[channel], features.Slice(channel * PerChannel, PerChannel));
        Span<float> texture = features[(6 * PerChannel)..];
        float[] grey = channels[6];
        for (int scale = 0; scale < 3; scale++)
            (texture[2 * scale], texture[2 * scale + 1]) = Gradient(grey, side, 1 << scale);
        texture[6] = Laplacian(grey, side);
        BinaryPatterns(grey, side, texture[7..]);
    }

    /// <summary>Red, green, blue, saturation, haematoxylin, eosin and grey, each side × side.</summary>
    private static float[][] Channels(ReadOnlySpan<byte> rgb)
    {
        int pixels = rgb.Length / 3;
        float[][] channels = [.. Enumerable.Range(0, 7).Select(_ => new float[pixels])];
        for (int i = 0; i < pixels; i++)
        {
            float r = rgb[3 * i] / 255f, g = rgb[3 * i + 1] / 255f, b = rgb[3 * i + 2] / 255f;
            float brightest = MathF.Max(r, MathF.Max(g, b)), darkest = MathF.Min(r, MathF.Min(g, b));
            (float odR, float odG, float odB) = (Density(r), Density(g), Density(b));
            channels[0][i] = r;
            channels[1][i] = g;
            channels[2][i] = b;
            channels[3][i] = brightest > 0 ? (brightest - darkest) / brightest : 0;
            channels[4][i] = Haematoxylin[0] * odR + Haematoxylin[1] * odG + Haematoxylin[2] * odB;
            channels[5][i] = Eosin[0] * odR + Eosin[1] * odG + Eosin[2] * odB;
            channels[6][i] = 0.299f * r + 0.587f * g + 0.114f * b;
        }

        return channels;
    }

    private static float Density(float transmittance) => -MathF.Log10(MathF.Max(transmittance, 1 / 255f));

    /// <summary>Sorts the values in place.</summary>
    private static void Distribution(float[] values, Span<float> features)
    {
        Array.Sort(values);
        (double mean, double deviation) = MeanAndDeviation(values);
        double cubes = 0;
        foreach (float value in values)
            cubes += Math.Pow(value - mean, 3);
        features[0] = (float)mean;
        features[1] = (float)deviation;
        features[2] = deviation > 1e-6 ? (float)(cubes / values.Length / Math.Pow(deviation, 3)) : 0;
        ReadOnlySpan<double> quantiles = [0.05, 0.25, 0.5, 0.75, 0.95];
        for (int q = 0; q < quantiles.Length; q++)
            features[3 + q] = values[(int)Math.Round(quantiles[q] * (values.Length - 1))];
    }

    /// <summary>Central differences over ±scale pixels.</summary>
    private static (float Mean, float Deviation) Gradient(float[] grey, int side, int scale)
    {
        List<float> lengths = new(grey.Length);
        for (int y = scale; y < side - scale; y++)
        {
            for (int x = scale; x < side - scale; x++)
            {
                float dx = grey[y * side + x + scale] - grey[y * side + x - scale];
                float dy = grey[(y + scale) * side + x] - grey[(y - scale) * side + x];
                lengths.Add(MathF.Sqrt(dx * dx + dy * dy) / (2 * scale));
            }
        }

        (double mean, double deviation) = MeanAndDeviation([.. lengths]);
        return ((float)mean, (float)deviation);
    }

    private static float Laplacian(float[] grey, int side)
    {
        List<float> values = new(grey.Length);
        for (int y = 1; y < side - 1; y++)
            for (int x = 1; x < side - 1; x++)
                values.Add(grey[y * side + x - 1] + grey[y * side + x + 1] + grey[(y - 1) * side + x]
                    + grey[(y + 1) * side + x] - 4 * grey[y * side + x]);
        return (float)MeanAndDeviation([.. values]).Deviation;
    }

    /// <summary>
    /// Eight neighbours, each brighter than the centre or not: bin 0..8 is the number of brighter ones in patterns that change at most
    /// twice around the circle, bin 9 takes the others. Shares of the pixels.
    /// </summary>
    private static void BinaryPatterns(float[] grey, int side, Span<float> shares)
    {
        ReadOnlySpan<(int X, int Y)> circle = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)];
        Span<int> bins = stackalloc int[LbpBins];
        bins.Clear();
        for (int y = 1; y < side - 1; y++)
        {
            for (int x = 1; x < side - 1; x++)
            {
                int pattern = 0;
                for (int n = 0; n < 8; n++)
                    if (grey[(y + circle[n].Y) * side + x + circle[n].X] >= grey[y * side + x])
                        pattern |= 1 << n;
                int changes = System.Numerics.BitOperations.PopCount((uint)((pattern ^ ((pattern >> 1) | ((pattern & 1) << 7))) & 255));
                bins[changes <= 2 ? System.Numerics.BitOperations.PopCount((uint)pattern) : 9]++;
            }
        }

        int inner = Math.Max(1, (side - 2) * (side - 2));
        for (int bin = 0; bin < LbpBins; bin++)
            shares[bin] = (float)bins[bin] / inner;
    }

    private static (double Mean, double Deviation) MeanAndDeviation(ReadOnlySpan<float> values)
    {
        if (values.Length == 0)
            return (0, 0);
        double sum = 0, squares = 0;
        foreach (float value in values)
            sum += value;
        double mean = sum / values.Length;
        foreach (float value in values)
            squares += (value - mean) * (value - mean);
        return (mean, Math.Sqrt(squares / values.Length));
    }
}
