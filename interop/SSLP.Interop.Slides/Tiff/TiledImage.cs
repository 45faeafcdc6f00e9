using System.Numerics;
using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.Jpeg2000;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>
/// One image of a TIFF file as a grid of separately compressed blocks: tiles, or strips, which are tiles as wide as the image.
/// Twelve bytes a tile are all that stays in memory.
/// </summary>
internal sealed class TiledImage
{
    private static long lastId;

    private readonly long[] offsets;
    private readonly int[] lengths;
    private int storedFactor;

    private TiledImage(TiffFile file, TiffDirectory directory, int level, bool tiled)
    {
        Level = level;
        Width = Side(TiffTag.ImageWidth);
        Height = Side(TiffTag.ImageLength);
        Tiled = tiled;
        TileWidth = tiled ? Side(TiffTag.TileWidth) : Width;
        TileHeight = tiled ? Side(TiffTag.TileLength) : (int)Math.Min(Height, directory.Integer(TiffTag.RowsPerStrip, Height));
        if (TileHeight < 1 || (long)TileWidth * TileHeight > TiffLimits.TilePixels)
            throw file.Fault(SlideFault.UnsupportedFormat, $"has blocks of {TileWidth} × {TileHeight} px, too large to read in part; rewrite it as a TIFF pyramid with 256 px tiles");
        Columns = (Width + TileWidth - 1) / TileWidth;
        Rows = (Height + TileHeight - 1) / TileHeight;

        CheckPixels(file, directory);
        Compression = (TiffCompression)directory.Integer(TiffTag.Compression, 1);
        Predictor = directory.Integer(TiffTag.Predictor, 1) == 2 && Compression != TiffCompression.Jpeg && !Compression.IsJpeg2000();
        if (Compression == TiffCompression.Jpeg)
            Jpeg = new JpegPrefix(directory.Bytes(TiffTag.JpegTables, TiffLimits.JpegTableBytes), RgbTagged(directory));
        Jpeg2000 = Jpeg2000Tiles.Read(directory, Compression);

        long tiles = (long)Columns * Rows;
        var (offsetTag, lengthTag) = tiled ? (TiffTag.TileOffsets, TiffTag.TileByteCounts) : (TiffTag.StripOffsets, TiffTag.StripByteCounts);
        offsets = directory.Integers(offsetTag, tiles);
        lengths = ToLengths(file, directory.Integers(lengthTag, tiles));
        CheckInsideFile(file);

        int Side(TiffTag tag)
        {
            long value = directory.Integer(tag, 0);
            return value is >= 1 and <= TiffLimits.Side
                ? (int)value
                : throw file.Fault(SlideFault.Corrupt, $"has an image whose {tag} is {value}; copy the file again");
        }
    }

    /// <summary>A number no other image of the process has: the cache knows its tiles by it.</summary>
    public long Id { get; } = Interlocked.Increment(ref lastId);

    /// <summary>Index of the level it is, or −1 for an associated image.</summary>
    public int Level { get; }

    public int Width { get; }

    public int Height { get; }

    public bool Tiled { get; }

    public int TileWidth { get; }

    public int TileHeight { get; }

    public int Columns { get; }

    public int Rows { get; }

    public TiffCompression Compression { get; }

    /// <summary>Whether rows hold differences from the pixel to the left (TIFF predictor 2).</summary>
    public bool Predictor { get; }

    /// <summary>What goes in front of each tile's JPEG stream; null for other compressions.</summary>
    public JpegPrefix? Jpeg { get; }

    /// <summary>The colours of its JPEG 2000 tiles; null for other compressions.</summary>
    public Jpeg2000Tiles? Jpeg2000 { get; }

    /// <summary>Reads geometry and tile table; every fault of theirs is found here and not when a tile is read.</summary>
    /// <param name="level">Index of the level it will be, or −1.</param>
    public static TiledImage Read(TiffFile file, TiffDirectory directory, int level) =>
        new(file, directory, level, IsTiled(directory));

    public static bool IsTiled(TiffDirectory directory) => directory.Has(TiffTag.TileWidth);

    /// <summary>Whether the decoder can give half the resolution by itself, tile by tile.</summary>
    public bool CanHalve => Jpeg is not null && TileWidth % 2 == 0 && TileHeight % 2 == 0;

    /// <summary>Place and size of a tile's bytes. A size of 0 means that the file leaves the tile out.</summary>
    public (long Offset, int Length) Tile(int column, int row)
    {
        int index = checked((row * Columns) + column);
        return (offsets[index], lengths[index]);
    }

    /// <summary>Rows that a tile of this grid row stores: all, but for the last strip.</summary>
    public int StoredRows(int row) => Tiled ? TileHeight : Math.Min(TileHeight, Height - (row * TileHeight));

    /// <summary>How large the image inside of a tile is to be.</summary>
    public TileExtent Extent(int column, int row) =>
        new(TileWidth, StoredRows(row), Math.Min(TileWidth, Width - (column * TileWidth)), Math.Min(TileHeight, Height - (row * TileHeight)));

    /// <summary>The largest power of two by which its JPEG 2000 tiles are stored reduced, as far as it divides their sides; 1 for other tiles.</summary>
    /// <param name="file">The file, of which the first tile's header is read, once.</param>
    public int StoredFactor(TiffFile file)
    {
        if (storedFactor == 0)
            storedFactor = Jpeg2000 is null ? 1 : FindStoredFactor(file);
        return storedFactor;
    }

    private int FindStoredFactor(TiffFile file)
    {
        int first = Array.FindIndex(lengths, length => length > 0);
        if (first < 0)
            return 1;
        byte[] start = new byte[Math.Min(lengths[first], TiffLimits.HeaderBytes)];
        file.Read(offsets[first], start);
        var header = Jpeg2000Header.Read(start);
        int halvings = Math.Min(BitOperations.TrailingZeroCount(TileWidth), BitOperations.TrailingZeroCount(TileHeight));
        return header.Fault is null ? 1 << Math.Min(header.Halvings, halvings) : 1;
    }

    private static bool RgbTagged(TiffDirectory directory) =>
        directory.Integer(TiffTag.PhotometricInterpretation, (long)TiffPhotometric.Rgb) == (long)TiffPhotometric.Rgb;

    private static void CheckPixels(TiffFile file, TiffDirectory directory)
    {
        long compression = directory.Integer(TiffTag.Compression, 1);
        if (!Enum.IsDefined((TiffCompression)compression))
            throw file.Fault(SlideFault.UnsupportedCompression, $"has tiles in {CompressionName(compression)}, which the embedded reader does not decode");

        long samples = directory.Integer(TiffTag.SamplesPerPixel, 1);
        if (samples != 3)
            throw file.Fault(SlideFault.UnsupportedPixels, $"has {samples} band{(samples == 1 ? "" : "s")} where 3 (RGB) are needed; export it as an RGB slide");
        long bits = directory.Integer(TiffTag.BitsPerSample, 1);
        if (bits != 8)
            throw file.Fault(SlideFault.UnsupportedPixels, $"has {bits} bits a band where 8 are needed; export it as an 8-bit slide");
        long photometric = directory.Integer(TiffTag.PhotometricInterpretation, (long)TiffPhotometric.Rgb);
        bool readable = photometric == (long)TiffPhotometric.Rgb
            || (photometric == (long)TiffPhotometric.YCbCr && (compression == (long)TiffCompression.Jpeg || ((TiffCompression)compression).IsJpeg2000()));
        if (!readable)
            throw file.Fault(SlideFault.UnsupportedPixels, $"has colours of TIFF kind {photometric} where RGB is needed; export it as an RGB slide");
        if (directory.Integer(TiffTag.PlanarConfiguration, 1) != 1)
            throw file.Fault(SlideFault.UnsupportedPixels, "keeps red, green and blue in separate planes; rewrite it with interleaved pixels");
        long orientation = directory.Integer(TiffTag.Orientation, 1);
        if (orientation is not (0 or 1))
            throw file.Fault(SlideFault.UnsupportedPixels, $"is turned or mirrored (orientation {orientation}); rewrite it with orientation 1");
        long predictor = directory.Integer(TiffTag.Predictor, 1);
        if (predictor is not (1 or 2))
            throw file.Fault(SlideFault.UnsupportedPixels, $"uses TIFF predictor {predictor}; rewrite it with predictor 1 or 2");
    }

    private static string CompressionName(long compression) => compression switch
    {
        6 => "old-style JPEG",
        34892 => "lossy JPEG DNG",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 => "JPEG XL",
        _ => $"TIFF compression {compression}",
    };

    private static int[] ToLengths(TiffFile file, long[] values)
    {
        int[] lengths = new int[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            lengths[i] = values[i] <= TiffLimits.CompressedTileBytes
                ? (int)values[i]
                : throw file.Fault(SlideFault.Corrupt, $"has a tile of {values[i]} bytes, more than any slide has; copy the file again");
        }
        return lengths;
    }

    private void CheckInsideFile(TiffFile file)
    {
        for (int i = 0; i < offsets.Length; i++)
        {
            if (lengths[i] > 0 && offsets[i] > file.Length - lengths[i])
            {
                string image = Level < 0 ? "an associated image" : $"level {Level}";
                throw file.Fault(SlideFault.Truncated, $"ends at byte {file.Length} but tile ({i % Columns}, {i / Columns}) of {image} lies at {offsets[i]}; copy the file again");
            }
        }
    }
}
