using SSLP.Interop.Slides.OpenSlide;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides;

/// <summary>What a <see cref="SlideRuntime"/> is made of.</summary>
public sealed record SlideRuntimeOptions
{
    /// <summary>Who decodes JPEG tiles.</summary>
    public JpegChoice Jpeg { get; init; }

    /// <summary>Bytes of decoded tiles that patches share; see <see cref="TileCache"/>. 0 keeps none.</summary>
    public long TileCacheBytes { get; init; } = 64L << 20;

    /// <summary>
    /// Bytes of decoded tiles that slides read by OpenSlide share, where <see cref="OpenSlideLibrary.HasCacheControl"/>; else OpenSlide
    /// keeps its own 32 MiB a slide.
    /// </summary>
    public long OpenSlideCacheBytes { get; init; } = 128L << 20;

    /// <summary>
    /// Slides that a source of patches keeps open at once, each a file handle. Training's order mixes the patches of 256 runs, so of up to
    /// as many slides: with fewer open, most reads would begin with opening a slide.
    /// </summary>
    public int OpenSlides { get; init; } = 320;

    /// <summary>Is told when a tile or a region is decoded; null: nobody.</summary>
    public IReadWatch? Watch { get; init; }
}

/// <summary>
/// What open slides share: decoded tiles, decoders, OpenSlide's cache. The caller owns it and hands it to the slides that it opens; two of
/// them know nothing of each other. Safe from many threads.
/// </summary>
public sealed class SlideRuntime : IDisposable
{
    /// <exception cref="ArgumentException">A decoder that this machine does not have, a negative size, or no open slide.</exception>
    public SlideRuntime(SlideRuntimeOptions? options = null)
    {
        Options = options ?? new();
        ArgumentOutOfRangeException.ThrowIfNegative(Options.TileCacheBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(Options.OpenSlideCacheBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.OpenSlides, 1);
        // Made here, so that a choice that can't be had is known before a slide is read.
        Tiff = new TiffSharing(Options.Jpeg, Options.TileCacheBytes, Options.Watch);
        OpenSlideCache = new OpenSlideCache(Options.OpenSlideCacheBytes, Options.Watch);
    }

    /// <summary>What it was made of.</summary>
    public SlideRuntimeOptions Options { get; }

    /// <summary>Who decodes JPEG tiles, for reports.</summary>
    public string JpegDecoderName => Tiff.JpegDecoderName;

    /// <summary>Who decodes JPEG 2000 tiles, for reports.</summary>
    public string Jpeg2000DecoderName => Tiff.Jpeg2000DecoderName;

    /// <summary>Decoded tiles of all its slides.</summary>
    internal TileCache Tiles => Tiff.Tiles;

    internal TiffSharing Tiff { get; }

    internal OpenSlideCache OpenSlideCache { get; }

    /// <summary>Lets go of decoders and caches; its slides are to be closed before.</summary>
    public void Dispose()
    {
        Tiff.Dispose();
        OpenSlideCache.Dispose();
    }
}
