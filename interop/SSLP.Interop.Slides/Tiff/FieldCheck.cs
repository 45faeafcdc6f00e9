namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Whether an image shows the same field as a level: a few spots of both, compared. It decides only where the sizes don't: for an image of
/// the pyramid's shape that is a third, a fifth, … of it.
/// </summary>
internal static class FieldCheck
{
    /// <summary>Spots a side; each costs a tile of both images.</summary>
    private const int Spots = 6;

    /// <summary>Side of a spot in the smaller image, px.</summary>
    private const int Side = 8;

    /// <summary>
    /// Least correlation of the spots' brightness for the same field; JPEG and the averaging of levels leave it above 0.95.
    /// </summary>
    private const double LeastCorrelation = 0.8;

    /// <summary>
    /// Below this spread of brightness (grey levels) an image is too even to be told by it; then it is no level unless the other is as
    /// even.
    /// </summary>
    private const double EvenSpread = 2;

    /// <param name="file">Where both lie.</param>
    /// <param name="level">A level.</param>
    /// <param name="smaller">An image with fewer pixels.</param>
    public static bool ShowsTheSame(TiffFile file, TiledImage level, TiledImage smaller)
    {
        var (first, second) = (new List<double>(), new List<double>());
        for (int i = 0; i < Spots * Spots; i++)
        {
            double x = ((i % Spots) + 0.5) / Spots, y = ((i / Spots) + 0.5) / Spots;
            if (Mean(file, smaller, x, y, smaller) is { } coarse && Mean(file, level, x, y, smaller) is { } fine)
            {
                first.Add(fine);
                second.Add(coarse);
            }
        }
        if (first.Count < Spots)
            return false;
        double spreadA = Spread(first), spreadB = Spread(second);
        if (Math.Min(spreadA, spreadB) < EvenSpread)
            return Math.Abs(spreadA - spreadB) < EvenSpread && Math.Abs(first.Average() - second.Average()) < EvenSpread * 2;
        double meanA = first.Average(), meanB = second.Average();
        double covariance = first.Zip(second, (a, b) => (a - meanA) * (b - meanB)).Average();
        return covariance / (spreadA * spreadB) >= LeastCorrelation;
    }

    /// <summary>Mean brightness of a spot; null where its tile does not decode.</summary>
    private static double? Mean(TiffFile file, TiledImage image, double x, double y, TiledImage unit)
    {
        int width = Math.Clamp((int)((long)Side * image.Width / unit.Width), 1, Math.Min(image.Width, 64));
        int height = Math.Clamp((int)((long)Side * image.Height / unit.Height), 1, Math.Min(image.Height, 64));
        int left = Math.Clamp((int)(x * image.Width) - (width / 2), 0, image.Width - width);
        int top = Math.Clamp((int)(y * image.Height) - (height / 2), 0, image.Height - height);
        byte[] rgb = new byte[width * height * 3];
        try
        {
            new TileRegion(file, image, 1).Read(left, top, width, height, rgb, width * 3);
        }
        catch (SlideException fault) when (fault.Fault == SlideFault.TileUnreadable)
        {
            return null;
        }
        long sum = 0;
        foreach (byte value in rgb)
            sum += value;
        return (double)sum / rgb.Length;
    }

    private static double Spread(List<double> values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
