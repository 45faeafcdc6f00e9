using SSLP.Interop.Slides;

namespace SSLP.Data.Tissue;

/// <summary>
/// Tissue of a brightfield H&amp;E slide, on a coarse image of it: white balance against the glass, Otsu's threshold on stain strength,
/// pen marks taken out, closing, hole filling.
/// <para>
/// Stain strength is √(q·a) with q = max(R, B) − G and a = 255 − G. Haematoxylin and eosin both absorb green most, so q is high on
/// stained tissue and 0 on glass, dust, grey shadows, black and green ink; a tells tissue from a faint pink haze around it, which q alone
/// does not. Otsu: IEEE Trans. SMC 9(1):62–66, 1979.
/// </para>
/// </summary>
internal static class TissueDetector
{
    /// <summary>Bounds of Otsu's threshold: it must split glass from tissue even where the image holds only one of the two.</summary>
    private const int LowestThreshold = 14, HighestThreshold = 50;

    /// <summary>Pixels around ink that are not trusted either: it fades out over about this many µm.</summary>
    private const double PenMarginMicrons = 40;

    /// <param name="image">Coarse image of the whole slide.</param>
    /// <param name="micronsPerPixel">Its pixel size.</param>
    /// <param name="options">Lengths and areas.</param>
    /// <returns>The mask, or null where the image is not brightfield: a dark field (fluorescence) has no glass to tell tissue from.</returns>
    public static TissueMask? Detect(SlideImage image, double micronsPerPixel, TissueOptions options)
    {
        if (IsDarkField(image))
            return null;
        byte[] balanced = Smooth(image, WhitePoint(image));
        var pen = new BinaryImage(image.Width, image.Height);
        var stain = new byte[image.Width * image.Height];
        for (int i = 0; i < stain.Length; i++)
        {
            (int r, int g, int b) = (balanced[i * 3], balanced[(i * 3) + 1], balanced[(i * 3) + 2]);
            pen.Pixels[i] = IsGreenInk(r, g, b) || IsRedInk(r, g, b);
            stain[i] = (byte)Math.Sqrt(Math.Max(0, Math.Max(r, b) - g) * (255 - g));
        }
        pen = pen.Open(1);
        int threshold = Math.Clamp(Otsu(stain, pen), LowestThreshold, HighestThreshold);
        var tissue = new BinaryImage(image.Width, image.Height);
        for (int i = 0; i < stain.Length; i++)
            tissue.Pixels[i] = stain[i] > threshold;
        double penFraction = (double)pen.Count / stain.Length;
        if (pen.Count > 0)
            pen = pen.Dilate(Pixels(PenMarginMicrons, micronsPerPixel));
        double perMm2 = 1e6 / (micronsPerPixel * micronsPerPixel);
        tissue = tissue.Without(pen).Close(Pixels(options.ClosingMicrons, micronsPerPixel));
        tissue.FillHoles((int)(options.HoleSquareMillimetres * perMm2));
        tissue.RemoveSmall((int)Math.Ceiling(options.MinSquareMillimetres * perMm2));
        return new(tissue.Without(pen), micronsPerPixel, threshold, penFraction);
    }

    /// <summary>Most pixels dark: glass is bright in brightfield, and even a frame filled with tissue is.</summary>
    private static bool IsDarkField(SlideImage image)
    {
        int dark = 0;
        for (int i = 0; i < image.Rgb.Length; i += 3)
            if (image.Rgb[i] + image.Rgb[i + 1] + image.Rgb[i + 2] < 3 * 50)
                dark++;
        return dark > image.Rgb.Length / 3 / 2;
    }

    /// <summary>Colour of the glass: the median of the brightest pixels where they are bright enough to be glass.</summary>
    private static (double R, double G, double B) WhitePoint(SlideImage image)
    {
        var sums = new int[766];
        for (int i = 0; i < image.Rgb.Length; i += 3)
            sums[image.Rgb[i] + image.Rgb[i + 1] + image.Rgb[i + 2]]++;
        // The 99th percentile of brightness, not the maximum: a few pixels glare.
        int brightest = sums.Length - 1;
        for (int above = image.Rgb.Length / 3 / 100; above >= 0 && brightest > 0; brightest--)
            above -= sums[brightest];
        var median = new double[3];
        for (int channel = 0; channel < 3; channel++)
        {
            var counts = new int[256];
            for (int i = 0; i < image.Rgb.Length; i += 3)
                if (image.Rgb[i] + image.Rgb[i + 1] + image.Rgb[i + 2] >= brightest - 75)
                    counts[image.Rgb[i + channel]]++;
            median[channel] = Median(counts);
        }
        return median.Min() >= 190 ? (median[0], median[1], median[2]) : (245, 245, 245);
    }

    private static int Median(int[] counts)
    {
        int half = counts.Sum() / 2, value = 0;
        for (int below = counts[0]; below <= half && value < 255; below += counts[value])
            value++;
        return value;
    }

    /// <summary>Divides by the white point and takes the mean over 3 × 3 pixels.</summary>
    private static byte[] Smooth(SlideImage image, (double R, double G, double B) white)
    {
        double[] gain = [255 / white.R, 255 / white.G, 255 / white.B];
        var result = new byte[image.Rgb.Length];
        for (int y = 0; y < image.Height; y++)
            for (int x = 0; x < image.Width; x++)
                for (int channel = 0; channel < 3; channel++)
                {
                    double sum = 0;
                    for (int dy = -1; dy <= 1; dy++)
                        for (int dx = -1; dx <= 1; dx++)
                        {
                            int at = (Math.Clamp(y + dy, 0, image.Height - 1) * image.Width) + Math.Clamp(x + dx, 0, image.Width - 1);
                            sum += Math.Min(255, image.Rgb[(at * 3) + channel] * gain[channel]);
                        }
                    result[(((y * image.Width) + x) * 3) + channel] = (byte)(sum / 9);
                }
        return result;
    }

    /// <summary>Green above red: H&amp;E tissue is never so, but for bluish nuclei, where blue stands well above green.</summary>
    private static bool IsGreenInk(int r, int g, int b) => g > r + 4 && g >= b - 20;

    /// <summary>Red with almost no green and blue; eosin keeps more of both, blue above green.</summary>
    private static bool IsRedInk(int r, int g, int b) => r > 120 && g < 90 && b < 100 && r - b > 90 && Math.Abs(g - b) < 40;

    /// <summary>The threshold that maximises the variance between the two classes, over pixels free of ink.</summary>
    private static int Otsu(byte[] values, BinaryImage except)
    {
        var counts = new double[256];
        for (int i = 0; i < values.Length; i++)
            if (!except.Pixels[i])
                counts[values[i]]++;
        double total = counts.Sum(), mean = 0, below = 0, meanBelow = 0, best = -1;
        for (int v = 0; v < 256; v++)
            mean += v * counts[v];
        int threshold = 0;
        for (int v = 0; v < 255; v++)
        {
            below += counts[v];
            meanBelow += v * counts[v];
            if (below == 0 || below == total)
                continue;
            double difference = (meanBelow / below) - ((mean - meanBelow) / (total - below));
            double between = below * (total - below) * difference * difference;
            if (between > best)
                (best, threshold) = (between, v);
        }
        return threshold;
    }

    private static int Pixels(double microns, double micronsPerPixel) => Math.Max(1, (int)Math.Round(microns / micronsPerPixel));
}
