using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides;

/// <summary>
/// For benches: JPEG tiles of a slide, whole and in memory, to be decoded with nothing around it. Its rate is the floor of every way to read that slide.
/// </summary>
public sealed class DecoderProbe
{
    private readonly List<byte[]> streams = [];

    private DecoderProbe(int width, int height)
    {
        Width = width;
        Height = height;
    }

    /// <summary>Which decoder the embedded reader found.</summary>
    public static string Decoder => JpegDecoder.OfThread.Name;

    /// <summary>Tiles held.</summary>
    public int Count => streams.Count;

    /// <summary>Columns of a tile, px.</summary>
    public int Width { get; }

    /// <summary>Rows of a tile, px.</summary>
    public int Height { get; }

    /// <summary>Loads tiles of one level; null where they are not JPEG or the slide is not read by the embedded reader.</summary>
    /// <param name="slide">An open slide.</param>
    /// <param name="level">Index of the level.</param>
    /// <param name="tiles">Column and row of each tile, in the file's own grid.</param>
    public static DecoderProbe? Load(Slide slide, int level, IEnumerable<(int Column, int Row)> tiles)
    {
        ArgumentNullException.ThrowIfNull(slide);
        ArgumentNullException.ThrowIfNull(tiles);
        if (slide is not TiffSlide tiff || tiff.Image(level) is not { Jpeg: { } prefix } image)
            return null;
        var probe = new DecoderProbe(image.TileWidth, image.TileHeight);
        foreach (var (column, row) in tiles)
        {
            var (offset, length) = image.Tile(column, row);
            byte[] stream = new byte[prefix.Room + length];
            tiff.File.Read(offset, stream.AsSpan(prefix.Room));
            prefix.Complete(stream, out _);
            probe.streams.Add(stream);
        }
        return probe;
    }

    /// <summary>Decodes a tile into packed RGB rows, Width · Height · 3 bytes.</summary>
    public void Decode(int tile, Span<byte> rgb)
    {
        if (JpegDecoder.OfThread.Decode(streams[tile], Width, Height, rgb, Width * 3) is { } fault)
            throw new InvalidDataException(fault);
    }
}
