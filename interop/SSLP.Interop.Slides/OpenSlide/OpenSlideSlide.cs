using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>A slide read by OpenSlide.</summary>
internal sealed unsafe class OpenSlideSlide : Slide
{
    private readonly Lock reopening = new();
    private readonly byte[] background;
    private OpenSlideHandle handle;

    private OpenSlideSlide(string path, string format, OpenSlideHandle handle)
        : base(path, SlideReader.OpenSlide)
    {
        this.handle = handle;
        Format = format;
        Properties = ReadProperties(handle);
        Levels = ReadLevels(handle, Properties);
        Mpp = FindMpp(Properties);
        AssociatedImages = Strings(NativeOpenSlide.openslide_get_associated_image_names(handle));
        background = Properties.TryGetValue("openslide.background-color", out string? hex) && hex.Length == 6
            && uint.TryParse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out _)
            ? Convert.FromHexString(hex)
            : [White, White, White];
    }

    public override string Format { get; }

    public override IReadOnlyList<SlideLevel> Levels { get; }

    public override Mpp? Mpp { get; }

    public override IReadOnlyDictionary<string, string> Properties { get; }

    public override IReadOnlyList<string> AssociatedImages { get; }

    public static OpenSlideSlide OpenFile(string path)
    {
        if (!OpenSlideLibrary.IsAvailable)
            throw new SlideException(path, SlideFault.OpenSlideMissing, $"is not a TIFF pyramid of the kind read without OpenSlide; {OpenSlideLibrary.HowToInstall}");
        string format = Text(NativeOpenSlide.openslide_detect_vendor(path))
            ?? throw new SlideException(path, SlideFault.NotASlide, "is not a slide that OpenSlide knows; check that the file is a whole-slide image and complete");
        var handle = OpenHandle(path);
        try
        {
            return new OpenSlideSlide(path, format, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static OpenSlideHandle OpenHandle(string path)
    {
        var handle = new OpenSlideHandle(NativeOpenSlide.openslide_open(path));
        if (handle.IsInvalid)
            throw new SlideException(path, SlideFault.NotASlide, "is not a slide that OpenSlide knows; check that the file is a whole-slide image and complete");
        if (Text(NativeOpenSlide.openslide_get_error(handle)) is { } error)
        {
            handle.Dispose();
            throw new SlideException(path, SlideFault.Corrupt, $"OpenSlide can't open it ({error}); copy the file again or leave it out");
        }
        OpenSlideLibrary.ShareCache(handle);
        return handle;
    }

    private protected override void ReadInside(int level, long x, long y, int width, int height, Span<byte> rgb, int stride)
    {
        // OpenSlide wants the corner in level-0 pixels. Where the downsample is no whole number the nearest one is up to
        // 0.5 / downsample level pixels off, and OpenSlide interpolates that far.
        double downsample = Levels[level].Downsample;
        long xLevel0 = (long)Math.Round(x * downsample), yLevel0 = (long)Math.Round(y * downsample);
        uint[] argb = ArrayPool<uint>.Shared.Rent(checked(width * height));
        try
        {
            var current = Volatile.Read(ref handle);
            fixed (uint* pixels = argb)
                NativeOpenSlide.openslide_read_region(current, pixels, xLevel0, yLevel0, level, width, height);
            if (Text(NativeOpenSlide.openslide_get_error(current)) is { } error)
            {
                Reopen(current);
                throw new SlideException(Path, SlideFault.TileUnreadable, $"OpenSlide can't read {width} × {height} px at ({x}, {y}) of level {level} ({error})")
                {
                    Tile = new TilePlace(level, -1, -1),
                };
            }
            for (int row = 0; row < height; row++)
                Argb.ToRgb(argb.AsSpan(row * width, width), rgb.Slice(row * stride, width * 3), background);
        }
        finally
        {
            ArrayPool<uint>.Shared.Return(argb);
        }
    }

    public override SlideImage ReadAssociatedImage(string name)
    {
        if (!AssociatedImages.Contains(name))
            throw new ArgumentException($"{Path} has no associated image '{name}'; it has: {string.Join(", ", AssociatedImages)}.", nameof(name));
        var current = Volatile.Read(ref handle);
        NativeOpenSlide.openslide_get_associated_image_dimensions(current, name, out long width, out long height);
        if (width < 1 || height < 1 || width * height > TiffLimits.ImagePixels)
            throw new SlideException(Path, SlideFault.Corrupt, $"its image '{name}' claims {width} × {height} px");
        uint[] argb = new uint[width * height];
        fixed (uint* pixels = argb)
            NativeOpenSlide.openslide_read_associated_image(current, name, pixels);
        if (Text(NativeOpenSlide.openslide_get_error(current)) is { } error)
        {
            Reopen(current);
            throw new SlideException(Path, SlideFault.Corrupt, $"OpenSlide can't read its image '{name}' ({error})");
        }
        byte[] rgb = new byte[argb.Length * 3];
        Argb.ToRgb(argb, rgb, background);
        return new SlideImage((int)width, (int)height, rgb);
    }

    /// <summary>An error sticks to an openslide_t: after one, it reads nothing more. A fresh one lets the other tiles be read.</summary>
    private void Reopen(OpenSlideHandle failed)
    {
        lock (reopening)
        {
            if (handle != failed || failed.IsClosed)
                return;
            handle = OpenHandle(Path);
            failed.Dispose();
        }
    }

    private protected override void Dispose(bool disposing)
    {
        lock (reopening)
            handle.Dispose();
    }

    private static SlideLevel[] ReadLevels(OpenSlideHandle handle, IReadOnlyDictionary<string, string> properties)
    {
        var levels = new SlideLevel[NativeOpenSlide.openslide_get_level_count(handle)];
        for (int level = 0; level < levels.Length; level++)
        {
            NativeOpenSlide.openslide_get_level_dimensions(handle, level, out long width, out long height);
            levels[level] = new SlideLevel(width, height, NativeOpenSlide.openslide_get_level_downsample(handle, level), TileSize("width"), TileSize("height"));

            int TileSize(string axis) =>
                properties.TryGetValue($"openslide.level[{level}].tile-{axis}", out string? text)
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size : 0;
        }
        return levels;
    }

    private static Dictionary<string, string> ReadProperties(OpenSlideHandle handle)
    {
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        for (byte** name = NativeOpenSlide.openslide_get_property_names(handle); name != null && *name != null; name++)
            properties[Text(*name)!] = Text(NativeOpenSlide.openslide_get_property_value(handle, *name)) ?? "";
        return properties;
    }

    private static Mpp? FindMpp(IReadOnlyDictionary<string, string> properties)
    {
        if (Number("openslide.mpp-x") is { } x && Number("openslide.mpp-y") is { } y)
            return Mpp.FromFile(x, y, "openslide.mpp-x");
        // OpenSlide 3.4 leaves the tags of generic TIFF as it finds them.
        properties.TryGetValue("tiff.ResolutionUnit", out string? unit);
        double micrometres = unit switch { "centimeter" => 10_000, "inch" => 25_400, _ => 0 };
        return Number("tiff.XResolution") is { } perUnitX && Number("tiff.YResolution") is { } perUnitY
            ? Mpp.FromFile(micrometres / perUnitX, micrometres / perUnitY, "tiff.ResolutionUnit")
            : null;

        double? Number(string key) =>
            properties.TryGetValue(key, out string? text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : null;
    }

    private static List<string> Strings(byte** list)
    {
        var strings = new List<string>();
        for (; list != null && *list != null; list++)
            strings.Add(Text(*list)!);
        return strings;
    }

    private static string? Text(byte* utf8) => Marshal.PtrToStringUTF8((nint)utf8);
}
