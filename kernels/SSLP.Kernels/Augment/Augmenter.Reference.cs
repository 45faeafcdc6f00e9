namespace SSLP.Kernels;

/// <summary>
/// The meaning of <see cref="AugmenterCpu"/>: one patch and one plan in plain loops and float64, following torchvision's functional
/// transforms word by word where they exist. Slow, and the oracle of the tests.
/// </summary>
internal static class AugmenterReference
{
    /// <summary>[P, P, 3] bytes in, [3, S, S] doubles out.</summary>
    public static double[] Apply(AugmentOptions options, in AugmentPlan plan, ReadOnlySpan<byte> patch, int patchSize)
    {
        int side = options.InputSize;
        double[][] image = Resize(plan, patch, patchSize, side);
        if (plan.JitterStain != 0)
            Stain(image, plan.Stain);
        if (plan.Grayscale == AugmentPlan.GrayFirst)
            image = [Gray(image), Gray(image), Gray(image)];
        for (int place = 0; place < 4; place++)
            Jitter(image, plan, plan.StepAt(place));
        if (plan.Grayscale == AugmentPlan.GrayLast)
            image = [Gray(image), Gray(image), Gray(image)];
        for (int channel = 0; channel < 3; channel++)
        {
            image[channel] = Flip(image[channel], side, plan.FlipX != 0, plan.FlipY != 0);
            if (plan.BlurSigma > 0)
                image[channel] = Blur(image[channel], side, plan.BlurSigma);
        }

        double[] mean = [options.Mean.R, options.Mean.G, options.Mean.B];
        double[] deviation = [options.Deviation.R, options.Deviation.G, options.Deviation.B];
        return [.. Enumerable.Range(0, 3).SelectMany(channel => image[channel].Select(x => (x - mean[channel]) / deviation[channel]))];
    }

    /// <summary>Antialiased bilinear: every output pixel as the weighted mean of all source pixels of the crop under its
    /// triangle.</summary>
    private static double[][] Resize(in AugmentPlan plan, ReadOnlySpan<byte> patch, int patchSize, int side)
    {
        double[][] image = [new double[side * side], new double[side * side], new double[side * side]];
        for (int y = 0; y < side; y++)
        {
            double[] rowWeights = TriangleWeights(plan.Height, plan.ResizedSide, plan.WindowOffset + y);
            for (int x = 0; x < side; x++)
            {
                double[] columnWeights = TriangleWeights(plan.Width, plan.ResizedSide, plan.WindowOffset + x);
                for (int j = 0; j < plan.Height; j++)
                {
                    for (int i = 0; i < plan.Width && rowWeights[j] > 0; i++)
                    {
                        int pixel = 3 * ((plan.Top + j) * patchSize + plan.Left + i);
                        for (int channel = 0; channel < 3; channel++)
                            image[channel][y * side + x] += rowWeights[j] * columnWeights[i] * patch[pixel + channel] / 255.0;
                    }
                }
            }
        }

        return image;
    }

    private static double[] TriangleWeights(int sourceSize, int resizedSize, int output)
    {
        double scale = (double)sourceSize / resizedSize, support = Math.Max(1, scale), centre = scale * (output + 0.5);
        double[] weights = [.. Enumerable.Range(0, sourceSize).Select(j => Math.Max(0, 1 - Math.Abs((j + 0.5 - centre) / support)))];
        double sum = weights.Sum();
        return [.. weights.Select(w => w / sum)];
    }

    private static void Stain(double[][] image, in StainMap map)
    {
        for (int i = 0; i < image[0].Length; i++)
        {
            double r = Density(image[0][i]), g = Density(image[1][i]), b = Density(image[2][i]);
            image[0][i] = Clamp(Math.Exp(-(map.M00 * r + map.M01 * g + map.M02 * b + map.O0)));
            image[1][i] = Clamp(Math.Exp(-(map.M10 * r + map.M11 * g + map.M12 * b + map.O1)));
            image[2][i] = Clamp(Math.Exp(-(map.M20 * r + map.M21 * g + map.M22 * b + map.O2)));
        }
    }

    private static double Density(double transmittance) => -Math.Log(Math.Max(transmittance, 1.0 / 255));

    private static void Jitter(double[][] image, in AugmentPlan plan, ColourStep step)
    {
        double[] gray = Gray(image);
        double mean = gray.Average();
        for (int i = 0; i < gray.Length; i++)
        {
            if (step == ColourStep.Hue)
            {
                (image[0][i], image[1][i], image[2][i]) = Hue(image[0][i], image[1][i], image[2][i], plan.Hue);
                continue;
            }

            (double factor, double anchor) = step switch
            {
                ColourStep.Brightness => (plan.Brightness, 0.0),
                ColourStep.Contrast => (plan.Contrast, mean),
                _ => (plan.Saturation, gray[i]),
            };
            foreach (double[] plane in image)
                plane[i] = Clamp(factor * plane[i] + (1 - factor) * anchor);
        }
    }

    // torchvision's _rgb2hsv, shift, _hsv2rgb.
    private static (double R, double G, double B) Hue(double r, double g, double b, double turns)
    {
        double value = Math.Max(r, Math.Max(g, b)), chroma = value - Math.Min(r, Math.Min(g, b));
        if (chroma == 0)
            return (r, g, b);
        double saturation = chroma / value;
        double sixths = value == r ? (g - b) / chroma : value == g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
        double hue = sixths / 6 + turns;
        hue -= Math.Floor(hue);
        int sector = (int)Math.Floor(hue * 6);
        double f = hue * 6 - sector;
        double p = Clamp(value * (1 - saturation)), q = Clamp(value * (1 - saturation * f)), t = Clamp(value * (1 - saturation * (1 - f)));
        return (sector % 6) switch
        {
            0 => (value, t, p),
            1 => (q, value, p),
            2 => (p, value, t),
            3 => (p, q, value),
            4 => (t, p, value),
            _ => (value, p, q),
        };
    }

    private static double[] Gray(double[][] image) =>
        [.. Enumerable.Range(0, image[0].Length).Select(i => 0.2989 * image[0][i] + 0.587 * image[1][i] + 0.114 * image[2][i])];

    private static double[] Flip(double[] plane, int side, bool flipX, bool flipY)
    {
        double[] flipped = new double[plane.Length];
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
                flipped[(flipY ? side - 1 - y : y) * side + (flipX ? side - 1 - x : x)] = plane[y * side + x];
        }

        return flipped;
    }

    private static double[] Blur(double[] plane, int side, double sigma)
    {
        int reach = (int)Math.Ceiling(3 * sigma);
        double[] weights = [.. Enumerable.Range(-reach, 2 * reach + 1).Select(t => Math.Exp(-0.5 * t * t / (sigma * sigma)))];
        double sum = weights.Sum();
        double[] blurred = new double[plane.Length];
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                for (int j = -reach; j <= reach; j++)
                {
                    for (int i = -reach; i <= reach; i++)
                        blurred[y * side + x] += weights[j + reach] * weights[i + reach] / (
                            sum * sum) * plane[Reflect(y + j, side) * side + Reflect(x + i, side)];
                }
            }
        }

        return blurred;
    }

    private static int Reflect(int i, int side)
    {
        while (side > 1 && (i < 0 || i >= side))
            i = i < 0 ? -i : 2 * (side - 1) - i;
        return side == 1 ? 0 : i;
    }

    private static double Clamp(double x) => Math.Clamp(x, 0, 1);
}
