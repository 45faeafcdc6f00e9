using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Bench.Jobs;

/// <summary>
/// JPEG tiles of a slide, whole and in memory, to be decoded with nothing around it. Its rate is the floor of every way to read that slide.
/// </summary>
internal sealed class DecoderProbe
{
    private readonly List<byte[]> _streams = [];
    private readonly SlideRuntime _runtime;

    private DecoderProbe(SlideRuntime runtime, int width, int height)
    {
        _runtime = runtime;
        Width = width;
        Height = height;
    }

    /// <summary>Columns of a tile, px.</summary>
    public int Width { get; }

    /// <summary>Rows of a tile, px.</summary>
    public int Height { get; }

    /// <summary>Loads tiles of one level; null where they are not JPEG or the slide is not read by the embedded reader.</summary>
    /// <param name="runtime">Whose decoder decodes them.</param>
    /// <param name="slide">An open slide.</param>
    /// <param name="level">Index of the level.</param>
    /// <param name="tiles">Column and row of each tile, in the file's own grid.</param>
    public static DecoderProbe? Load(SlideRuntime runtime, Slide slide, int level, IEnumerable<(int Column, int Row)> tiles)
    {
        if (slide is not TiffSlide tiff || tiff.Image(level) is not { Jpeg: { } prefix } image)
            return null;
        var probe = new DecoderProbe(runtime, image.TileWidth, image.TileHeight);
        foreach (var (column, row) in tiles)
        {
            var (offset, length) = image.Tile(column, row);
            byte[] stream = new byte[prefix.Room + length];
            tiff.File.Read(offset, stream.AsSpan(prefix.Room));
            prefix.Complete(stream, out _);
            probe._streams.Add(stream);
        }
        return probe;
    }

    /// <summary>Decodes a tile into packed RGB rows, Width · Height · 3 bytes.</summary>
    public void Decode(int tile, Span<byte> rgb)
    {
        if (TileDecoder.Decode(_runtime, _streams[tile], Width, Height, rgb) is { } fault)
            throw new InvalidDataException(fault);
    }
}
