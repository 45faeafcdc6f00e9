using SSLP.Interop.Slides;

namespace SSLP.Data.Tissue;

/// <summary>What of a slide's image was scanned: scanners fill the rest with black or white. And whether what was scanned is a dark
/// field.</summary>
internal static class ScannedField
{
    /// <summary>No channel above this: nothing was scanned here, or nothing shines. JPEG gives a black tile values up to about
    /// 10.</summary>
    private const int MostBlack = 24;

    /// <summary>All channels at least this: light that fell through a slide. Fluorophores shine in one or two.</summary>
    private const int Lit = 60;

    /// <summary>Least of all channels of glass, where there is glass beside a white fill; what is darker is a pale stain on overexposed
    /// glass.</summary>
    private const int LeastGlass = 225;

    /// <summary>Least share of the image that is a field left out; smaller black spots are ink, dust or folds.</summary>
    private const double LeastShare = 0.005;

    /// <summary>
    /// Whether the slide is dark where it was scanned: glass is bright in brightfield, and even a frame filled with tissue is. Where much
    /// of the image is black, the rest decides: light through glass and tissue has all three colours, fluorescence on black has not.
    /// </summary>
    public static bool IsDark(SlideImage image)
    {
        int black = 0, dark = 0, lit = 0, pixels = image.Rgb.Length / 3;
        for (int i = 0; i < pixels; i++)
        {
            (int least, int most, int sum) = Range(image, i);
            if (most <= MostBlack)
                black++;
            else if (sum < 3 * 50)
                dark++;
            if (least >= Lit)
                lit++;
        }
        int rest = pixels - black;
        return black * 4L > pixels ? rest < pixels * LeastShare || lit * 3L < rest : (black + dark) * 2L > pixels;
    }

    /// <summary>Fields of a brightfield slide that were not scanned and are black, with the pixels beside them, which have some of the
    /// black.</summary>
    public static BinaryImage Black(SlideImage image)
    {
        BinaryImage black = Fields(image, (_, most) => most <= MostBlack);
        return black.Count == 0 ? black : black.Dilate(2);
    }

    /// <summary>Fields of pure white beside glass that is not. Against them glass would look like a faint stain.</summary>
    /// <param name="image">Coarse image of a slide.</param>
    /// <param name="unscanned">Fields that are known not to be scanned.</param>
    public static BinaryImage Filled(SlideImage image, BinaryImage unscanned)
    {
        BinaryImage white = Fields(image, (least, _) => least == 255);
        int glass = 0;
        for (int i = 0; i < white.Pixels.Length; i++)
            if (!white.Pixels[i] && !unscanned.Pixels[i] && Range(image, i).Least is >= LeastGlass and < 254)
                glass++;
        return glass > LeastShare * white.Pixels.Length ? white : new(image.Width, image.Height);
    }

    private static BinaryImage Fields(SlideImage image, Func<int, int, bool> isOf)
    {
        var field = new BinaryImage(image.Width, image.Height);
        for (int i = 0; i < field.Pixels.Length; i++)
        {
            (int least, int most, _) = Range(image, i);
            field.Pixels[i] = isOf(least, most);
        }
        field.RemoveSmall((int)Math.Ceiling(LeastShare * field.Pixels.Length));
        return field;
    }

    private static (int Least, int Most, int Sum) Range(SlideImage image, int pixel)
    {
        (int r, int g, int b) = (image.Rgb[pixel * 3], image.Rgb[(pixel * 3) + 1], image.Rgb[(pixel * 3) + 2]);
        return (Math.Min(r, Math.Min(g, b)), Math.Max(r, Math.Max(g, b)), r + g + b);
    }
}
