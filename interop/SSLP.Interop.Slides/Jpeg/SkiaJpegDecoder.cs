using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace SSLP.Interop.Slides.Jpeg;

/// <summary>
/// The libjpeg-turbo inside of SkiaSharp's native library, for machines that have none. Same pixels as <see cref="TurboJpegDecoder"/>;
/// slower by the fourth channel and the codec object of each image. It lets damage pass that libjpeg only warns of, so blocks of
/// sequential streams are looked
/// at first, by <see cref="JpegScan"/>; damage inside of progressive and arithmetic streams goes unseen here.
/// Its C interface is called directly, since the managed classes allocate several objects a tile.
/// </summary>
internal sealed unsafe class SkiaJpegDecoder : JpegDecoder
{
    private readonly JpegFrame _frame = new();
    private readonly JpegScan _scan;
    private byte[] _rgba = [];

    public SkiaJpegDecoder() => _scan = new JpegScan(_frame);

    public override string Name => "libjpeg-turbo (SkiaSharp)";

    private protected override string? DecodeWhole(ReadOnlySpan<byte> jpeg, int width, int height, Span<byte> rgb, int stride)
    {
        int scan = _frame.Read(jpeg);
        if (scan >= 0 && _scan.Read(new JpegBits(jpeg, scan), transform: false) is { } fault)
            return fault;
        int rowBytes = width * 4;
        if (_rgba.Length < rowBytes * height)
            _rgba = GC.AllocateUninitializedArray<byte>(rowBytes * height);
        if (!DecodeRgba(jpeg, width, height, rowBytes))
            return "the JPEG stream is damaged";
        for (int row = 0; row < height; row++)
            DropAlpha(_rgba.AsSpan(row * rowBytes, rowBytes), rgb.Slice(row * stride, width * 3));
        return null;
    }

    private bool DecodeRgba(ReadOnlySpan<byte> jpeg, int width, int height, int rowBytes)
    {
        nint data, codec;
        fixed (byte* source = jpeg)
            data = NativeSkia.sk_data_new_with_copy(source, (nuint)jpeg.Length);
        try
        {
            codec = NativeSkia.sk_codec_new_from_data(data);
        }
        finally
        {
            NativeSkia.sk_data_unref(data);
        }
        if (codec == 0)
            return false;
        try
        {
            // Skia refuses a size that is neither the stream's nor one of its scales.
            var info = new NativeSkia.sk_imageinfo_t
            {
                width = width,
                height = height,
                colorType = NativeSkia.RGBA_8888_SK_COLORTYPE,
                alphaType = NativeSkia.OPAQUE_SK_ALPHATYPE,
            };
            fixed (byte* pixels = _rgba)
                return NativeSkia.sk_codec_get_pixels(codec, &info, pixels, (nuint)rowBytes, null) == NativeSkia.SUCCESS_SK_CODEC_RESULT;
        }
        finally
        {
            NativeSkia.sk_codec_destroy(codec);
        }
    }

    private static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        ref byte from = ref MemoryMarshal.GetReference(rgba);
        ref byte to = ref MemoryMarshal.GetReference(rgb);
        var order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
        int pixels = rgba.Length / 4, i = 0;
        // Four pixels a step; the store is 16 bytes for 12, so the last ones go one by one.
        for (; i + 6 <= pixels; i += 4)
            Vector128.Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(i * 4)), order).StoreUnsafe(ref to, (nuint)(i * 3));
        for (; i < pixels; i++)
        {
            Unsafe.Add(ref to, i * 3) = Unsafe.Add(ref from, i * 4);
            Unsafe.Add(ref to, (i * 3) + 1) = Unsafe.Add(ref from, (i * 4) + 1);
            Unsafe.Add(ref to, (i * 3) + 2) = Unsafe.Add(ref from, (i * 4) + 2);
        }
    }
}
