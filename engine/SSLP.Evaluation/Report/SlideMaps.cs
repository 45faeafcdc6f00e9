using System.Text;
using SkiaSharp;
using SSLP.Data.Patches;
using SSLP.Engine.Statistics;
using SSLP.Evaluation.Features;

namespace SSLP.Evaluation.Report;

/// <summary>
/// A slide as the encoder sees it: every patch at its grid place, in a colour whose red, green and blue are the first three principal
/// components of all features. Beside it the tissue itself and, where there are any, the classes.
/// </summary>
internal static class SlideMaps
{
    private const int WidestPx = 340;

    /// <param name="features">Features with coordinates.</param>
    /// <param name="source">Pixels of the same patches.</param>
    /// <param name="slides">How many slides to draw: those with the most patches.</param>
    public static string Draw(FeatureTable features, IPatchSource source, int slides)
    {
        PatchTable table = features.Patches;
        byte[] colours = Colours(features);
        StringBuilder html = new();
        IEnumerable<IGrouping<int, int>> largest = Enumerable.Range(0, table.Count)
            .GroupBy(patch => table.SlideOf[patch]).OrderByDescending(group => group.Count())
            .Take(slides);
        foreach (IGrouping<int, int> slide in largest)
        {
            int[] patches = [.. slide];
            var grid = Grid.Around(table, patches);
            html.Append($"<div class=\"maps\"><h3>{Html.Escape(table.Slides[slide.Key])}<span class=\"note\"> {patches.Length} " +
                $"patches</span></h3>");
            Figure(html, "tissue", Mosaic(source, patches, grid), grid);
            Figure(html, "features (PCA → RGB)",
                Paint(patches, grid, patch => (colours[3 * patch], colours[3 * patch + 1], colours[3 * patch + 2])), grid);
            if (table.Classes is not null)
                Figure(html, Classes(table.Classes),
                    Paint(patches, grid, patch => table.LabelOf[patch] == PatchTable.None ? ((byte)225, (byte)225, (byte)225)
                        : Palette.Rgb(table.LabelOf[patch])), grid);
            html.Append("</div>");
        }

        return html.ToString();
    }

    /// <summary>N × 3 bytes: the first three components, each stretched between its 2nd and 98th percentile.</summary>
    internal static byte[] Colours(FeatureTable features)
    {
        int components = Math.Min(3, features.Width);
        float[] projected = PrincipalComponents.Of(features.Values, features.Width).Project(features.Values, components);
        byte[] colours = new byte[3 * features.Count];
        for (int c = 0; c < components; c++)
        {
            float[] sorted = [.. Enumerable.Range(0, features.Count).Select(i => projected[i * components + c]).Order()];
            float low = sorted[(int)(0.02 * (sorted.Length - 1))], high = sorted[(int)(0.98 * (sorted.Length - 1))];
            for (int i = 0; i < features.Count; i++)
            {
                float share = high > low ? (projected[i * components + c] - low) / (high - low) : 0.5f;
                // Within 30..225: black and white stay free for the page.
                colours[3 * i + c] = (byte)(30 + 195 * Math.Clamp(share, 0, 1));
            }
        }

        return colours;
    }

    private static void Figure(StringBuilder html, string caption, string uri, Grid grid) => html.Append(
        $"<figure><img class=\"pixels\" src=\"{uri}\" width=\"{grid.WidthPx}\" height=\"{grid.HeightPx}\" " +
        $"alt=\"\"><figcaption>{caption}</figcaption></figure>");

    private static string Classes(IReadOnlyList<string> names) => names.Count > 8
        ? "classes"
        : "classes" + string.Concat(names.Select((name, i) => $" <b style=\"color:{Palette.Line(i)}\">{Html.Escape(name)}</b>"));

    private static string Paint(int[] patches, Grid grid, Func<int, (byte R, byte G, byte B)> colour)
    {
        byte[] rgb = new byte[grid.Cols * grid.Rows * 3];
        Array.Fill(rgb, (byte)255);
        foreach (int patch in patches)
        {
            int at = 3 * grid.CellOf(patch);
            (rgb[at], rgb[at + 1], rgb[at + 2]) = colour(patch);
        }

        return PagePictures.Pixels(rgb, grid.Cols, grid.Rows);
    }

    private static string Mosaic(IPatchSource source, int[] patches, Grid grid)
    {
        using SKBitmap canvasPixels = new(new SKImageInfo(grid.WidthPx, grid.HeightPx));
        using SKCanvas canvas = new(canvasPixels);
        canvas.Clear(SKColors.White);
        foreach (int patch in patches)
        {
            using SKBitmap? bitmap = PagePictures.Read(source, patch);
            if (bitmap is null)
                continue;
            int cell = grid.CellOf(patch);
            using var image = SKImage.FromBitmap(bitmap);
            canvas.DrawImage(
                image, SKRect.Create(cell % grid.Cols * grid.CellPx, cell / grid.Cols * grid.CellPx, grid.CellPx, grid.CellPx),
                PagePictures.Sampling(source.PatchSize, grid.CellPx));
        }

        canvas.Flush();
        return PagePictures.Encode(canvasPixels, SKEncodedImageFormat.Jpeg, 88);
    }

    /// <summary>The smallest grid around a slide's patches, and how large a cell is drawn.</summary>
    private sealed record Grid(PatchTable Table, int FirstCol, int FirstRow, int Cols, int Rows)
    {
        public int CellPx => Math.Clamp(WidestPx / Math.Max(Cols, Rows), 1, 24);

        public int WidthPx => Cols * CellPx;

        public int HeightPx => Rows * CellPx;

        public static Grid Around(PatchTable table, int[] patches)
        {
            int col = patches.Min(patch => table.Col[patch]), row = patches.Min(patch => table.Row[patch]);
            return new(table, col, row, patches.Max(patch => table.Col[patch]) - col + 1, patches.Max(patch => table.Row[patch]) - row + 1);
        }

        public int CellOf(int patch) => (Table.Row[patch] - FirstRow) * Cols + Table.Col[patch] - FirstCol;
    }
}
