using System.Text;
using SSLP.Engine.Evaluation;
using SSLP.Engine.Export;
using SSLP.Engine.Training;

namespace SSLP.Engine.Report;

/// <summary>
/// report.html: one page with everything inside it, so that it opens from a disk, a mail or an archive with no network and no script.
/// </summary>
public static class ReportPage
{
    /// <summary>Composes the page and writes it atomically.</summary>
    public static void Write(string path, ReportInput input)
    {
        byte[] page = Encoding.UTF8.GetBytes(Compose(input));
        AtomicFile.Write(path, stream => stream.Write(page));
    }

    /// <summary>The page's text.</summary>
    public static string Compose(ReportInput input)
    {
        StringBuilder body = new();
        body.Append($"<header><h1>{Html.Escape(input.Title)}</h1>");
        if (input.Facts.Count > 0)
            body.Append("<dl>").AppendJoin("", input.Facts.Select(fact => $"<div><dt>{Html.Escape(fact.Key)}</dt><dd>{Html.Escape(fact.Value)}</dd></div>")).Append("</dl>");
        body.Append("</header>");
        if (input.Probes.Count > 0)
            Section(body, "What the features are worth", "Classifiers on the frozen features. No slide is both learned from and judged on; intervals are bootstrapped over slides.",
                ProbeChart.Dots(input.Probes) + ProbeChart.Table(input.Probes));
        if (input.Steps.Count > 0)
            Section(body, "Training", $"{input.Steps.Count} steps. A band spans the least and the largest value of the steps that a point stands for.", Curves(input.Steps));
        if (input.Spread.Count > 0)
            Section(body, "Spread of the features", "Collapsed features have an effective rank and a mean cosine of 1 and a deviation of 0.", SpreadTable(input.Spread));
        if (input.Neighbours.Count > 0)
            Section(body, "Purity of neighbours", "How often a patch's neighbours share its class and its slide, and how alike their features are; chance is a patch at random.", NeighbourTable(input.Neighbours));
        if (input.Features is { Count: > 1 } features)
            Pictures(body, input, features);
        if (input.ContactSheets.Count > 0)
            Section(body, "Slides", Counted(input.ContactSheets.Count, input.Slides, "shown: thumbnail, tissue mask and patch grid."), ContactSheets(input));
        return $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
            + $"<title>{Html.Escape(input.Title)}</title><style>{ReportStyle.Css}</style></head><body>{body}</body></html>\n";
    }

    private static void Pictures(StringBuilder body, ReportInput input, FeatureTable features)
    {
        if (input.Patches is { } patches)
        {
            string border = features.Patches.Classes is null ? "" : " Green frames share the query's class, red ones do not.";
            Section(body, "Neighbours", $"What the encoder takes for alike. A dashed frame is on another slide than its query.{border}",
                NeighbourSheet.Draw(features, patches, input.Queries, input.RadiusPatches, input.Seed));
            if (features.Patches.HasCoordinates)
                Section(body, "Feature maps of slides", Counted(features.Patches.Slides.Count, input.Slides, "drawn, those with the most patches first. Like colours are like features."),
                    SlideMaps.Draw(features, patches, input.Slides));
        }

        Section(body, "Map of patches", "Every point is a patch; points that lie together look alike to the encoder along its two strongest directions.", PatchMap.Draw(features, input.Seed));
    }

    private static string Curves(IReadOnlyList<StepMetrics> steps)
    {
        double[] x = [.. steps.Select(s => (double)s.Step)];
        ChartSeries Line(string name, Func<StepMetrics, double> value) => new(name, [.. steps.Select(value)]);
        string charts = LineChart.Draw("Loss", x, [Line("total", s => s.Loss), Line("self", s => s.Self), Line("intra", s => s.Intra), Line("inter", s => s.Inter)])
            + LineChart.Draw("Spatial neighbours per anchor, |S|", x, [Line("S", s => s.SpatialSize)], fromZero: true)
            + LineChart.Draw("Feature neighbours per anchor, |F|", x, [Line("F", s => s.FeatureSize)], fromZero: true)
            + LineChart.Draw("Share of F from other slides", x, [Line("share", s => s.FeatureFromOtherSlides)], fromZero: true)
            + LineChart.Draw("Patches per second", x, [Line("patches/s", s => s.PatchesPerSecond)], fromZero: true)
            + LineChart.Draw("Share of time spent waiting for patches", x, [Line("wait", s => s.DataWait)], fromZero: true)
            + LineChart.Draw("Learning rate", x, [Line("lr", s => s.Lr)], fromZero: true)
            + LineChart.Draw("Weight of intra and inter, w(t)", x, [Line("w", s => s.Ramp)], fromZero: true);
        return $"<div class=\"charts\">{charts}</div>";
    }

    private static string SpreadTable(IReadOnlyList<KeyValuePair<string, SpreadStatistics>> spread)
    {
        StringBuilder html = new("<table><thead><tr><th>features</th><th>width</th><th>effective rank</th><th>deviation · √width</th><th>mean cosine</th></tr></thead><tbody>");
        foreach ((string name, SpreadStatistics s) in spread)
            html.Append($"<tr><td>{Html.Escape(name)}</td><td>{s.Width}</td><td>{s.EffectiveRank:0.0}</td><td>{s.Deviation:0.000}</td><td>{s.MeanCosine:0.000}</td></tr>");
        return html.Append("</tbody></table>").ToString();
    }

    private static string NeighbourTable(IReadOnlyList<KeyValuePair<string, NeighbourStatistics>> neighbours)
    {
        StringBuilder html = new("<table><thead><tr><th>features</th><th>same class: on the slide</th><th>nearest</th><th>chance</th>"
            + "<th>cosine: on the slide</th><th>nearest</th><th>chance</th><th>nearest on other slides</th><th>entropy</th></tr></thead><tbody>");
        static string Cell(double? value) => value is double number && double.IsFinite(number) ? $"<td>{number:0.000}</td>" : "<td>–</td>";
        foreach ((string name, NeighbourStatistics n) in neighbours)
            html.Append($"<tr><td>{Html.Escape(name)}</td>").AppendJoin("", new[]
            {
                n.SpatialPurity, n.NearestPurity, n.ChancePurity, n.SpatialCosine, n.NearestCosine, n.RandomCosine, n.NearestElsewhere, n.NeighbourEntropy,
            }.Select(Cell)).Append("</tr>");
        return html.Append("</tbody></table>").ToString();
    }

    private static string ContactSheets(ReportInput input)
    {
        StringBuilder html = new("<div class=\"contacts\">");
        foreach (string file in input.ContactSheets.Take(input.Slides))
        {
            string name = Html.Escape(Path.GetFileNameWithoutExtension(file));
            html.Append(PagePictures.File(file, 1000) is string uri
                ? $"<figure><img src=\"{uri}\" alt=\"{name}\"><figcaption>{name}</figcaption></figure>"
                : $"<p class=\"note\">{name} does not decode.</p>");
        }

        return html.Append("</div>").ToString();
    }

    private static string Counted(int all, int shown, string what) => $"{Math.Min(all, shown)} of {all} slides {what}";

    private static void Section(StringBuilder body, string heading, string note, string content) =>
        body.Append($"<section><h2>{heading}</h2><p class=\"note\">{Html.Escape(note)}</p>{content}</section>");
}
