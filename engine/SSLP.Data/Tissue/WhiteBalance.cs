using SSLP.Interop.Slides;

namespace SSLP.Data.Tissue;

/// <summary>The colour of the glass, and the image without it.</summary>
internal static class WhiteBalance
{
    /// <summary>Divides by the white point and takes the mean over 3 × 3 pixels.</summary>
    /// <param name="image">Coarse image of a slide.</param>
    /// <param name="unscanned">Pixels that are no glass.</param>
    /// <param name="range">Grey levels, summed over the channels, below the brightest that may still be glass.</param>
    public static byte[] Apply(SlideImage image, BinaryImage unscanned, int range)
    {
        (double R, double G, double B) white = WhitePoint(image, unscanned, range);
        double[] gain = [255 / white.R, 255 / white.G, 255 / white.B];
        byte[] result = new byte[image.Rgb.Length];
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

    /// <summary>Colour of the glass: the median of the brightest scanned pixels where they are bright enough to be glass.</summary>
    private static (double R, double G, double B) WhitePoint(SlideImage image, BinaryImage unscanned, int range)
    {
        int[] sums = new int[766];
        for (int i = 0; i < unscanned.Pixels.Length; i++)
            if (!unscanned.Pixels[i])
                sums[Sum(image, i)]++;
        // The 99th percentile of brightness, not the maximum: a few pixels glare.
        int brightest = sums.Length - 1;
        for (int above = (unscanned.Pixels.Length - unscanned.Count) / 100; above >= 0 && brightest > 0; brightest--)
            above -= sums[brightest];
        double[] median = new double[3];
        for (int channel = 0; channel < 3; channel++)
        {
            int[] counts = new int[256];
            for (int i = 0; i < unscanned.Pixels.Length; i++)
                if (!unscanned.Pixels[i] && Sum(image, i) >= brightest - range)
                    counts[image.Rgb[(i * 3) + channel]]++;
            median[channel] = Median(counts);
        }
        return median.Min() >= 190 ? (median[0], median[1], median[2]) : (245, 245, 245);
    }

    private static int Sum(SlideImage image, int pixel) => image.Rgb[pixel * 3] + image.Rgb[(pixel * 3) + 1] + image.Rgb[(pixel * 3) + 2];

    private static int Median(int[] counts)
    {
        int half = counts.Sum() / 2, value = 0;
        for (int below = counts[0]; below <= half && value < 255; below += counts[value])
            value++;
        return value;
    }
}
