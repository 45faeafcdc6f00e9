namespace SSLP.Interop.Slides.Tiff;

/// <summary>A tiled TIFF pyramid or Aperio SVS, read without OpenSlide.</summary>
internal sealed class TiffSlide : Slide
{
    private readonly TiffFile file;
    private readonly TiledImage[] images;
    private readonly IReadOnlyDictionary<string, TiledImage> associated;

    private TiffSlide(TiffFile file, TiffLayout layout)
        : base(file.Path, SlideReader.Embedded)
    {
        this.file = file;
        images = [.. layout.Levels];
        associated = layout.Associated;
        Format = layout.Format;
        Mpp = layout.Mpp;
        Properties = layout.Properties;
        AssociatedImages = [.. associated.Keys];
        Levels = [.. images.Select(image => new SlideLevel(image.Width, image.Height, Downsample(image), image.TileWidth, image.TileHeight))];
    }

    public override string Format { get; }

    public override IReadOnlyList<SlideLevel> Levels { get; }

    public override Mpp? Mpp { get; }

    public override IReadOnlyDictionary<string, string> Properties { get; }

    public override IReadOnlyList<string> AssociatedImages { get; }

    public static TiffSlide OpenFile(string path)
    {
        var file = new TiffFile(path);
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

    public override SlideImage ReadAssociatedImage(string name)
    {
        if (!associated.TryGetValue(name, out var image))
            throw new ArgumentException($"{Path} has no associated image '{name}'; it has: {string.Join(", ", AssociatedImages)}.", nameof(name));
        byte[] rgb = new byte[(long)image.Width * image.Height * 3];
        TileRegion.Read(file, image, 0, 0, image.Width, image.Height, rgb, image.Width * 3);
        return new SlideImage(image.Width, image.Height, rgb);
    }

    private protected override void ReadInside(int level, long x, long y, int width, int height, Span<byte> rgb, int stride) =>
        TileRegion.Read(file, images[level], (int)x, (int)y, width, height, rgb, stride);

    private protected override void Dispose(bool disposing) => file.Dispose();

    private double Downsample(TiledImage image) =>
        (((double)images[0].Width / image.Width) + ((double)images[0].Height / image.Height)) / 2;
}
