namespace SSLP.Data.Tissue;

/// <summary>
/// How dense a pixel is, whatever its colour: 255 less its darkest channel. It finds every brightfield stain and grey scans, and with them
/// what stain strength leaves out: shadows, dirt, haze.
/// </summary>
internal static class Density
{
    /// <summary>See <see cref="WhiteBalance.Apply"/>: less than the difference of a pale counterstain to glass, or tissue that fills the
    /// slide is taken for glass.</summary>
    public const int GlassRange = 30;

    /// <summary>Bounds of Otsu's threshold; a pale blue counterstain has 25 to 35.</summary>
    private const int LowestThreshold = 14, HighestThreshold = 60;

    /// <summary>Ink over more than this part of what is dense is no ink: light-green trichrome and picrosirius red look like it.</summary>
    private const double MostInk = 0.4;

    /// <param name="balanced">Pixels without the colour of the glass.</param>
    /// <param name="width">Columns.</param>
    /// <param name="unscanned">Pixels that are not looked at.</param>
    /// <param name="threshold">The threshold to take, or null for Otsu's.</param>
    /// <param name="strokeRadius">Half the least width of a pen's stroke, px: stained spots of ink's colours are narrower.</param>
    public static TissuePixels Find(byte[] balanced, int width, BinaryImage unscanned, int? threshold, int strokeRadius)
    {
        var ink = new BinaryImage(width, unscanned.Height);
        byte[] density = new byte[balanced.Length / 3];
        for (int i = 0; i < density.Length; i++)
        {
            (int r, int g, int b) = (balanced[i * 3], balanced[(i * 3) + 1], balanced[(i * 3) + 2]);
            ink.Pixels[i] = IsInk(r, g, b);
            density[i] = (byte)(255 - Math.Min(r, Math.Min(g, b)));
        }
        ink = ink.Close(Math.Max(1, strokeRadius / 2)).Open(strokeRadius).Without(unscanned);
        int above = threshold ?? Math.Clamp(Otsu.LowerOfThree(density, ink.With(unscanned)), LowestThreshold, HighestThreshold);
        BinaryImage dense = BinaryImage.Of(width, density, value => value > above).Without(unscanned);
        return ink.Count > MostInk * dense.Count ? new(dense, new(width, dense.Height), above) : new(dense.Without(ink), ink, above);
    }

    /// <summary>Strong green, strong red, black. Weaker than that it may be stain: pale blue, brown DAB, dark nuclei.</summary>
    private static bool IsInk(int r, int g, int b) =>
        (g > r + 15 && g >= b - 20 && r < 180) || (r > 150 && g < 60 && b < 70 && Math.Abs(g - b) < 25) || Math.Max(r, Math.Max(g, b)) < 40;
}
