using System.Buffers;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;

namespace SSLP.Data.Patches;

/// <summary>
/// How patches of one pixel size are read from one slide: the coarsest level that is not coarser than the patch, then either its pixels
/// as they are, or an area mean over them (<see cref="AreaFilter"/>).
/// <para>
/// Pixels are taken as stored where the patch's extent is within one stored pixel of PatchSize (0.4 % at 256 px; 0.499 and 0.5 µm
/// count as one size): resampling by 1.002 would blur by a phase that drifts over the slide. The patch is then centred on its place,
/// rounded once; its corners are off by at most one stored pixel. The same where the extent is twice that, as at 0.5 µm from a
/// slide of 0.25 µm with no level between: then the level is read at half its resolution (<see cref="Slide.ReadReduced"/>, which says
/// how that differs from the mean of 2 × 2 pixels). JPEG 2000 stores reduced resolutions itself: patches of at least twice a stored pixel begin from
/// the one that leaves the mean a factor of 1 to 4 to take, whose nearness to the mean of all pixels <see cref="Slide.ReadReduced"/> states. All other scales
/// are exact.
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
    private readonly int _factor;

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
        bool twice = IsStoredSize(_scaleX / 2) && IsStoredSize(_scaleY / 2);
        _factor = twice ? 2 : StoredFactor(slide.StoredFactor(_level), Math.Min(_scaleX, _scaleY));
        (_downsampleX, _downsampleY, _scaleX, _scaleY) = (_downsampleX * _factor, _downsampleY * _factor, _scaleX / _factor, _scaleY / _factor);
        TakesStoredPixels = IsStoredSize(_scaleX) && IsStoredSize(_scaleY);
    }

    /// <summary>True where patches are the pixels of <see cref="Level"/>, as stored or reduced.</summary>
    public bool TakesStoredPixels { get; }

    public int Level => _level;

    /// <summary>Reads the patch whose top left corner is at (<paramref name="leftLevel0"/>, <paramref name="topLevel0"/>), level-0 pixels, not rounded.</summary>
    /// <exception cref="SlideException">The slide does not give the region.</exception>
    public void Read(Slide slide, double leftLevel0, double topLevel0, Span<byte> rgb)
    {
        double x = leftLevel0 / _downsampleX, y = topLevel0 / _downsampleY;
        if (TakesStoredPixels)
        {
            long left = Stored(x, _scaleX, slide.Levels[_level].Width / _factor), top = Stored(y, _scaleY, slide.Levels[_level].Height / _factor);
            slide.ReadReduced(_level, _factor, left, top, _patchSize, _patchSize, rgb, _patchSize * 3);
            return;
        }
        SlideLevel level = slide.Levels[_level];
        (long x0, int width) = SourceSpan(x, _scaleX, level.Width / _factor);
        (long y0, int height) = SourceSpan(y, _scaleY, level.Height / _factor);
        byte[] region = ArrayPool<byte>.Shared.Rent(width * height * 3);
        try
        {
            slide.ReadReduced(_level, _factor, x0, y0, width, height, region, width * 3);
            AreaFilter.Resample(region.AsSpan(0, width * height * 3), width,
                new(_patchSize, x - x0, _scaleX, width), new(_patchSize, y - y0, _scaleY, height), rgb);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(region);
        }
    }

    /// <summary>First stored pixel of a patch side, its middle at the patch's. A level's own size is rounded down: at its edge one pixel less.</summary>
    private long Stored(double start, double scale, long levelSize)
    {
        long first = (long)Math.Round(start + (_patchSize * (scale - 1) / 2));
        return first + _patchSize == levelSize + 1 ? first - 1 : first;
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
        if (end == levelSize + 1)
            end--;
        return (first, (int)(end - first));
    }

    /// <summary>
    /// From 2 on the half, and from 8 on smaller ones: a stored resolution is sharper than a mean, and more so the smaller it is, so that a mean of 2 × 2 of its
    /// pixels or more is nearer to what all pixels give.
    /// </summary>
    private static int StoredFactor(int stored, double scale)
    {
        int factor = scale >= 2 ? 2 : 1;
        while (factor > 1 && factor * 4 <= scale)
            factor *= 2;
        return Math.Min(factor, stored);
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
