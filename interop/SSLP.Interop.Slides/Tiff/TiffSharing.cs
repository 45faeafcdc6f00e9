using System.Collections.Concurrent;

namespace SSLP.Interop.Slides.Tiff;

/// <summary>What open TIFF slides share: decoders, decoded tiles, the numbers of their images. Safe from many threads.</summary>
internal sealed class TiffSharing : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<TileDecoder> _idle = new();
    private readonly ConcurrentDictionary<LookKey, bool?> _looks = new();
    private readonly JpegChoice _jpeg;
    private readonly IReadWatch? _watch;
    private long _lastImage;
    private bool _disposed;

    /// <exception cref="ArgumentException">A decoder that this machine does not have.</exception>
    public TiffSharing(JpegChoice jpeg, long tileCacheBytes, IReadWatch? watch = null)
    {
        (_jpeg, _watch) = (jpeg, watch);
        TileDecoder first = new(jpeg, watch);
        JpegDecoderName = first.JpegDecoderName;
        Jpeg2000DecoderName = first.Jpeg2000DecoderName;
        _idle.Push(first);
        Tiles = new TileCache(tileCacheBytes);
    }

    public string JpegDecoderName { get; }

    public string Jpeg2000DecoderName { get; }

    /// <summary>Decoded tiles of all its slides.</summary>
    public TileCache Tiles { get; }

    /// <summary>A number that no other image has: the cache knows its tiles by it.</summary>
    public long NextImage() => Interlocked.Increment(ref _lastImage);

    /// <summary>
    /// What a look at two images of a file showed, by what was looked for. Slides are opened again and again where there are more than
    /// handles, and a look costs dozens of tiles.
    /// </summary>
    public bool? Remember(LookKey images, Func<bool?> look)
    {
        if (!_looks.TryGetValue(images, out bool? seen))
            _looks[images] = seen = look();
        return seen;
    }

    /// <summary>Lends a decoder to one thread; after warm-up nothing is made.</summary>
    public TileDecoder RentDecoder()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_idle.TryPop(out TileDecoder? decoder))
                return decoder;
        }
        return new TileDecoder(_jpeg, _watch);
    }

    public void Return(TileDecoder decoder)
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

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        while (_idle.TryPop(out TileDecoder? decoder))
            decoder.Dispose();
        Tiles.BudgetBytes = 0;
    }
}

/// <summary>
/// Two images of a file and what was looked for. Their sizes belong to it: images may share a blank tile, or have no tile at all, and then
/// lie at the same place.
/// </summary>
internal readonly record struct LookKey(string Path, long Bytes, (long Place, int Width, int Height) Smaller,
    (long Place, int Width, int Height) Finer, bool Same);
