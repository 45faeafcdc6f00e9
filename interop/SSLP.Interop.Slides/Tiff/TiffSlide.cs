namespace SSLP.Interop.Slides.Tiff;

/// <summary>A slide that is a TIFF: a pyramid of no vendor, Aperio SVS, Philips TIFF, OME-TIFF. Read without OpenSlide.</summary>
internal sealed class TiffSlide : Slide
{
    private readonly TiffFile _file;
    private readonly TiledImage[] _images;
    private readonly IReadOnlyDictionary<string, Func<SlideImage>> _associated;

    private TiffSlide(TiffFile file, TiffLayout layout)
        : base(file.Path, SlideReader.Embedded)
    {
        _file = file;
        _images = [.. layout.Levels.Select(level => level.Image)];
        _associated = layout.Associated;
        Format = layout.Format;
        PixelSize = layout.Sizes.Result();
        Notes = [.. layout.Notes, .. PixelSize.Notes];
        Properties = layout.Properties;
        AssociatedImages = [.. _associated.Keys];
        Levels = [.. layout.Levels.Select(
            level => new SlideLevel(level.Width, level.Height, level.Downsample, level.Image.TileWidth, level.Image.TileHeight))];
    }

    /// <summary>For the probe of benches.</summary>
    internal TiffFile File => _file;

    public override string Format { get; }

    public override IReadOnlyList<SlideLevel> Levels { get; }

    public override PixelSize PixelSize { get; }

    public override IReadOnlyList<string> Notes { get; }

    public override IReadOnlyDictionary<string, string> Properties { get; }

    public override IReadOnlyList<string> AssociatedImages { get; }

    internal TiledImage Image(int level) => _images[level];

    public static TiffSlide OpenFile(string path, TiffSharing sharing)
    {
        var file = new TiffFile(path, sharing);
        try
        {
            return new TiffSlide(file, TiffLayout.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether an image of the file claims tiles that nobody could hold in memory. Files that are read here never do; those that are left
    /// to others have to be asked.
    /// </summary>
    public static bool ClaimsTooMuch(string path, TiffSharing sharing)
    {
        using var file = new TiffFile(path, sharing);
        return TiffDirectory.ReadAll(file, out _).Exists(directory =>
            (directory.Number(TiffTag.TileWidth) ?? 0) * (directory.Number(TiffTag.TileLength) ?? 0) > 4 * TiffLimits.TilePixels
            || (directory.Number(TiffTag.SamplesPerPixel) ?? 1) > TiffLimits.Samples);
    }

    public override SlideImage ReadAssociatedImage(string name)
    {
        if (!_associated.TryGetValue(name, out Func<SlideImage>? image))
            throw new ArgumentException($"{Path} has no associated image '{name}'; it has: {string.Join(", ", AssociatedImages)}.",
                nameof(name));
        return image();
    }

    /// <inheritdoc/>
    public override TileCheck VerifyTiles(bool deep, CancellationToken cancellation = default)
    {
        var tally = new TileCheck.Tally(deep);
        foreach (TiledImage image in _images)
            TileVerifier.Verify(_file, image, deep, tally, cancellation);
        return tally.Result();
    }

    private protected override void ReadInside(int level, long x, long y, int width, int height, Span<byte> rgb, int stride) =>
        new TileRegion(_file, _images[level], 1).Read((int)x, (int)y, width, height, rgb, stride);

    private protected override void ReadInsideReduced(int level, int factor, long x, long y, int width, int height,
        Span<byte> rgb, int stride)
    {
        if (factor <= FactorByDecoder(level))
            new TileRegion(_file, _images[level], factor).Read((int)x, (int)y, width, height, rgb, stride);
        else
            base.ReadInsideReduced(level, factor, x, y, width, height, rgb, stride);
    }

    /// <inheritdoc/>
    public override int FactorByDecoder(int level) => _images[level].CanHalve ? 2 : StoredFactor(level);

    /// <inheritdoc/>
    public override int StoredFactor(int level) => _images[level].StoredFactor(_file);

    private protected override void Dispose(bool disposing) => _file.Dispose();
}
