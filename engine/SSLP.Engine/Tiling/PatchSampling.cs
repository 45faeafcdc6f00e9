using System.Buffers;
using SSLP.Interop.Slides;

namespace SSLP.Engine.Tiling;

/// <summary>
/// How patches of one pixel size are read from one slide: the coarsest level that is not coarser than the patch, then either its pixels
/// as they are, or an area mean over them (<see cref="AreaFilter"/>).
/// <para>
/// Pixels are taken as stored where the patch's extent is within one stored pixel of PatchSize (0.4 % at 256 px; 0.499 and 0.5 µm
/// count as one size): resampling by 1.002 would blur by a phase that drifts over the slide. The patch is then centred on its place,
/// rounded once; its corners are off by at most one stored pixel. All other scales are exact.
/// </para>
/// </summary>
internal sealed class PatchSampling
{
    private readonly int _patchSize;
    private readonly int _level;
    private readonly double _downsampleX;
    private readonly double _downsampleY;
    private readonly double _scaleX;
    private readonly double _scaleY;

    /// <param name="slide">An open slide.</param>
    /// <param name="patchSize">Side of a patch, px.</param>
    /// <param name="scaleX">Level-0 pixels per patch pixel across.</param>
    /// <param name="scaleY">Level-0 pixels per patch pixel down.</param>
    public PatchSampling(Slide slide, int patchSize, double scaleX, double scaleY)
    {
        _patchSize = patchSize;
        // A level that is coarser by less than a pixel a patch still holds every detail of it.
        double limit = Math.Min(scaleX, scaleY) * (1 + (1.0 / patchSize));
        for (int level = 0; level < slide.Levels.Count; level++)
            if (slide.Levels[level].Downsample <= limit)
                _level = level;
        (_downsampleX, _downsampleY) = LevelGeometry.Downsample(slide, _level);
        (_scaleX, _scaleY) = (scaleX / _downsampleX, scaleY / _downsampleY);
        TakesStoredPixels = IsStoredSize(_scaleX) && IsStoredSize(_scaleY);
    }

    /// <summary>True where patches are the stored pixels of <see cref="Level"/>.</summary>
    public bool TakesStoredPixels { get; }

    public int Level => _level;

    /// <summary>Reads the patch whose top left corner is at (<paramref name="left"/>, <paramref name="top"/>), level-0 pixels, not rounded.</summary>
    /// <exception cref="SlideException">The slide does not give the region.</exception>
    public void Read(Slide slide, double left, double top, Span<byte> rgb)
    {
        double x = left / _downsampleX, y = top / _downsampleY;
        if (TakesStoredPixels)
        {
            x += _patchSize * (_scaleX - 1) / 2;
            y += _patchSize * (_scaleY - 1) / 2;
            slide.ReadRegion(_level, (long)Math.Round(x), (long)Math.Round(y), _patchSize, _patchSize, rgb);
            return;
        }
        SlideLevel level = slide.Levels[_level];
        (long x0, int width) = SourceSpan(x, _scaleX, level.Width);
        (long y0, int height) = SourceSpan(y, _scaleY, level.Height);
        byte[] region = ArrayPool<byte>.Shared.Rent(width * height * 3);
        try
        {
            slide.ReadRegion(_level, x0, y0, width, height, region);
            AreaFilter.Resample(region.AsSpan(0, width * height * 3), width,
                new(_patchSize, x - x0, _scaleX, width), new(_patchSize, y - y0, _scaleY, height), rgb);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(region);
        }
    }

    /// <summary>
    /// Level pixels that a patch side needs. Interpolation looks one pixel past the patch, but not past the level: there the
    /// last pixel stands in, not the white that reads give beyond the edge.
    /// </summary>
    private (long Start, int Count) SourceSpan(double start, double scale, long levelSize)
    {
        long first = (long)Math.Floor(start), end = (long)Math.Ceiling(start + (_patchSize * scale));
        if (scale < 1 && first > 0)
            first--;
        if (scale < 1 && end < levelSize)
            end++;
        return (first, (int)(end - first));
    }

    private bool IsStoredSize(double scale) => Math.Abs(scale - 1) * _patchSize <= 1;
}

/// <summary>Exact geometry of a level.</summary>
internal static class LevelGeometry
{
    /// <summary>
    /// Level-0 pixels per pixel of a level, across and down. Level sizes are rounded to whole pixels, so width₀/widthₗ is off by up to a
    /// pixel at the far edge: where both sizes are those of a whole ratio, that ratio is meant.
    /// </summary>
    public static (double X, double Y) Downsample(Slide slide, int level)
    {
        SlideLevel full = slide.Levels[0], coarse = slide.Levels[level];
        double whole = Math.Round(coarse.Downsample);
        bool isWhole = Math.Abs((full.Width / whole) - coarse.Width) < 1 && Math.Abs((full.Height / whole) - coarse.Height) < 1;
        return isWhole ? (whole, whole) : ((double)full.Width / coarse.Width, (double)full.Height / coarse.Height);
    }
}
