using System.Text;
using SSLP.Engine.Statistics;
using SSLP.Evaluation.Sets;

namespace SSLP.Evaluation.Report;

/// <summary>Statistics as tables of the page.</summary>
internal static class ReportTables
{
    public static string Sets(IReadOnlyList<SetStatistics> sets) => Table(
        ["set", "members of an anchor", "anchors with none", "of the anchor's class", "on other slides"],
        sets.Select(s => (string[])[s.Name == "any" ? "any other patch" : s.Name, Count(s.MeanSize), Percent(s.Empty), Percent(s.Purity),
            Percent(s.OtherSlides)]));

    public static string Spread(IReadOnlyList<KeyValuePair<string, SpreadStatistics>> spread) => Table(
        ["features", "width", "effective rank", "deviation · √width", "mean cosine"],
        spread.Select(pair => (string[])[pair.Key, $"{pair.Value.Width}", $"{pair.Value.EffectiveRank:0.0}",
            $"{pair.Value.Deviation:0.000}", Cosine(pair.Value.MeanCosine)]));

    public static string Neighbours(IReadOnlyList<KeyValuePair<string, NeighbourStatistics>> neighbours) => Table(
        ["features", "same class: on the slide", "nearest", "chance", "cosine: on the slide", "nearest", "chance",
            "nearest on other slides", "evenness of who is nearest"],
        neighbours.Select(pair => Row(pair.Key, pair.Value)));

    private static string[] Row(string name, NeighbourStatistics n) =>
    [
        name, Percent(n.SpatialPurity), Percent(n.NearestPurity), Percent(n.ChancePurity), Cosine(n.SpatialCosine), Cosine(n.NearestCosine),
        Cosine(n.RandomCosine), Percent(n.NearestElsewhere), $"{n.NeighbourEntropy:0.00}",
    ];

    public static string Table(IReadOnlyList<string> headings, IEnumerable<string[]> rows)
    {
        StringBuilder html = new("<table><thead><tr>");
        html.AppendJoin("", headings.Select(heading => $"<th>{Html.Escape(heading)}</th>")).Append("</tr></thead><tbody>");
        foreach (string[] row in rows)
            html.Append("<tr>").AppendJoin("", row.Select(cell => $"<td>{Html.Escape(cell)}</td>")).Append("</tr>");
        return html.Append("</tbody></table>").ToString();
    }

    // Backbone features all but coincide in direction: the fourth digit is the first that tells.
    private static string Cosine(double cosine) => double.IsFinite(cosine) ? $"{cosine:0.0000}" : "–";

    private static string Percent(double? share) => share is double number ? $"{100 * number:0.0} %" : "–";

    private static string Count(double mean) => mean.ToString(mean < 100 ? "0.0" : "N0");
}
