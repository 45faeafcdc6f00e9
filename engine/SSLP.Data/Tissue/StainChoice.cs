namespace SSLP.Data.Tissue;

/// <summary>
/// Whether a slide's colours are those of haematoxylin and eosin, or the rule for them would lose tissue. The two masks are compared where
/// only density finds something, by what that is: colours in which green is not what is absorbed most (another stain), pale pink and purple
/// (faint stain, or haze around tissue), and grey (a grey scan, or dirt and shadows).
/// </summary>
internal static class StainChoice
{
    /// <summary>Share of what is dense that another stain must have before density is taken.</summary>
    private const double LeastForeign = 0.2;

    /// <summary>Below this share of what is dense and coloured, the stain's rule is taken to miss a faint stain.</summary>
    private const double LeastCovered = 0.5;

    /// <summary>Share of the image that grey must have to be a grey scan where nothing is stained; less is dirt.</summary>
    private const double LeastGrey = 0.02;

    /// <summary>Difference of channels, for each 255 of density, below which a pixel is grey.</summary>
    private const double GreyChroma = 0.15;

    /// <summary>Coloured and denser than this, and not by the stain's rule: no haze.</summary>
    private const int Dense = 60;

    public static bool Misses(TissueMask stained, TissueMask dense, byte[] balanced)
    {
        int both = 0, foreign = 0, faint = 0, grey = 0;
        // Faint pink that holds nothing strong is haze, where there is strong stain elsewhere.
        BinaryImage around = stained.TissueFraction == 0 ? dense.Pixels : dense.Pixels.Holding(stained.Pixels);
        for (int pixel = 0, i = 0; pixel < dense.Pixels.Pixels.Length; pixel++, i += 3)
        {
            if (!dense.Pixels.Pixels[pixel])
                continue;
            (int r, int g, int b) = (balanced[i], balanced[i + 1], balanced[i + 2]);
            int darkest = Math.Min(r, Math.Min(g, b)), chroma = Math.Max(r, Math.Max(g, b)) - darkest, density = 255 - darkest;
            if (stained.Pixels.Pixels[pixel])
                both++;
            else if (chroma <= GreyChroma * density)
                grey++;
            else if (density > Dense || g - darkest > 0.25 * chroma)
                foreign++;
            else if (around.Pixels[pixel])
                faint++;
        }
        if (stained.TissueFraction == 0 && foreign + faint < grey)
            return grey > LeastGrey * dense.Width * dense.Height;
        return foreign > LeastForeign * (both + foreign + faint + grey) || both < LeastCovered * (both + foreign + faint);
    }
}
