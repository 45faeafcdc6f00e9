namespace SSLP.Interop.Slides;

/// <summary>Which program reads a slide.</summary>
public enum SlideReader
{
    /// <summary>The embedded reader for what it reads in full, OpenSlide for the rest.</summary>
    Auto,

    /// <summary>OpenSlide, found on the machine at run time.</summary>
    OpenSlide,

    /// <summary>The reader of this library: tiled TIFF pyramids and Aperio SVS. Needs nothing installed.</summary>
    Embedded,
}

/// <summary>One resolution of a slide.</summary>
/// <param name="Width">Columns, px.</param>
/// <param name="Height">Rows, px.</param>
/// <param name="Downsample">Level-0 pixels per pixel of this level: the mean of the two axes' ratios, as OpenSlide defines it.</param>
/// <param name="TileWidth">Columns of the file's storage unit, px; 0 where the reader does not know.</param>
/// <param name="TileHeight">Rows of the file's storage unit, px; 0 where the reader does not know.</param>
public sealed record SlideLevel(long Width, long Height, double Downsample, int TileWidth, int TileHeight);

/// <summary>Size of a level-0 pixel.</summary>
/// <param name="X">µm per pixel across.</param>
/// <param name="Y">µm per pixel down.</param>
/// <param name="Source">Where it was read: "aperio.MPP", "tiff.ResolutionUnit", "openslide.mpp-x".</param>
public sealed record Mpp(double X, double Y, string Source)
{
    /// <summary>
    /// The coarsest size that a resolution tag is believed, µm per pixel. Programs that know no size write a print resolution
    /// (72, 96, 300, … 2400 dpi = 353 … 10.6 µm); no scanner's finest level is that coarse.
    /// </summary>
    public const double CoarsestBelieved = 10;

    /// <summary>A size that a file states, or null where it is not a number a scanner could mean.</summary>
    internal static Mpp? FromFile(double x, double y, string source) =>
        x > 0 && y > 0 && x <= CoarsestBelieved && y <= CoarsestBelieved ? new Mpp(x, y, source) : null;
}

/// <summary>A decoded image: packed RGB rows, 3 · Width · Height bytes.</summary>
public sealed record SlideImage(int Width, int Height, byte[] Rgb);
