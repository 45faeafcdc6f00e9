using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>The part of SkiaSharp's C interface that decodes an image in memory: sk_types.h, sk_codec.h, sk_data.h.</summary>
internal static unsafe partial class NativeSkia
{
    public const int RGBA_8888_SK_COLORTYPE = 4;
    public const int OPAQUE_SK_ALPHATYPE = 1;
    public const int SUCCESS_SK_CODEC_RESULT = 0;

    private const string Library = NativeLibraries.Skia;

    static NativeSkia() => NativeLibraries.Install();

    [StructLayout(LayoutKind.Sequential)]
    public struct sk_imageinfo_t
    {
        public nint colorspace;
        public int width;
        public int height;
        public int colorType;
        public int alphaType;
    }

    [LibraryImport(Library)]
    public static partial nint sk_data_new_with_copy(void* src, nuint length);

    [LibraryImport(Library)]
    public static partial void sk_data_unref(nint data);

    [LibraryImport(Library)]
    public static partial nint sk_codec_new_from_data(nint data);

    [LibraryImport(Library)]
    public static partial void sk_codec_destroy(nint codec);

    [LibraryImport(Library)]
    public static partial int sk_codec_get_pixels(nint codec, sk_imageinfo_t* info, void* pixels, nuint rowBytes, void* options);
}
