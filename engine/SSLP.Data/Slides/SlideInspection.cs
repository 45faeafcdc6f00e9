using SSLP.Data.Tissue;
using SSLP.Interop.Slides;

namespace SSLP.Data.Slides;

/// <summary>What one look at an open slide found; the mask is null where it was not asked for or cannot be made.</summary>
internal sealed record SlideInspection(SlideVerdict Verdict, string Reason, Mpp? Mpp, Thumbnail? Thumbnail, TissueMask? Mask)
{
    /// <summary>Slides up to this much coarser than asked count as that size: scanners sold as 20× give 0.49 to 0.505 µm.</summary>
    public const double CoarserTolerance = 0.02;

    /// <summary>Pixel size, then tissue; stops at the first thing that is missing.</summary>
    /// <param name="slide">An open slide.</param>
    /// <param name="wantedMpp">Pixel size that will be asked of it, µm; null where any serves.</param>
    /// <param name="assumeMpp">Pixel size to take where the file names none, µm.</param>
    /// <param name="upsample">Take a slide that is coarser than wanted.</param>
    /// <param name="tissue">How tissue is told from glass.</param>
    /// <param name="cancel">Checked while pixels are read.</param>
    /// <exception cref="SlideException">The file cannot be read.</exception>
    public static SlideInspection Of(
        Slide slide, double? wantedMpp, double? assumeMpp, bool upsample, TissueOptions tissue, CancellationToken cancel)
    {
        Mpp? mpp = PixelSizeOf(slide, assumeMpp);
        if (mpp is null)
            return new(SlideVerdict.NoMpp, WithoutMpp(slide), null, null, null);
        double coarsest = Math.Max(mpp.X, mpp.Y);
        if (!upsample && coarsest > wantedMpp * (1 + CoarserTolerance))
        {
            return new(SlideVerdict.TooCoarse, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"its finest level is {coarsest:0.####} µm per pixel, coarser than the {wantedMpp:0.####} asked for; ask for a coarser " +
                $"--mpp, or --upsample"), mpp, null, null);
        }
        double mean = (mpp.X + mpp.Y) / 2;
        var thumbnail = Thumbnail.Read(slide, tissue.MicronsPerPixel / mean, cancel);
        double micronsPerPixel = mean * slide.Levels[0].Width / thumbnail.Image.Width;
        if (tissue.Method != TissueMethod.All && thumbnail.Image.Rgb is var rgb && IsOfOneGrey(rgb))
            return new(SlideVerdict.NoTissue, $"all of it is of one grey ({rgb[0]} of 255)", mpp, thumbnail, null);
        TissueMask? mask = TissueDetector.Detect(thumbnail.Image, micronsPerPixel, tissue);
        if (mask is null)
            return new(SlideVerdict.NotBrightfield,
                "most of it is dark, as in fluorescence; the tissue mask is for brightfield, and --tissue all takes the whole of it", mpp,
                thumbnail, null);
        if (mask.TissueFraction == 0)
        {
            string nothing = mask.Method switch
            {
                TissueMethod.Stain => "nothing on it is stained",
                TissueMethod.Density =>
                "nothing on it is dense",
                _ => "nothing of it was scanned"
            };
            return new(SlideVerdict.NoTissue, tissue.Threshold is int threshold ? $"{nothing} above the threshold {threshold}" : nothing,
                mpp, thumbnail, mask);
        }
        return thumbnail.UnreadableBlocks > 0
            ? new(SlideVerdict.DamagedTiles, "tiles of it do not decode; the rest serves", mpp, thumbnail, mask)
            : new(SlideVerdict.Ok, "", mpp, thumbnail, mask);
    }

    /// <summary>Whether nothing is on a slide: an empty scan, tiles that the file leaves out, a fill. One colour may be a stain.</summary>
    private static bool IsOfOneGrey(byte[] rgb)
    {
        if (rgb[0] != rgb[1] || rgb[1] != rgb[2])
            return false;
        for (int i = 3; i < rgb.Length; i++)
            if (rgb[i] != rgb[i % 3])
                return false;
        return true;
    }

    /// <summary>What the file says of its pixels where that can be believed, else what the user says; null where neither does.</summary>
    public static Mpp? PixelSizeOf(Slide slide, double? assumeMpp) =>
        slide.Mpp ?? (assumeMpp is double assumed ? new(assumed, assumed, "assumed") : null);

    /// <summary>Why a slide has no pixel size; a clause that goes on from its name.</summary>
    public static string WithoutMpp(Slide slide) =>
        (slide.PixelSize.Notes.Count > 0 ? string.Join("; ", slide.PixelSize.Notes) : "does not say its pixel size")
        + "; give it with --assume-mpp if you know it";

    /// <summary>The verdict on a file that does not open or does not read.</summary>
    public static SlideVerdict VerdictOf(SlideFault fault) => fault switch
    {
        SlideFault.NotFound or SlideFault.NotReadable => SlideVerdict.NotReadable,
        SlideFault.NotASlide => SlideVerdict.NotASlide,
        SlideFault.Truncated => SlideVerdict.Truncated,
        SlideFault.UnsupportedFormat or SlideFault.UnsupportedCompression or SlideFault.UnsupportedPixels
            or SlideFault.OpenSlideMissing => SlideVerdict.Unsupported,
        SlideFault.TileUnreadable => SlideVerdict.DamagedTiles,
        _ => SlideVerdict.Corrupt,
    };
}
