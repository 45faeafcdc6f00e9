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
    private readonly long[] _offsets;
    private readonly int[] _lengths;
    private int _storedFactor;

    private TiledImage(TiffFile file, TiffDirectory directory, int level, bool tiled)
    {
        Id = file.Sharing.NextImage();
        Level = level;
        Width = Side(TiffTag.ImageWidth);
        Height = Side(TiffTag.ImageLength);
        Tiled = tiled;
        TileWidth = tiled ? Side(TiffTag.TileWidth) : Width;
        TileHeight = tiled ? Side(TiffTag.TileLength) : (int)Math.Min(Height, directory.Integer(TiffTag.RowsPerStrip, Height));
        Compression = ReadCompression(file, directory);
        Pixels = PixelLayout.Read(file, directory, Compression);
        if (TileHeight < 1 || (long)TileWidth * TileHeight * Math.Max(3, Pixels.BytesPerPixel) > 3 * TiffLimits.TilePixels)
            throw file.Fault(SlideFault.UnsupportedFormat,
                $"has blocks of {TileWidth} × {TileHeight} px, too large to read in part; rewrite it as a TIFF pyramid with 256 px tiles");
        Columns = (Width + TileWidth - 1) / TileWidth;
        Rows = (Height + TileHeight - 1) / TileHeight;

        if (directory.Integer(TiffTag.Predictor, 1) is not (1 or 2) and var predictor)
            throw file.Fault(SlideFault.UnsupportedPixels, $"uses TIFF predictor {predictor}; rewrite it with predictor 1 or 2");
        Predictor = directory.Integer(TiffTag.Predictor, 1) == 2 && !Compression.IsJpeg();
        if (Compression == TiffCompression.Jpeg)
            Jpeg = new JpegPrefix(directory.Bytes(TiffTag.JpegTables, TiffLimits.JpegTableBytes), RgbTagged(directory));
        Jpeg2000 = Jpeg2000Tiles.Read(directory, Compression);

        long tiles = (long)Columns * Rows * Pixels.Planes;
        (TiffTag offsetTag, TiffTag lengthTag) = tiled ? (TiffTag.TileOffsets, TiffTag.TileByteCounts)
            : (TiffTag.StripOffsets, TiffTag.StripByteCounts);
        _offsets = directory.Integers(offsetTag, tiles);
        _lengths = ToLengths(file, _offsets, directory.Integers(lengthTag, tiles));
        CheckInsideFile(file);

        int Side(TiffTag tag)
        {
            long value = directory.Integer(tag, 0);
            return value is >= 1 and <= TiffLimits.Side
                ? (int)value
                : throw file.Fault(SlideFault.Corrupt, $"has an image whose {tag} is {value}; copy the file again");
        }
    }

    /// <summary>A number no other image of the runtime has: the cache knows its tiles by it.</summary>
    public long Id { get; }

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

    /// <summary>How the bands of a pixel are stored.</summary>
    public PixelLayout Pixels { get; }

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

    /// <summary>Whether an image is in tiles, be it that the tag of their size is lost.</summary>
    public static bool IsTiled(TiffDirectory directory) => directory.Has(TiffTag.TileWidth) || directory.Has(TiffTag.TileOffsets);

    /// <summary>Where the first of its tiles lies that the file has: what tells it from others, however often the file is opened.</summary>
    public long Place => Array.Find(_offsets, offset => offset > 0);

    /// <summary>Whether the decoder can give half the resolution by itself, tile by tile.</summary>
    public bool CanHalve => Jpeg is not null && TileWidth % 2 == 0 && TileHeight % 2 == 0;

    /// <summary>Place and size of a tile's bytes. A size of 0 means that the file leaves the tile out.</summary>
    /// <param name="column">Column of the grid.</param>
    /// <param name="row">Row of the grid.</param>
    /// <param name="plane">Which band, where bands are stored apart.</param>
    public (long Offset, int Length) Tile(int column, int row, int plane = 0)
    {
        int index = checked((((plane * Rows) + row) * Columns) + column);
        return (_offsets[index], _lengths[index]);
    }

    /// <summary>A tile's JPEG header as that of a colour image, where the image is grey and the stream has one band: decoders give RGB of
    /// it.</summary>
    public JpegHeader AsRgb(JpegHeader header) => header.Components == Pixels.Samples ? header with { Components = 3 } : header;

    /// <summary>Rows that a tile of this grid row stores: all, but for the last strip.</summary>
    public int StoredRows(int row) => Tiled ? TileHeight : Math.Min(TileHeight, Height - (row * TileHeight));

    /// <summary>How large the image inside of a tile is to be.</summary>
    public TileExtent Extent(int column, int row) =>
        new(TileWidth, StoredRows(row), Math.Min(TileWidth, Width - (column * TileWidth)),
            Math.Min(TileHeight, Height - (row * TileHeight)));

    /// <summary>The largest power of two by which its JPEG 2000 tiles are stored reduced, as far as it divides their sides; 1 for other
    /// tiles.</summary>
    /// <param name="file">The file, of which the first tile's header is read, once.</param>
    public int StoredFactor(TiffFile file)
    {
        if (_storedFactor == 0)
            _storedFactor = Jpeg2000 is null ? 1 : FindStoredFactor(file);
        return _storedFactor;
    }

    private int FindStoredFactor(TiffFile file)
    {
        int first = Array.FindIndex(_lengths, length => length > 0);
        if (first < 0)
            return 1;
        byte[] start = new byte[Math.Min(_lengths[first], TiffLimits.HeaderBytes)];
        file.Read(_offsets[first], start);
        var header = Jpeg2000Header.Read(start);
        int halvings = Math.Min(BitOperations.TrailingZeroCount(TileWidth), BitOperations.TrailingZeroCount(TileHeight));
        return header.Fault is null ? 1 << Math.Min(header.Halvings, halvings) : 1;
    }

    private static bool RgbTagged(TiffDirectory directory) =>
        directory.Integer(TiffTag.PhotometricInterpretation, (long)TiffPhotometric.Rgb) == (long)TiffPhotometric.Rgb;

    private static TiffCompression ReadCompression(TiffFile file, TiffDirectory directory)
    {
        long compression = directory.Integer(TiffTag.Compression, 1);
        return Enum.IsDefined((TiffCompression)compression)
            ? (TiffCompression)compression
            : throw file.Fault(SlideFault.UnsupportedCompression,
                $"has tiles in {CompressionName(compression)}, which the embedded reader does not decode");
    }

    private static string CompressionName(long compression) => compression switch
    {
        2 or 3 or 4 => "a fax code (CCITT)",
        6 => "old-style JPEG",
        32773 => "PackBits",
        34676 or 34677 => "SGI's logarithmic code",
        34887 => "LERC",
        34892 => "lossy JPEG DNG",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        50002 or 52546 => "JPEG XL",
        _ => $"TIFF compression {compression}",
    };

    /// <summary>Byte counts; 0 where either is 0, for no tile lies at the file's first byte: writers leave tiles out both ways.</summary>
    private static int[] ToLengths(TiffFile file, long[] offsets, long[] values)
    {
        int[] lengths = new int[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            lengths[i] = values[i] <= TiffLimits.CompressedTileBytes
                ? (int)(offsets[i] == 0 ? 0 : values[i])
                : throw file.Fault(SlideFault.Corrupt, $"has a tile of {values[i]} bytes, more than any slide has; copy the file again");
        }
        return lengths;
    }

    private void CheckInsideFile(TiffFile file)
    {
        for (int i = 0; i < _offsets.Length; i++)
        {
            if (_lengths[i] > 0 && _offsets[i] > file.Length - _lengths[i])
            {
                string image = Level < 0 ? "an associated image" : $"level {Level}";
                throw file.Fault(SlideFault.Truncated,
                    $"ends at byte {file.Length} but tile ({i % Columns}, {i / Columns % Rows}) of {image} lies at {_offsets[i]}; copy " +
                    $"the file again");
            }
        }
    }
}
