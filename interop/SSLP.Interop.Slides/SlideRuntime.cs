using SSLP.Interop.Slides.OpenSlide;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides;

/// <summary>Which program decodes JPEG tiles of the embedded reader. They give the same pixels.</summary>
public enum JpegChoice
{
    /// <summary>The machine's libjpeg-turbo; else our own on AVX2; else the one that a package brings.</summary>
    Auto,

    /// <summary>The machine's libjpeg-turbo.</summary>
    TurboJpeg,

    /// <summary>Our own, on processors with AVX2.</summary>
    Own,

    /// <summary>The libjpeg-turbo inside of SkiaSharp.</summary>
    Skia,
}

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
}

/// <summary>
/// What open slides share: decoded tiles, decoders, OpenSlide's cache. The caller owns it and hands it to the slides that it opens; two of
/// them know nothing of
/// each other. Safe from many threads.
/// </summary>
public sealed class SlideRuntime : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<TileDecoder> _idle = new();
    private long _lastImage;
    private bool _disposed;

    /// <exception cref="ArgumentException">A decoder that this machine does not have, or a negative size.</exception>
    public SlideRuntime(SlideRuntimeOptions? options = null)
    {
        Options = options ?? new();
        ArgumentOutOfRangeException.ThrowIfNegative(Options.TileCacheBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(Options.OpenSlideCacheBytes);
        // Made here, so that a choice that can't be had is known before a slide is read.
        TileDecoder first = new(Options.Jpeg);
        JpegDecoderName = first.JpegDecoderName;
        Jpeg2000DecoderName = first.Jpeg2000DecoderName;
        _idle.Push(first);
        Tiles = new TileCache(Options.TileCacheBytes);
        OpenSlideCache = new OpenSlideCache(Options.OpenSlideCacheBytes);
    }

    /// <summary>What it was made of.</summary>
    public SlideRuntimeOptions Options { get; }

    /// <summary>Who decodes JPEG tiles, for reports.</summary>
    public string JpegDecoderName { get; }

    /// <summary>Who decodes JPEG 2000 tiles, for reports.</summary>
    public string Jpeg2000DecoderName { get; }

    /// <summary>Decoded tiles of all its slides.</summary>
    internal TileCache Tiles { get; }

    internal OpenSlideCache OpenSlideCache { get; }

    /// <summary>A number that no other image of this runtime has: the cache knows its tiles by it.</summary>
    internal long NextImage() => Interlocked.Increment(ref _lastImage);

    /// <summary>Lends a decoder to one thread; after warm-up nothing is made.</summary>
    internal TileDecoder RentDecoder()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_idle.TryPop(out var decoder))
                return decoder;
        }
        return new TileDecoder(Options.Jpeg);
    }

    internal void Return(TileDecoder decoder)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _idle.Push(decoder);
                return;
            }
        }
        decoder.Dispose();
    }

    /// <summary>Lets go of decoders and caches; its slides are to be closed before.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        while (_idle.TryPop(out var decoder))
            decoder.Dispose();
        Tiles.BudgetBytes = 0;
        OpenSlideCache.Dispose();
    }
}
