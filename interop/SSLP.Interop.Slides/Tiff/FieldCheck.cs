namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// Whether an image shows the same field as a level: a few spots of both, compared. Of an image of the pyramid's shape that is a third, a
/// fifth, … of it every sign of the same field is needed; one that is a half, a quarter, … is a level unless it plainly shows another.
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

    /// <summary>Below this correlation an image that has something on it (by its spread, grey levels) shows another field.</summary>
    private const double MostOfAnother = 0.7, TellingSpread = 4;

    /// <summary>An image of more pixels a side is no macro, and to look at it would cost too many tiles.</summary>
    private const int LargestMacro = 1024;

    /// <summary>Whether there is every sign that an image shows the field of a level; null where too few tiles of either decode.</summary>
    /// <param name="file">Where both lie.</param>
    /// <param name="level">A level.</param>
    /// <param name="smaller">An image with fewer pixels.</param>
    public static bool? ShowsTheSame(TiffFile file, TiledImage level, TiledImage smaller) =>
        file.Sharing.Remember(Key(file, level, smaller, same: true), () => LooksTheSame(file, level, smaller));

    private static bool? LooksTheSame(TiffFile file, TiledImage level, TiledImage smaller)
    {
        if (Compare(file, level, smaller, Spots) is not { } found)
            return null;
        return Math.Min(found.SpreadA, found.SpreadB) < EvenSpread
            ? Math.Abs(found.SpreadA - found.SpreadB) < EvenSpread && Math.Abs(found.MeanA - found.MeanB) < EvenSpread * 2
            : found.Correlation >= LeastCorrelation;
    }

    /// <summary>
    /// Whether there is every sign that an image shows another field than a level; few spots, since most images are levels.
    /// </summary>
    public static bool ShowsAnother(TiffFile file, TiledImage level, TiledImage smaller) =>
        Math.Max(smaller.Width, smaller.Height) <= LargestMacro
        && file.Sharing.Remember(Key(file, level, smaller, same: false), () => LooksOtherwise(file, level, smaller)) == true;

    private static LookKey Key(TiffFile file, TiledImage level, TiledImage smaller, bool same) => new(file.Path, file.Length,
        (smaller.Place, smaller.Width, smaller.Height), (level.Place, level.Width, level.Height), same);

    private static bool LooksOtherwise(TiffFile file, TiledImage level, TiledImage smaller) =>
        Compare(file, level, smaller, Spots - 2) is { } found
        && (Math.Min(found.SpreadA, found.SpreadB) < TellingSpread
            ? Math.Abs(found.SpreadA - found.SpreadB) > TellingSpread * 2 || Math.Abs(found.MeanA - found.MeanB) > TellingSpread * 4
            : found.Correlation < MostOfAnother);

    /// <summary>Mean, spread and correlation of brightness at spots of both; null where too few of them decode.</summary>
    private static (double MeanA, double MeanB, double SpreadA, double SpreadB, double Correlation)? Compare(
        TiffFile file, TiledImage level, TiledImage smaller, int spots)
    {
        List<double> first = [], second = [];
        for (int i = 0; i < spots * spots; i++)
        {
            double x = ((i % spots) + 0.5) / spots, y = ((i / spots) + 0.5) / spots;
            if (Mean(file, smaller, x, y, smaller) is { } coarse && Mean(file, level, x, y, smaller) is { } fine)
            {
                first.Add(fine);
                second.Add(coarse);
            }
        }
        if (first.Count < Spots)
            return null;
        double meanA = first.Average(), meanB = second.Average(), spreadA = Spread(first), spreadB = Spread(second);
        double covariance = first.Zip(second, (a, b) => (a - meanA) * (b - meanB)).Average();
        return (meanA, meanB, spreadA, spreadB, covariance / (spreadA * spreadB));
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
