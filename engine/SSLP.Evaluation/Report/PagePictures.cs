using SkiaSharp;
using SSLP.Data.Patches;

namespace SSLP.Evaluation.Report;

/// <summary>Pixels → pictures within the page.</summary>
internal static class PagePictures
{
    /// <summary>A patch as a small JPEG, or null where it does not read.</summary>
    public static string? Patch(IPatchSource source, int patch, int side)
    {
        using SKBitmap? bitmap = Read(source, patch);
        if (bitmap is null)
            return null;
        using SKBitmap scaled = bitmap.Resize(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque),
            Sampling(source.PatchSize, side));
        return Encode(scaled, SKEncodedImageFormat.Jpeg, 88);
    }

    /// <summary>A patch as a bitmap, or null where it does not read.</summary>
    public static SKBitmap? Read(IPatchSource source, int patch)
    {
        byte[] rgb = new byte[source.PatchSize * source.PatchSize * 3];
        try
        {
            source.Read(patch, rgb);
        }
        catch (PatchReadException)
        {
            return null;
        }

        return FromRgb(rgb, source.PatchSize, source.PatchSize);
    }

    /// <summary>width × height × 3 bytes as a PNG that the browser enlarges without blurring.</summary>
    public static string Pixels(byte[] rgb, int width, int height)
    {
        using SKBitmap bitmap = FromRgb(rgb, width, height);
        return Encode(bitmap, SKEncodedImageFormat.Png, 100);
    }

    /// <summary>An image file, made smaller where it is wider than <paramref name="mostWidth"/>; null where it does not decode.</summary>
    public static string? File(string path, int mostWidth)
    {
        using var whole = SKBitmap.Decode(path);
        if (whole is null)
            return null;
        if (whole.Width <= mostWidth)
            return Encode(whole, SKEncodedImageFormat.Jpeg, 88);
        int height = Math.Max(1, (int)((long)whole.Height * mostWidth / whole.Width));
        using SKBitmap scaled = whole.Resize(new SKImageInfo(mostWidth, height), Sampling(whole.Width, mostWidth));
        return Encode(scaled, SKEncodedImageFormat.Jpeg, 88);
    }

    /// <summary>Averages when a picture shrinks, keeps its pixels square when it grows a lot.</summary>
    public static SKSamplingOptions Sampling(int from, int to) => to < from
        ? new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear)
        : new SKSamplingOptions(SKCubicResampler.Mitchell);

    public static string Encode(SKBitmap bitmap, SKEncodedImageFormat format, int quality)
    {
        using SKData data = bitmap.Encode(format, quality);
        return Html.DataUri(format == SKEncodedImageFormat.Png ? "image/png" : "image/jpeg", data.AsSpan());
    }

    private static unsafe SKBitmap FromRgb(ReadOnlySpan<byte> rgb, int width, int height)
    {
        SKBitmap bitmap = new(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> rgba = new((void*)bitmap.GetPixels(), width * height * 4);
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            rgb.Slice(from, 3).CopyTo(rgba[to..]);
            rgba[to + 3] = 255;
        }

        return bitmap;
    }
}
