using System.Buffers;
using BitMiracle.LibTiff.Classic;
using SSLP.Data.Files;
using SkiaSharp;

namespace SSLP.Data.Patches;

/// <summary>
/// Small image files to RGB bytes: PNG, JPEG, BMP and WebP by Skia, TIFF by LibTiff. Pixel values are those stored: colour
/// profiles are not applied and alpha is dropped, as a training script in any framework does.
/// </summary>
internal static class PatchImage
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"];

    public static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Width and height, from the header alone.</summary>
    /// <exception cref="Fault">Not an image that can be read here.</exception>
    public static (int Width, int Height) ReadSize(string path)
    {
        if (IsTiff(path))
        {
            using Tiff tiff = OpenTiff(path);
            return TiffSize(tiff);
        }
        using SKCodec codec = OpenCodec(path);
        return (codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Decodes into <paramref name="rgb"/>, width × height × 3 bytes, row by row, R G B.</summary>
    /// <exception cref="Fault">It does not decode whole, or has another size than the caller expects.</exception>
    public static void Decode(string path, int width, int height, Span<byte> rgb)
    {
        if (IsTiff(path))
            DecodeTiff(path, width, height, rgb);
        else
            DecodeSkia(path, width, height, rgb);
    }

    private static bool IsTiff(string path) => Path.GetExtension(path.AsSpan()).StartsWith(".tif", StringComparison.OrdinalIgnoreCase);

    private static SKCodec OpenCodec(string path)
    {
        using SKStreamAsset stream = SKFileStream.OpenStream(path) ?? throw new Fault(FaultKind.Data, "the file cannot be opened");
        return SKCodec.Create(stream, out SKCodecResult result) ?? throw new Fault(FaultKind.Data, $"not a readable image ({result})");
    }

    private static unsafe void DecodeSkia(string path, int width, int height, Span<byte> rgb)
    {
        using SKCodec codec = OpenCodec(path);
        CheckSize((codec.Info.Width, codec.Info.Height), width, height);
        byte[] rgba = ArrayPool<byte>.Shared.Rent(width * height * 4);
        try
        {
            SKCodecResult result;
            fixed (byte* pixels = rgba)
                result = codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul), (nint)pixels);
            if (result != SKCodecResult.Success)
                throw new Fault(FaultKind.Data, $"the image does not decode whole ({result})");
            DropAlpha(rgba, rgb);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rgba);
        }
    }

    private static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        for (int from = 0, to = 0; to < rgb.Length; from += 4, to += 3)
        {
            rgb[to] = rgba[from];
            rgb[to + 1] = rgba[from + 1];
            rgb[to + 2] = rgba[from + 2];
        }
    }

    private static Tiff OpenTiff(string path) => Tiff.Open(path, "r") ?? throw new Fault(FaultKind.Data, "not a readable TIFF");

    private static (int Width, int Height) TiffSize(Tiff tiff)
    {
        FieldValue[]? width = tiff.GetField(TiffTag.IMAGEWIDTH);
        FieldValue[]? height = tiff.GetField(TiffTag.IMAGELENGTH);
        return width is null || height is null
            ? throw new Fault(FaultKind.Data, "the TIFF does not say its size")
            : (width[0].ToInt(), height[0].ToInt());
    }

    private static void DecodeTiff(string path, int width, int height, Span<byte> rgb)
    {
        using Tiff tiff = OpenTiff(path);
        CheckSize(TiffSize(tiff), width, height);
        var abgr = new int[width * height];
        if (!tiff.ReadRGBAImageOriented(width, height, abgr, Orientation.TOPLEFT, true))
            throw new Fault(FaultKind.Data, "the TIFF does not decode");
        for (int i = 0, to = 0; i < abgr.Length; i++, to += 3)
        {
            rgb[to] = (byte)Tiff.GetR(abgr[i]);
            rgb[to + 1] = (byte)Tiff.GetG(abgr[i]);
            rgb[to + 2] = (byte)Tiff.GetB(abgr[i]);
        }
    }

    private static void CheckSize((int Width, int Height) actual, int width, int height)
    {
        if (actual != (width, height))
            throw new Fault(FaultKind.Data, $"the image is {actual.Width} × {actual.Height} px, not {width} × {height}");
    }
}
