using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Bench.Jobs;

/// <summary>
/// Tiles of a slide to be decoded with nothing around it: JPEG and JPEG 2000 in memory, others from the file. Its rate is the floor of
/// every way to read that slide.
/// </summary>
internal sealed class DecoderProbe : IDisposable
{
    private readonly List<byte[]> _streams = [];
    private readonly SlideRuntime _runtime;
    private readonly TiffSlide _slide;
    private readonly TiledImage _image;
    private readonly (int Column, int Row)[] _tiles;
    private readonly int _scale, _across;

    private DecoderProbe(SlideRuntime runtime, TiffSlide slide, int level, bool half, (int Column, int Row)[] tiles)
    {
        (_runtime, _slide, _image) = (runtime, slide, slide.Image(level));
        (_scale, _across) = half ? (slide.FactorByDecoder(level) > 1 ? 2 : 1, 2) : (1, 1);
        // At half the resolution a patch is two by two tiles.
        _tiles = [.. tiles.SelectMany(tile => Enumerable.Range(0, _across * _across)
            .Select(i => (tile.Column + (i % _across), tile.Row + (i / _across))))];
        foreach ((int column, int row) in _tiles)
            _streams.Add(TileDecoder.Load(slide.File, _image, column, row));
    }

    public void Dispose() => _slide.Dispose();

    /// <summary>How the tiles of a slide's finest level are packed; null where the embedded reader does not serve it.</summary>
    public static string? CompressionOf(Slide slide) => (slide as TiffSlide)?.Image(0).Compression.ToString();

    /// <summary>Loads tiles of one level.</summary>
    /// <param name="runtime">Whose decoder decodes them.</param>
    /// <param name="path">A slide that the embedded reader opens; it stays open.</param>
    /// <param name="level">Index of the level.</param>
    /// <param name="half">At half the resolution, where the decoder gives that by itself, and two by two tiles for each.</param>
    /// <param name="tiles">Column and row of each tile, in the file's own grid.</param>
    public static DecoderProbe Load(SlideRuntime runtime, string path, int level, bool half, IEnumerable<(int Column, int Row)> tiles) =>
        new(runtime, TiffSlide.OpenFile(path, runtime.Tiff), level, half, [.. tiles]);

    /// <summary>Decodes what a patch takes into packed RGB rows.</summary>
    /// <param name="patch">The patch's number.</param>
    /// <param name="rgb">Side · side · 3 bytes: each tile is decoded to its beginning.</param>
    public void Decode(int patch, Span<byte> rgb)
    {
        for (int tile = patch * _across * _across; tile < (patch + 1) * _across * _across; tile++)
        {
            (int column, int row) = _tiles[tile];
            if (TileDecoder.Decode(_runtime.Tiff, _slide.File, _image, column, row, _streams[tile], _scale, rgb) is { } fault)
                throw new InvalidDataException(fault);
        }
    }
}
