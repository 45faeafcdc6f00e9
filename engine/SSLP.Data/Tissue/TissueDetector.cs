using SSLP.Interop.Slides;

namespace SSLP.Data.Tissue;

/// <summary>
/// Tissue of a brightfield slide, on a coarse image of it: white balance against the glass, a threshold on strength of stain
/// (<see cref="StainStrength"/>) or on density (<see cref="Density"/>), pen marks and unscanned fields taken out, closing, hole filling.
/// </summary>
internal static class TissueDetector
{
    /// <summary>Pixels around ink that are not trusted either: it fades out over about this many µm.</summary>
    private const double PenMarginMicrons = 40;

    /// <summary>Least width of ink that is a pen's, µm: felt tips draw half a millimetre and more, with gaps where the tissue
    /// shows.</summary>
    private const double StrokeMicrons = 80;

    /// <param name="image">Coarse image of the whole slide.</param>
    /// <param name="micronsPerPixel">Its pixel size.</param>
    /// <param name="options">The rule, lengths and areas.</param>
    /// <returns>The mask, or null where the image is not brightfield: a dark field (fluorescence) has no glass to tell tissue
    /// from.</returns>
    public static TissueMask? Detect(SlideImage image, double micronsPerPixel, TissueOptions options)
    {
        bool darkField = ScannedField.IsDark(image);
        if (options.Method == TissueMethod.All)
            return AllOf(image, micronsPerPixel, darkField);
        if (darkField)
            return null;
        BinaryImage unscanned = ScannedField.Black(image);
        if (options.Method == TissueMethod.Density)
            return ByDensity().Mask;
        TissueMask stained = Mask(
            StainStrength.Find(WhiteBalance.Apply(image, unscanned, StainStrength.GlassRange), image.Width, unscanned, options.Threshold),
            TissueMethod.Stain);
        if (options.Method == TissueMethod.Stain)
            return stained;
        (TissueMask dense, byte[] balanced) = ByDensity();
        return StainChoice.Misses(stained, dense, balanced) ? dense : stained;

        (TissueMask Mask, byte[] Balanced) ByDensity()
        {
            BinaryImage left = unscanned.With(ScannedField.Filled(image, unscanned));
            byte[] pixels = WhiteBalance.Apply(image, left, Density.GlassRange);
            return (Mask(Density.Find(pixels, image.Width, left, options.Threshold, Pixels(StrokeMicrons / 2, micronsPerPixel)),
                TissueMethod.Density), pixels);
        }

        TissueMask Mask(TissuePixels found, TissueMethod method)
        {
            double penFraction = (double)found.Ink.Count / found.Ink.Pixels.Length, perMm2 = 1e6 / (micronsPerPixel * micronsPerPixel);
            BinaryImage pen = found.Ink.Count > 0 ? found.Ink.Dilate(Pixels(PenMarginMicrons, micronsPerPixel)) : found.Ink;
            BinaryImage without = pen.With(unscanned),
                tissue = found.Tissue.Without(without).Close(Pixels(options.ClosingMicrons, micronsPerPixel));
            tissue.FillHoles((int)(options.HoleSquareMillimetres * perMm2));
            tissue.RemoveSmall((int)Math.Ceiling(options.MinSquareMillimetres * perMm2));
            return new(tissue.Without(without), micronsPerPixel, method, found.Threshold, penFraction);
        }
    }

    private static TissueMask AllOf(SlideImage image, double micronsPerPixel, bool darkField)
    {
        var all = new BinaryImage(image.Width, image.Height);
        Array.Fill(all.Pixels, true);
        return new(darkField ? all : all.Without(ScannedField.Black(image)), micronsPerPixel, TissueMethod.All, 0, 0);
    }

    private static int Pixels(double microns, double micronsPerPixel) => Math.Max(1, (int)Math.Round(microns / micronsPerPixel));
}
