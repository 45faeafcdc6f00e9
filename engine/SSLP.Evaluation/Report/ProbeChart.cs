using System.Text;
using SSLP.Evaluation.Probes;

namespace SSLP.Evaluation.Report;

/// <summary>Probe results as a table and, over it, as dots with their 95 % intervals.</summary>
internal static class ProbeChart
{
    // Larger matrices are in the JSON.
    private const int MostConfused = 10;

    private const int Width = 720, Left = 260, Right = 20, LineHeight = 22, Top = 6, Bottom = 26;

    /// <summary>Balanced accuracy of every result: it means the same whatever the classes' shares are.</summary>
    public static string Dots(IReadOnlyList<ProbeResult> results)
    {
        var axis = Axis.Over(results.Min(r => r.BalancedAccuracy.Low ?? r.BalancedAccuracy.Value),
            results.Max(r => r.BalancedAccuracy.High ?? r.BalancedAccuracy.Value));
        int height = Top + results.Count * LineHeight + Bottom;
        string[] sources = [.. results.Select(r => r.Features).Distinct()];
        StringBuilder svg = new("<figure class=\"chart wide\"><figcaption>Balanced accuracy");
        svg.Append(results.Any(r => r.BalancedAccuracy.Low.HasValue) ? ", with its 95 % interval over slides</figcaption>"
            : "</figcaption>");
        svg.Append($"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"balanced accuracy of every probe\">");
        foreach (double tick in axis.Ticks)
        {
            string x = Html.Number(X(axis, tick));
            svg.Append($"<line x1=\"{x}\" x2=\"{x}\" y1=\"{Top}\" y2=\"{height - Bottom}\" class=\"grid\"/>");
            svg.Append($"<text x=\"{x}\" y=\"{height - Bottom + 16}\" text-anchor=\"middle\">{axis.Label(tick)}</text>");
        }

        for (int i = 0; i < results.Count; i++)
        {
            ProbeResult r = results[i];
            string colour = Palette.Line(Array.IndexOf(sources, r.Features));
            double y = Top + (i + 0.5) * LineHeight;
            svg.Append($"<text x=\"{Left - 12}\" y=\"{Html.Number(y)}\" dy=\"0.32em\" text-anchor=\"end\" " +
                $"style=\"fill:{colour}\">{Html.Escape($"{r.Features} · {r.Probe} {r.Setting}")}</text>");
            if (r.BalancedAccuracy is { Low: double low, High: double high })
                svg.Append($"<line x1=\"{Html.Number(X(axis, low))}\" x2=\"{Html.Number(X(axis, high))}\" y1=\"{Html.Number(y)}\" " +
                    $"y2=\"{Html.Number(y)}\" stroke=\"{colour}\" stroke-width=\"2\" opacity=\"0.45\"/>");
            svg.Append($"<circle cx=\"{Html.Number(X(axis, r.BalancedAccuracy.Value))}\" cy=\"{Html.Number(y)}\" r=\"4.5\" " +
                $"fill=\"{colour}\"/>");
        }

        return svg.Append("</svg></figure>").ToString();
    }

    /// <summary>Every figure of every result.</summary>
    public static string Table(IReadOnlyList<ProbeResult> results) =>
        ReportTables.Table(ProbeTable.Headings, results.Select(ProbeTable.Cells));

    /// <summary>Who is taken for whom: rows are the true class, columns the predicted one, in shares of the row.</summary>
    public static string Confusions(IReadOnlyList<ProbeResult> results)
    {
        StringBuilder html = new("<div class=\"confusions\">");
        foreach (ProbeResult r in results.Where(r => r.Classes.Count <= MostConfused))
        {
            html.Append($"<figure><figcaption>{Html.Escape($"{r.Features} · {r.Probe} {r.Setting}")}</figcaption>")
                .Append("<table><thead><tr><th>true \\ found</th>");
            html.AppendJoin("", r.Classes.Select(name => $"<th>{Html.Escape(name)}</th>")).Append("</tr></thead><tbody>");
            for (int truth = 0; truth < r.Classes.Count; truth++)
            {
                double all = Math.Max(1, r.Confusion[truth].Sum());
                html.Append($"<tr><th>{Html.Escape(r.Classes[truth])}</th>");
                foreach (long count in r.Confusion[truth])
                    html.Append($"<td style=\"background:rgba(0,114,178,{0.55 * count / all:0.00})\">{count:N0}</td>");
                html.Append("</tr>");
            }

            html.Append("</tbody></table></figure>");
        }

        return html.Append("</div>").ToString();
    }

    private static double X(Axis axis, double value) => Left + (Width - Left - Right) * axis.Share(value);
}
