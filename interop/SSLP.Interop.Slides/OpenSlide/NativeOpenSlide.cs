using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.OpenSlide;

/// <summary>openslide.h, in its order. Strings come back as pointers that OpenSlide owns.</summary>
internal static unsafe partial class NativeOpenSlide
{
    private const string Library = NativeLibraries.OpenSlide;

    static NativeOpenSlide() => NativeLibraries.Install();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* openslide_detect_vendor(string filename);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint openslide_open(string filename);

    [LibraryImport(Library)]
    public static partial int openslide_get_level_count(OpenSlideHandle osr);

    [LibraryImport(Library)]
    public static partial void openslide_get_level_dimensions(OpenSlideHandle osr, int level, out long w, out long h);

    [LibraryImport(Library)]
    public static partial double openslide_get_level_downsample(OpenSlideHandle osr, int level);

    [LibraryImport(Library)]
    public static partial void openslide_read_region(OpenSlideHandle osr, uint* dest, long x, long y, int level, long w, long h);

    [LibraryImport(Library)]
    public static partial void openslide_close(nint osr);

    [LibraryImport(Library)]
    public static partial byte* openslide_get_error(OpenSlideHandle osr);

    [LibraryImport(Library)]
    public static partial byte** openslide_get_property_names(OpenSlideHandle osr);

    [LibraryImport(Library)]
    public static partial byte* openslide_get_property_value(OpenSlideHandle osr, byte* name);

    [LibraryImport(Library)]
    public static partial byte** openslide_get_associated_image_names(OpenSlideHandle osr);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void openslide_get_associated_image_dimensions(OpenSlideHandle osr, string name, out long w, out long h);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void openslide_read_associated_image(OpenSlideHandle osr, string name, uint* dest);

    // 4.0 and later.
    [LibraryImport(Library)]
    public static partial nint openslide_cache_create(nuint capacity);

    [LibraryImport(Library)]
    public static partial void openslide_set_cache(OpenSlideHandle osr, nint cache);

    [LibraryImport(Library)]
    public static partial void openslide_cache_release(nint cache);

    [LibraryImport(Library)]
    public static partial byte* openslide_get_version();
}
