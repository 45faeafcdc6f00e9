namespace SSLP.Data.Tissue;

/// <summary>
/// How strongly a pixel is stained by haematoxylin and eosin: √(q·a) with q = max(R, B) − G and a = 255 − G. Both absorb green most, so q
/// is high on stained tissue and 0 on glass, dust, grey shadows, black and green ink; a tells tissue from a faint pink haze around it,
/// which q alone does not.
/// </summary>
internal static class StainStrength
{
    /// <summary>See <see cref="WhiteBalance.Apply"/>: glass with a pink haze over it, as well.</summary>
    public const int GlassRange = 75;

    /// <summary>Bounds of Otsu's threshold: it must split glass from tissue even where the image holds only one of the two.</summary>
    private const int LowestThreshold = 14, HighestThreshold = 50;

    /// <param name="balanced">Pixels without the colour of the glass.</param>
    /// <param name="unscanned">Pixels that are not looked at.</param>
    /// <param name="threshold">The threshold to take, or null for Otsu's.</param>
    /// <param name="width">Columns.</param>
    public static TissuePixels Find(byte[] balanced, int width, BinaryImage unscanned, int? threshold)
    {
        var ink = new BinaryImage(width, unscanned.Height);
        byte[] stain = new byte[balanced.Length / 3];
        for (int i = 0; i < stain.Length; i++)
        {
            (int r, int g, int b) = (balanced[i * 3], balanced[(i * 3) + 1], balanced[(i * 3) + 2]);
            ink.Pixels[i] = IsGreenInk(r, g, b) || IsRedInk(r, g, b);
            stain[i] = (byte)Math.Sqrt(Math.Max(0, Math.Max(r, b) - g) * (255 - g));
        }
        ink = ink.Open(1).Without(unscanned);
        int above = threshold ?? Math.Clamp(Otsu.OfTwo(stain, ink.With(unscanned)), LowestThreshold, HighestThreshold);
        return new(BinaryImage.Of(width, stain, value => value > above), ink, above);
    }

    /// <summary>Green above red: H&amp;E tissue is never so, but for bluish nuclei, where blue stands well above green.</summary>
    private static bool IsGreenInk(int r, int g, int b) => g > r + 4 && g >= b - 20;

    /// <summary>Red with almost no green and blue; eosin keeps more of both, blue above green.</summary>
    private static bool IsRedInk(int r, int g, int b) => r > 120 && g < 90 && b < 100 && r - b > 90 && Math.Abs(g - b) < 40;
}

/// <summary>Pixels that one rule takes for tissue, those that it takes for ink, and the threshold between tissue and glass.</summary>
internal sealed record TissuePixels(BinaryImage Tissue, BinaryImage Ink, int Threshold);
