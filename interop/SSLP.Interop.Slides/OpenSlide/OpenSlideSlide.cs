using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using SSLP.Interop.Slides.Tiff;

namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>A slide read by OpenSlide.</summary>
internal sealed unsafe class OpenSlideSlide : Slide
{
    private readonly Lock _reopening = new();
    private readonly byte[] _background;
    private readonly string _file;
    private readonly OpenSlideCache _cache;
    private OpenSlideHandle _handle;

    private OpenSlideSlide(string file, string named, string format, OpenSlideCache cache, OpenSlideHandle handle)
        : base(named, SlideReader.OpenSlide)
    {
        (_file, _cache, _handle) = (file, cache, handle);
        Format = format;
        Properties = ReadProperties(handle);
        Levels = ReadLevels(handle, Properties);
        PixelSize = OpenSlidePixelSize.Find(Properties);
        AssociatedImages = Strings(NativeOpenSlide.openslide_get_associated_image_names(handle));
        _background = Properties.TryGetValue("openslide.background-color", out string? hex) && hex.Length == 6
            && uint.TryParse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out _)
            ? Convert.FromHexString(hex)
            : [White, White, White];
    }

    public override string Format { get; }

    public override IReadOnlyList<SlideLevel> Levels { get; }

    public override PixelSize PixelSize { get; }

    public override IReadOnlyList<string> Notes => PixelSize.Notes;

    public override IReadOnlyDictionary<string, string> Properties { get; }

    public override IReadOnlyList<string> AssociatedImages { get; }

    /// <param name="file">The file that OpenSlide gets.</param>
    /// <param name="named">What the caller named, where that is its folder.</param>
    public static OpenSlideSlide OpenFile(string file, OpenSlideCache cache, string? named = null)
    {
        named ??= file;
        if (!OpenSlideLibrary.IsAvailable)
            throw new SlideException(named, SlideFault.OpenSlideMissing,
                $"is not a TIFF pyramid of the kind read without OpenSlide; {OpenSlideLibrary.HowToInstall}");
        string format = Text(NativeOpenSlide.openslide_detect_vendor(file))
            ?? throw new SlideException(named, SlideFault.NotASlide,
                "is not a slide that OpenSlide knows; check that the file is a whole-slide image and complete");
        OpenSlideHandle handle = OpenHandle(file, named, cache);
        try
        {
            return new OpenSlideSlide(file, named, format, cache, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static OpenSlideHandle OpenHandle(string file, string named, OpenSlideCache cache)
    {
        var handle = new OpenSlideHandle(NativeOpenSlide.openslide_open(file));
        if (handle.IsInvalid)
            throw new SlideException(named, SlideFault.NotASlide,
                "is not a slide that OpenSlide knows; check that the file is a whole-slide image and complete");
        if (Text(NativeOpenSlide.openslide_get_error(handle)) is { } error)
        {
            handle.Dispose();
            throw new SlideException(named, SlideFault.Corrupt, $"OpenSlide can't open it ({error}); copy the file again or leave it out");
        }
        cache.Serve(handle);
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
            using var decoding = new ReadRange(_cache.Watch, ReadStage.Decode, (long)width * height * 3);
            string? error;
            using (var lease = new Lease(this))
            {
                error = ReadFrom(lease.Handle);
                if (error is not null)
                    Reopen(lease.Handle);
            }
            if (error is not null)
            {
                // It may be the error of another thread's region: one that nobody else reads from tells.
                using OpenSlideHandle own = OpenHandle(_file, Path, _cache);
                error = ReadFrom(own);
            }
            if (error is not null)
            {
                throw new SlideException(Path, SlideFault.TileUnreadable,
                    $"OpenSlide can't read {width} × {height} px at ({x}, {y}) of level {level} ({error})")
                {
                    Tile = new TilePlace(level, -1, -1),
                };
            }
            for (int row = 0; row < height; row++)
                Argb.ToRgb(argb.AsSpan(row * width, width), rgb.Slice(row * stride, width * 3), _background);
        }
        finally
        {
            ArrayPool<uint>.Shared.Return(argb);
        }

        string? ReadFrom(OpenSlideHandle handle)
        {
            fixed (uint* pixels = argb)
                NativeOpenSlide.openslide_read_region(handle, pixels, xLevel0, yLevel0, level, width, height);
            return Text(NativeOpenSlide.openslide_get_error(handle));
        }
    }

    public override SlideImage ReadAssociatedImage(string name)
    {
        if (!AssociatedImages.Contains(name))
            throw new ArgumentException($"{Path} has no associated image '{name}'; it has: {string.Join(", ", AssociatedImages)}.",
                nameof(name));
        using var lease = new Lease(this);
        OpenSlideHandle current = lease.Handle;
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
        Argb.ToRgb(argb, rgb, _background);
        return new SlideImage((int)width, (int)height, rgb);
    }

    /// <summary>An error sticks to an openslide_t: after one, it reads nothing more. A fresh one lets the other tiles be read.</summary>
    private void Reopen(OpenSlideHandle failed)
    {
        lock (_reopening)
        {
            if (_handle != failed || failed.IsClosed)
                return;
            _handle = OpenHandle(_file, Path, _cache);
            failed.Dispose();
        }
    }

    private protected override void Dispose(bool disposing)
    {
        lock (_reopening)
            _handle.Dispose();
    }

    /// <summary>The handle that is in use, kept open until this is disposed, though another thread opens the file anew meanwhile.</summary>
    private readonly ref struct Lease : IDisposable
    {
        public Lease(OpenSlideSlide slide)
        {
            lock (slide._reopening)
            {
                Handle = slide._handle;
                bool added = false;
                Handle.DangerousAddRef(ref added);
            }
        }

        public OpenSlideHandle Handle { get; }

        public void Dispose() => Handle.DangerousRelease();
    }

    private static SlideLevel[] ReadLevels(OpenSlideHandle handle, IReadOnlyDictionary<string, string> properties)
    {
        var levels = new SlideLevel[NativeOpenSlide.openslide_get_level_count(handle)];
        for (int level = 0; level < levels.Length; level++)
        {
            NativeOpenSlide.openslide_get_level_dimensions(handle, level, out long width, out long height);
            levels[level] = new SlideLevel(width, height, NativeOpenSlide.openslide_get_level_downsample(handle, level),
                TileSize("width"), TileSize("height"));

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

    private static List<string> Strings(byte** list)
    {
        var strings = new List<string>();
        for (; list != null && *list != null; list++)
            strings.Add(Text(*list)!);
        return strings;
    }

    private static string? Text(byte* utf8) => Marshal.PtrToStringUTF8((nint)utf8);
}
