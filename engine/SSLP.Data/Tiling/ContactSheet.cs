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

    /// <summary>Thumbnails are not blown up further: of a slide of some millimetres there is no more to see.</summary>
    private const float MostZoom = 10;

    private const int Gap = 8;

    // Skia's default tries every filter on every row and packs at level 6, in five times the time and to no fewer bytes.
    private static readonly SKPngEncoderOptions Png = new(SKPngEncoderFilterFlags.Sub, 3);

    public static void Write(
        string path, SlideImage thumbnail, TissueMask mask, SlideGrid grid, IReadOnlyList<(int Col, int Row)> patches)
    {
        float zoom = Math.Min(MostZoom, (float)PanelSide / Math.Max(thumbnail.Width, thumbnail.Height));
        int width = Math.Max(1, (int)(thumbnail.Width * zoom)), height = Math.Max(1, (int)(thumbnail.Height * zoom));
        byte[] panel = Shrink(thumbnail, width, height);
        using var sheet = new SKBitmap(new SKImageInfo((3 * width) + (2 * Gap), height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        sheet.Erase(SKColors.Gray);
        Span<byte> pixels = sheet.GetPixelSpan();
        for (int y = 0; y < height; y++)
            for (int number = 0; number < 3; number++)
                for (int x = 0; x < width; x++)
                {
                    bool bright = number != 1 || mask[x * thumbnail.Width / width, y * thumbnail.Height / height];
                    Span<byte> to = pixels.Slice((y * sheet.RowBytes) + (((number * (width + Gap)) + x) * 4), 3);
                    for (int band = 0; band < 3; band++)
                        to[band] = (byte)(panel[(((y * width) + x) * 3) + band] >> (bright ? 0 : 2));
                }
        using (var canvas = new SKCanvas(sheet))
            DrawGrid(canvas, 2 * (width + Gap), (float)(width / (double)grid.Width), (float)(height / (double)grid.Height), grid, patches);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using FileStream file = File.Create(path);
        using SKPixmap packed = sheet.PeekPixels();
        packed.Encode(file, Png);
    }

    private static void DrawGrid(SKCanvas canvas, float left, float zoomX, float zoomY, SlideGrid grid,
        IReadOnlyList<(int Col, int Row)> patches)
    {
        using var frame = new SKPaint { Color = new SKColor(0, 110, 60), Style = SKPaintStyle.Stroke, StrokeWidth = 1, IsAntialias = true };
        foreach ((int col, int row) in patches)
        {
            canvas.DrawRect(new SKRect(
                left + ((float)grid.Left(col) * zoomX), (float)grid.Top(row) * zoomY,
                left + ((float)grid.Left(col + 1) * zoomX), (float)grid.Top(row + 1) * zoomY), frame);
        }
    }

    // By our own filter: Skia's takes a tenth of a second for a panel, and there may be thousands of sheets.
    private static byte[] Shrink(SlideImage image, int width, int height)
    {
        byte[] rgb = new byte[width * height * 3];
        var x = new AreaAxis(width, 0, (double)image.Width / width, image.Width);
        AreaFilter.Resample(image.Rgb, image.Width, x, new(height, 0, (double)image.Height / height, image.Height), rgb);
        return rgb;
    }
}
