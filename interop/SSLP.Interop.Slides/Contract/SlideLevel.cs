namespace SSLP.Interop.Slides;

/// <summary>Which program reads a slide.</summary>
public enum SlideReader
{
    /// <summary>The embedded reader for what it reads in full, OpenSlide for the rest.</summary>
    Auto,

    /// <summary>OpenSlide, found on the machine at run time.</summary>
    OpenSlide,

    /// <summary>The reader of this library: tiled TIFF pyramids, Aperio SVS, Philips TIFF and OME-TIFF. Needs nothing installed.</summary>
    Embedded,
}

/// <summary>One resolution of a slide.</summary>
/// <param name="Width">Columns, px.</param>
/// <param name="Height">Rows, px.</param>
/// <param name="Downsample">Level-0 pixels per pixel of this level: the mean of the two axes' ratios, as OpenSlide defines it.</param>
/// <param name="TileWidth">Columns of the file's storage unit, px; 0 where the reader does not know.</param>
/// <param name="TileHeight">Rows of the file's storage unit, px; 0 where the reader does not know.</param>
public sealed record SlideLevel(long Width, long Height, double Downsample, int TileWidth, int TileHeight);

/// <summary>A decoded image: packed RGB rows, 3 · Width · Height bytes.</summary>
public sealed record SlideImage(int Width, int Height, byte[] Rgb);
