using SkiaSharp;

namespace SSLP.Tests.Shared;

/// <summary>A folder that goes away with the test, and small images to put into it.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("sslp-test-").FullName;

    public string File(string relative)
    {
        string path = System.IO.Path.Combine(Path, relative);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>A PNG whose pixel (x, y) is (x + seed, y, seed), so that every pixel tells where it came from.</summary>
    public string Png(string relative, int width, int height, int seed = 0) =>
        Image(relative, width, height, seed, SKEncodedImageFormat.Png);

    public string Image(string relative, int width, int height, int seed, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor((byte)(x + seed), (byte)y, (byte)seed));
        string path = File(relative);
        using FileStream stream = System.IO.File.Create(path);
        bitmap.Encode(stream, format, 95);
        return path;
    }

    public string Text(string relative, params string[] lines)
    {
        string path = File(relative);
        System.IO.File.WriteAllLines(path, lines);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, true);
}
