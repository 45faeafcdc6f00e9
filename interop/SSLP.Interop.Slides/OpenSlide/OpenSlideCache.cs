namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>
/// An openslide_cache_t that slides share, made when the first asks for it; nothing where OpenSlide has none (before 4.0).
/// </summary>
internal sealed class OpenSlideCache(long bytes, IReadWatch? watch = null) : IDisposable
{
    private readonly Lock _gate = new();
    private nint _cache;
    private bool _disposed;

    /// <summary>Is told of what its slides read.</summary>
    public IReadWatch? Watch => watch;

    /// <summary>Lets a slide use it. The slide keeps it alive by a reference of its own.</summary>
    public void Serve(OpenSlideHandle slide)
    {
        if (!OpenSlideLibrary.HasCacheControl)
            return;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_cache == 0)
                _cache = NativeOpenSlide.openslide_cache_create((nuint)bytes);
            NativeOpenSlide.openslide_set_cache(slide, _cache);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            if (_cache != 0)
                NativeOpenSlide.openslide_cache_release(_cache);
            _cache = 0;
        }
    }
}
