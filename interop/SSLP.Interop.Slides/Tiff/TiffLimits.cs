namespace SSLP.Interop.Slides.Tiff;

/// <summary>What a file may claim before it is refused. Real slides stay far below; a hostile header can't make us allocate more.</summary>
internal static class TiffLimits
{
    public const int Directories = 512;
    public const int EntriesPerDirectory = 1024;
    public const int TextBytes = 1 << 20;

    /// <summary>XML of a vendor: Philips keeps pictures of label and macro in it, OME a line for every plane.</summary>
    public const int XmlBytes = 16 << 20;

    public const int JpegTableBytes = 1 << 16;
    public const int CompressedTileBytes = 64 << 20;

    /// <summary>Where a tile's own headers are found; tables that a JPEG tile carries itself take about 600 bytes.</summary>
    public const int HeaderBytes = 4096;

    /// <summary>Pixels of one tile, or of one strip of an associated image.</summary>
    public const long TilePixels = 16L << 20;

    /// <summary>Bands of a pixel that another reader is trusted with.</summary>
    public const int Samples = 64;

    /// <summary>Pixels of one associated image.</summary>
    public const long ImagePixels = 32L << 20;

    /// <summary>Columns or rows of a level: what fits an int with room for sums.</summary>
    public const long Side = 1L << 30;
}
