using SkiaSharp;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>
/// A PNG to check a slide's tiling by eye, three panels from left to right: the thumbnail; the same with all that is not tissue
/// dimmed; the same with the patches that were taken framed.
/// </summary>
internal static class ContactSheet
{
    /// <summary>Longer side of a panel, px.</summary>
    private const int PanelSide = 640;

    private const int Gap = 8;

    // Skia's default tries every filter on every row and packs at level 6: a third of a second a sheet, most of the time of tiling.
    private static readonly SKPngEncoderOptions Png = new(SKPngEncoderFilterFlags.Sub, 1);

    public static void Write(
        string path, SlideImage thumbnail, TissueMask mask, SlideGrid grid, IReadOnlyList<(int Col, int Row)> patches)
    {
        float zoom = (float)PanelSide / Math.Max(thumbnail.Width, thumbnail.Height);
        int width = Math.Max(1, (int)(thumbnail.Width * zoom)), height = Math.Max(1, (int)(thumbnail.Height * zoom));
        using var sheet = new SKBitmap(new SKImageInfo((3 * width) + (2 * Gap), height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(sheet))
        {
            canvas.Clear(SKColors.Gray);
            using SKImage plain = ImageOf(thumbnail, (_, _) => true), tissue = ImageOf(thumbnail, (x, y) => mask[x, y]);
            var sampling = new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear);
            canvas.DrawImage(plain, SKRect.Create(0, 0, width, height), sampling);
            canvas.DrawImage(tissue, SKRect.Create(width + Gap, 0, width, height), sampling);
            canvas.DrawImage(plain, SKRect.Create(2 * (width + Gap), 0, width, height), sampling);
            DrawGrid(canvas, 2 * (width + Gap), (float)(width / (double)grid.Width), (float)(height / (double)grid.Height), grid, patches);
        }
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using FileStream file = File.Create(path);
        using SKPixmap pixels = sheet.PeekPixels();
        pixels.Encode(file, Png);
    }

    private static void DrawGrid(SKCanvas canvas, float left, float zoomX, float zoomY, SlideGrid grid, IReadOnlyList<(int Col, int Row)> patches)
    {
        using var frame = new SKPaint { Color = new SKColor(0, 110, 60), Style = SKPaintStyle.Stroke, StrokeWidth = 1, IsAntialias = true };
        foreach ((int col, int row) in patches)
        {
            canvas.DrawRect(new SKRect(
                left + ((float)grid.Left(col) * zoomX), (float)grid.Top(row) * zoomY,
                left + ((float)grid.Left(col + 1) * zoomX), (float)grid.Top(row + 1) * zoomY), frame);
        }
    }

    private static SKImage ImageOf(SlideImage image, Func<int, int, bool> bright)
    {
        var rgba = new byte[image.Width * image.Height * 4];
        for (int y = 0, from = 0, to = 0; y < image.Height; y++)
            for (int x = 0; x < image.Width; x++, from += 3, to += 4)
            {
                int shift = bright(x, y) ? 0 : 2;
                rgba[to] = (byte)(image.Rgb[from] >> shift);
                rgba[to + 1] = (byte)(image.Rgb[from + 1] >> shift);
                rgba[to + 2] = (byte)(image.Rgb[from + 2] >> shift);
                rgba[to + 3] = 255;
            }
        return SKImage.FromPixelCopy(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
    }
}
