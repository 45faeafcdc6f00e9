using System.Buffers;
using SkiaSharp;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Small image files to RGB bytes: PNG, JPEG, BMP and WebP by Skia, TIFF by <see cref="PatchTiff"/>. Pixel values are those stored: colour
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
            return PatchTiff.ReadSize(path);
        using SKCodec codec = OpenCodec(path);
        return (codec.Info.Width, codec.Info.Height);
    }

    /// <summary>Decodes into <paramref name="rgb"/>, width × height × 3 bytes, row by row, R G B.</summary>
    /// <exception cref="Fault">It does not decode whole, or has another size than the caller expects.</exception>
    public static void Decode(string path, int width, int height, Span<byte> rgb)
    {
        if (IsTiff(path))
            PatchTiff.Decode(path, width, height, rgb);
        else
            DecodeSkia(path, width, height, rgb);
    }

    /// <summary>By its first bytes: a name says little, and programs write TIFF under any.</summary>
    private static bool IsTiff(string path)
    {
        Span<byte> head = stackalloc byte[4];
        using FileStream file = File.OpenRead(path);
        return file.ReadAtLeast(head, 4, throwOnEndOfStream: false) == 4
            && (head[..2].SequenceEqual("II"u8) && head[2] is 42 or 43 || head[..2].SequenceEqual("MM"u8) && head[3] is 42 or 43);
    }

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

    internal static void CheckSize((int Width, int Height) actual, int width, int height)
    {
        if (actual != (width, height))
            throw new Fault(FaultKind.Data, $"the image is {actual.Width} × {actual.Height} px, not {width} × {height}");
    }
}
