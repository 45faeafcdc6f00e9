using System.Text;
using SSLP.Data.Patches;
using SSLP.Engine.Statistics;
using SSLP.Evaluation.Features;
using SSLP.Kernels;

namespace SSLP.Evaluation.Report;

/// <summary>All patches as points: their features along the first two principal components, coloured by class or else by slide.</summary>
internal static class PatchMap
{
    private const int Width = 720, Height = 480, Margin = 14;

    // What a browser draws at once, and about 100 KB of page.
    private const int MostPoints = 2500;

    public static string Draw(FeatureTable features, int seed)
    {
        PatchTable table = features.Patches;
        var components = PrincipalComponents.Of(features.Values, features.Width);
        int[] shown = Sample(features.Count, seed);
        float[] at = components.Project(features.Select(shown).Values, Math.Min(2, features.Width));
        int stride = at.Length / Math.Max(1, shown.Length);
        (double Low, double High) xs = Range(at, stride, 0), ys = Range(at, stride, stride - 1);
        double variance = components.Variances.Sum();
        string share = variance > 0 ? $"{100 * components.Variances.Take(2).Sum() / variance:0} % of the variance" : "no variance";
        bool byClass = table.Classes is not null;
        IReadOnlyList<string> names = byClass ? table.Classes! : table.Slides;
        StringBuilder svg = new("<figure class=\"chart wide\">");
        svg.Append($"<figcaption>{shown.Length} of {features.Count} patches, first two principal components ({share}), coloured by " +
            $"{(byClass ? "class" : "slide")}");
        if (names.Count <= 8)
            svg.Append("<span class=\"legend\">")
                .AppendJoin("", names.Select((name, i) => $"<span style=\"color:{Palette.Line(i)}\">{Html.Escape(name)}</span>"))
                .Append("</span>");
        svg.Append($"</figcaption><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"map of patches\">");
        for (int i = 0; i < shown.Length; i++)
        {
            int group = byClass ? table.LabelOf[shown[i]] : table.SlideOf[shown[i]];
            string colour = group == PatchTable.None ? "#bbb" : Palette.Line(group);
            double x = Margin + (Width - 2 * Margin) * Share(at[i * stride], xs),
                y = Height - Margin - (Height - 2 * Margin) * Share(at[i * stride + stride - 1], ys);
            svg.Append($"<circle cx=\"{Html.Number(x)}\" cy=\"{Html.Number(y)}\" r=\"2.4\" fill=\"{colour}\" opacity=\"0.55\"/>");
        }

        return svg.Append("</svg></figure>").ToString();
    }

    private static int[] Sample(int count, int seed)
    {
        int[] all = [.. Enumerable.Range(0, count)];
        CounterRandom.Shuffle(all.AsSpan(), CounterRandom.Key((ulong)seed, RandomPurpose.Judging), 0);
        return all[..Math.Min(count, MostPoints)];
    }

    /// <summary>Half a percent at either end may leave the picture's scale to the rest; those points sit at its edge.</summary>
    private static (double Low, double High) Range(float[] at, int stride, int component)
    {
        float[] sorted = [.. Enumerable.Range(0, at.Length / stride).Select(i => at[i * stride + component]).Order()];
        return (sorted[(int)(0.005 * (sorted.Length - 1))], sorted[(int)(0.995 * (sorted.Length - 1))]);
    }

    private static double Share(double value, (double Low, double High) range) =>
        range.High > range.Low ? Math.Clamp((value - range.Low) / (range.High - range.Low), 0, 1) : 0.5;
}
