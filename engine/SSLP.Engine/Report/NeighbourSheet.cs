using System.Text;
using SSLP.Engine.Evaluation;
using SSLP.Engine.Tiling;

namespace SSLP.Engine.Report;

/// <summary>
/// What the encoder takes for alike: for some patches, those beside them on the slide, those nearest in feature space, and negatives
/// of the kind the method draws (method.md: rank among the nearest 20 %, Beta(5, 15)).
/// </summary>
internal static class NeighbourSheet
{
    // Two rows of four.
    private const int Shown = 8, Side = 64;

    /// <param name="features">A row for every patch of <paramref name="source"/>.</param>
    /// <param name="source">Their pixels.</param>
    /// <param name="queries">How many patches to ask about.</param>
    /// <param name="radiusPatches">T: spatial neighbours are nearer than this.</param>
    /// <param name="seed">Of the choice of queries and negatives.</param>
    public static string Draw(FeatureTable features, IPatchSource source, int queries, double radiusPatches, int seed)
    {
        Random random = new(seed);
        int[] asked = ChooseQueries(features.Patches, queries, random);
        int pool = Math.Max(2, features.Count / 5);
        int[] ranking = KnnProbe.Nearest(features.Select(asked), features, Math.Min(features.Count, pool + 1)).Neighbours;
        int stride = ranking.Length / asked.Length;
        StringBuilder html = new("<div class=\"sheet\"><div class=\"head\"></div><div class=\"head\">query</div><div class=\"head\">beside it on the slide</div>"
            + "<div class=\"head\">nearest in feature space</div><div class=\"head\">semi-hard negatives</div>");
        for (int q = 0; q < asked.Length; q++)
        {
            int[] order = [.. ranking.Skip(q * stride).Take(stride).Where(patch => patch != asked[q])];
            int[] spatial = SpatialNeighbours(features.Patches, asked[q], radiusPatches);
            int[] negatives = DrawNegatives(order, spatial, random);
            html.Append($"<div class=\"who\">{Html.Escape(features.Patches.SlideName(asked[q]))}<br>{Label(features.Patches, asked[q])}</div>");
            Cell(html, features.Patches, source, asked[q], [asked[q]]);
            Cell(html, features.Patches, source, asked[q], [.. spatial.Take(Shown)]);
            Cell(html, features.Patches, source, asked[q], [.. order.Take(Shown)]);
            Cell(html, features.Patches, source, asked[q], negatives);
        }

        return html.Append("</div>").ToString();
    }

    /// <summary>Queries of every class in turn, each from another slide while there are any.</summary>
    private static int[] ChooseQueries(PatchTable table, int count, Random random)
    {
        int[] shuffled = [.. Enumerable.Range(0, table.Count)];
        random.Shuffle(shuffled);
        bool labelled = table.Classes is not null;
        return [.. shuffled
            .GroupBy(patch => labelled ? table.LabelOf[patch] : 0)
            .SelectMany(group => group.DistinctBy(patch => table.SlideOf[patch]).Concat(group).Distinct().Select((patch, place) => (patch, place)))
            .OrderBy(p => p.place).Select(p => p.patch).Take(count)];
    }

    private static int[] SpatialNeighbours(PatchTable table, int query, double radius)
    {
        if (!table.HasCoordinates)
            return [];
        double DistanceTo(int patch) => Math.Sqrt(Math.Pow(table.Col[patch] - table.Col[query], 2) + Math.Pow(table.Row[patch] - table.Row[query], 2));
        return [.. Enumerable.Range(0, table.Count)
            .Where(patch => patch != query && table.SlideOf[patch] == table.SlideOf[query] && DistanceTo(patch) < radius)
            .OrderBy(DistanceTo)];
    }

    /// <summary>The fifth smallest of nineteen uniform numbers is Beta(5, 15).</summary>
    private static int[] DrawNegatives(int[] order, int[] spatial, Random random)
    {
        int[] pool = [.. order.Except(spatial)];
        if (pool.Length == 0)
            return [];
        IEnumerable<int> ranks = Enumerable.Range(0, 4 * Shown)
            .Select(_ => (int)(pool.Length * Enumerable.Range(0, 19).Select(_ => random.NextDouble()).Order().ElementAt(4)));
        return [.. ranks.Distinct().Take(Shown).Order().Select(rank => pool[rank])];
    }

    private static void Cell(StringBuilder html, PatchTable table, IPatchSource source, int query, int[] patches)
    {
        html.Append("<div class=\"cell\">");
        foreach (int patch in patches)
        {
            bool alike = table.Classes is not null && table.LabelOf[patch] != PatchTable.None && table.LabelOf[patch] == table.LabelOf[query];
            bool elsewhere = table.SlideOf[patch] != table.SlideOf[query];
            string title = Html.Escape($"{table.SlideName(patch)} ({table.Col[patch]}, {table.Row[patch]})");
            string classes = $"{(table.Classes is null ? "" : alike ? "alike" : "unlike")}{(elsewhere ? " elsewhere" : "")}";
            html.Append(PagePictures.Patch(source, patch, Side) is string uri
                ? $"<img class=\"{classes}\" src=\"{uri}\" width=\"{Side}\" height=\"{Side}\" title=\"{title}\" alt=\"{title}\">"
                : $"<span class=\"unread\" title=\"{title}\">does not read</span>");
        }

        if (patches.Length == 0)
            html.Append("<span class=\"note\">none</span>");
        html.Append("</div>");
    }

    private static string Label(PatchTable table, int patch) =>
        table.Classes is not null && table.LabelOf[patch] != PatchTable.None ? $"class {Html.Escape(table.Classes[table.LabelOf[patch]])}" : "";
}
