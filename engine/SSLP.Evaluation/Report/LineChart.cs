using System.Text;

namespace SSLP.Evaluation.Report;

/// <summary>One line of a chart.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Values">One number per x of the chart; NaN leaves a gap.</param>
internal sealed record ChartSeries(string Name, IReadOnlyList<double> Values);

/// <summary>
/// A line chart as inline SVG. A long run is drawn as the mean of every stretch of steps in a band from its least to its largest
/// value, so that the page stays small and nothing between the drawn points is hidden.
/// </summary>
internal static class LineChart
{
    private const int Width = 520, Height = 230, Left = 52, Right = 22, Top = 10, Bottom = 34;

    // More stretches than the plot has pixels would show nothing more.
    private const int MostPoints = 220;

    /// <param name="title">What is drawn, with its unit.</param>
    /// <param name="x">Steps, rising.</param>
    /// <param name="series">The lines.</param>
    /// <param name="fromZero">Let the axis start at 0.</param>
    public static string Draw(string title, IReadOnlyList<double> x, IReadOnlyList<ChartSeries> series, bool fromZero = false)
    {
        double[] finite = [.. series.SelectMany(s => s.Values).Where(double.IsFinite)];
        StringBuilder svg = new();
        svg.Append($"<figure class=\"chart\"><figcaption>{Html.Escape(title)}{Legend(series)}</figcaption>");
        if (x.Count < 2 || finite.Length == 0)
            return svg.Append("<p class=\"note\">Fewer than two steps were recorded.</p></figure>").ToString();

        Axis horizontal = Axis.Over(x[0], x[^1], tight: true),
            vertical = Axis.Over(fromZero ? Math.Min(0, finite.Min()) : finite.Min(), finite.Max());
        svg.Append($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Html.Escape(title)}\">");
        DrawAxes(svg, horizontal, vertical);
        for (int s = 0; s < series.Count; s++)
            DrawSeries(svg, x, series[s].Values, horizontal, vertical, Palette.Line(s));
        return svg.Append("</svg></figure>").ToString();
    }

    private static string Legend(IReadOnlyList<ChartSeries> series) => series.Count < 2
        ? ""
        : "<span class=\"legend\">"
            + string.Concat(series.Select((s, i) => $"<span style=\"color:{Palette.Line(i)}\">{Html.Escape(s.Name)}</span>")) + "</span>";

    private static void DrawAxes(StringBuilder svg, Axis horizontal, Axis vertical)
    {
        foreach (double tick in vertical.Ticks)
        {
            string y = Html.Number(Y(vertical, tick));
            svg.Append($"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y}\" y2=\"{y}\" class=\"grid\"/>");
            svg.Append($"<text x=\"{Left - 7}\" y=\"{y}\" dy=\"0.32em\" text-anchor=\"end\">{vertical.Label(tick)}</text>");
        }

        foreach (double tick in horizontal.Ticks)
            svg.Append($"<text x=\"{Html.Number(X(horizontal, tick))}\" y=\"{Height - Bottom + 17}\" " +
                $"text-anchor=\"middle\">{horizontal.Label(tick)}</text>");
        svg.Append($"<text x=\"{Width - Right}\" y=\"{Height - 4}\" text-anchor=\"end\">step</text>");
    }

    private static void DrawSeries(StringBuilder svg, IReadOnlyList<double> x, IReadOnlyList<double> values, Axis horizontal, Axis vertical,
        string colour)
    {
        List<(double X, double Mean, double Low, double High)> points = Stretches(x, values);
        if (points.Count == 0)
            return;
        if (points.Count < values.Count)
        {
            IEnumerable<string> upper = points.Select(p => $"{Html.Number(X(horizontal, p.X))},{Html.Number(Y(vertical, p.High))}");
            IEnumerable<string> lower = points.AsEnumerable().Reverse()
                .Select(p => $"{Html.Number(X(horizontal, p.X))},{Html.Number(Y(vertical, p.Low))}");
            svg.Append($"<polygon points=\"{string.Join(' ', upper.Concat(lower))}\" fill=\"{colour}\" opacity=\"0.14\"/>");
        }

        string line = string.Join(' ', points.Select(p => $"{Html.Number(X(horizontal, p.X))},{Html.Number(Y(vertical, p.Mean))}"));
        svg.Append($"<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/>");
    }

    /// <summary>At most <see cref="MostPoints"/> stretches of equal length: where, mean, least and largest of the finite values.</summary>
    public static List<(double X, double Mean, double Low, double High)> Stretches(IReadOnlyList<double> x, IReadOnlyList<double> values)
    {
        int count = Math.Min(MostPoints, values.Count);
        List<(double, double, double, double)> points = [];
        for (int stretch = 0; stretch < count; stretch++)
        {
            int from = (int)((long)stretch * values.Count / count), to = (int)((long)(stretch + 1) * values.Count / count);
            double[] inside = [.. Enumerable.Range(from, to - from).Select(i => values[i]).Where(double.IsFinite)];
            if (inside.Length > 0)
                points.Add(((x[from] + x[to - 1]) / 2, inside.Average(), inside.Min(), inside.Max()));
        }

        return points;
    }

    private static double X(Axis axis, double value) => Left + (Width - Left - Right) * axis.Share(value);

    private static double Y(Axis axis, double value) => Height - Bottom - (Height - Top - Bottom) * axis.Share(value);
}
