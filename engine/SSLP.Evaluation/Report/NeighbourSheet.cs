using System.Text;
using SSLP.Data.Patches;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;

namespace SSLP.Evaluation.Report;

/// <summary>Patches with their sets as pictures: the query, its spatial neighbours, its feature neighbours, its negatives.</summary>
internal static class NeighbourSheet
{
    /// <summary>Pictures of a set: two rows of four.</summary>
    public const int Shown = 8;

    private const int Side = 64;

    /// <param name="source">The patches that the sets' rows are.</param>
    /// <param name="sets">Sets of the queries.</param>
    public static string Draw(IPatchSource source, IReadOnlyList<AnchorSets> sets)
    {
        StringBuilder html = new(
            "<div class=\"sheet\"><div class=\"head\"></div><div class=\"head\">query</div><div class=\"head\">S: beside it on the " +
            "slide</div>"
            + "<div class=\"head\">F: near it in feature space</div><div class=\"head\">Q: negatives</div>");
        foreach (AnchorSets set in sets)
        {
            html.Append($"<div class=\"who\">{Html.Escape(source.Table.SlideName(set.Anchor))}<br>")
                .Append($"{Html.Escape(Label(source.Table, set.Anchor))}</div>");
            Cell(html, source, set.Anchor, [set.Anchor], framed: false);
            Cell(html, source, set.Anchor, set.Spatial);
            Cell(html, source, set.Anchor, set.Feature);
            Cell(html, source, set.Anchor, Spread(set.Negatives));
        }

        return html.Append("</div>").ToString();
    }

    /// <summary>Queries of every class in turn, each from another slide while there are any. Of N patches 4·N bytes are taken for
    /// it.</summary>
    public static int[] ChooseQueries(PatchTable table, int count, int seed)
    {
        int[] shuffled = new int[table.Count];
        for (int patch = 0; patch < shuffled.Length; patch++)
            shuffled[patch] = patch;
        CounterRandom.Shuffle(shuffled.AsSpan(), CounterRandom.Key((ulong)seed, RandomPurpose.Judging), 0);
        List<Candidates> classes = []; // in the order of their first patches
        var placeOf = new Dictionary<int, int>();
        foreach (int patch in shuffled)
        {
            int label = table.Classes is null ? 0 : table.LabelOf[patch];
            if (label == PatchTable.None)
                continue;
            if (!placeOf.TryGetValue(label, out int place))
            {
                placeOf[label] = place = classes.Count;
                classes.Add(new Candidates(count));
            }
            classes[place].Offer(patch, table.SlideOf[patch]);
        }
        int[][] offers = [.. classes.Select(candidates => candidates.InOrder())];
        return [.. Enumerable.Range(0, count)
            .SelectMany(turn => offers.Where(offer => turn < offer.Length).Select(offer => offer[turn])).Take(count)];
    }

    /// <summary>The first ranks of many negatives would show the hardest of them only.</summary>
    private static int[] Spread(int[] negatives) => negatives.Length <= Shown
        ? negatives
        : [.. Enumerable.Range(0, Shown).Select(i => negatives[(int)((long)i * negatives.Length / Shown)])];

    private static void Cell(StringBuilder html, IPatchSource source, int query, int[] patches, bool framed = true)
    {
        PatchTable table = source.Table;
        html.Append("<div class=\"cell\">");
        foreach (int patch in patches.Take(Shown))
        {
            string title = Html.Escape(
                $"{table.SlideName(patch)} ({table.Col[patch]}, {table.Row[patch]}) {Label(table, patch)}".TrimEnd());
            html.Append(PagePictures.Patch(source, patch, Side) is string uri
                ? $"<img class=\"{(framed ? Frame(table, query, patch) : "")}\" src=\"{uri}\" width=\"{Side}\" height=\"{Side}\" " +
                    $"title=\"{title}\" alt=\"{title}\">"
                : $"<span class=\"unread\" title=\"{title}\">does not read</span>");
        }

        if (patches.Length == 0)
            html.Append("<span class=\"note\">none</span>");
        html.Append("</div>");
    }

    private static string Frame(PatchTable table, int query, int patch)
    {
        bool judged = table.Classes is not null && table.LabelOf[patch] != PatchTable.None && table.LabelOf[query] != PatchTable.None;
        string judgement = !judged ? "" : table.LabelOf[patch] == table.LabelOf[query] ? "alike" : "unlike";
        return $"{judgement}{(table.SlideOf[patch] != table.SlideOf[query] ? " elsewhere" : "")}".Trim();
    }

    private static string Label(PatchTable table, int patch) =>
        table.Classes is not null && table.LabelOf[patch] != PatchTable.None ? $"class {table.Classes[table.LabelOf[patch]]}" : "";

    /// <summary>The first patches of one class that may be asked for, in the order of the draw: no more than can be taken.</summary>
    private sealed class Candidates(int most)
    {
        private readonly HashSet<int> _slides = [];
        private readonly List<int> _ofNewSlides = [], _others = [];

        public void Offer(int patch, int slide)
        {
            if (_ofNewSlides.Count == most)
                return;
            if (_slides.Add(slide))
                _ofNewSlides.Add(patch);
            else if (_others.Count < most)
                _others.Add(patch);
        }

        /// <summary>One of each slide, then the others.</summary>
        public int[] InOrder() => [.. _ofNewSlides.Concat(_others).Take(most)];
    }
}
