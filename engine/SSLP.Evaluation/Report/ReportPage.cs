using System.Text;
using System.Text.RegularExpressions;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Sets;

namespace SSLP.Evaluation.Report;

/// <summary>
/// report.html: one page with everything inside it, so that it opens from a disk, a mail or an archive with no network and no script.
/// </summary>
internal static partial class ReportPage
{
    // Characters; a longer one has a line to itself.
    private const int LongFact = 70;

    /// <summary>Composes the page and writes it atomically. A page that is there and has a section which the new one has not took patches
    /// or labels that were not given this time, and may have taken hours: it is kept beside the new one.</summary>
    /// <returns>A sentence of what was kept and where; null where nothing had to be.</returns>
    public static string? Write(string path, ReportInput input)
    {
        string page = Compose(input);
        string[] missing = File.Exists(path) ? [.. Headings(File.ReadAllText(path)).Except(Headings(page))] : [];
        string? kept = null;
        if (missing.Length > 0)
            File.Move(path, kept = Beside(path));
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(page)));
        return kept is null ? null
            : $"the page that was there has what this one has not ({string.Join(", ", missing)}); it was kept as '{kept}'";
    }

    private static IEnumerable<string> Headings(string page) => HeadingPattern().Matches(page).Select(match => match.Groups[1].Value);

    [GeneratedRegex("<h2>([^<]*)</h2>")]
    private static partial Regex HeadingPattern();

    /// <summary>A name that is not taken: report-1.html.</summary>
    private static string Beside(string path) => Enumerable.Range(1, int.MaxValue)
        .Select(n => $"{Path.ChangeExtension(path, null)}-{n}{Path.GetExtension(path)}").First(name => !File.Exists(name));

    /// <summary>The page's text.</summary>
    public static string Compose(ReportInput input)
    {
        StringBuilder body = new();
        body.Append($"<header><h1>{Html.Escape(input.Title)}</h1>");
        if (input.Facts.Count > 0)
            body.Append("<dl>").AppendJoin(
                "", input.Facts.Select(fact =>
                    $"<div{(fact.Value.Length > LongFact ? " class=\"long\"" : "")}><dt>{Html.Escape(fact.Key)}</dt>" +
                    $"<dd>{Html.Escape(fact.Value)}</dd></div>")).Append("</dl>");
        body.Append("</header>");
        foreach (string note in input.Notes)
            body.Append($"<p class=\"warning\">{Html.Escape(note)}</p>");
        if (input.Probes.Count > 0)
            Section(body, "What the features are worth", "Classifiers on the frozen features. No slide is both learned from and judged on. "
                + (input.Probes.All(probe => probe.TestSlides > 1) ? "Intervals are bootstrapped over the judged slides."
                    : "One slide is judged, so there are no intervals over slides."),
                ProbeChart.Dots(input.Probes) + ProbeChart.Table(input.Probes) + ProbeChart.Confusions(input.Probes));
        if (input.Steps.Count > 0)
            Section(body, "Training",
                $"{input.Steps.Count:N0} steps. A band spans the least and the largest value of the steps that a point stands for.",
                TrainingCurves.Draw(input.Steps));
        Neighbours(body, input);
        if (input.Spread.Count > 0)
            Section(body, "Spread of the features",
                "Collapsed features have an effective rank and a mean cosine of 1 and a deviation of 0.",
                ReportTables.Spread(input.Spread));
        if (input.Neighbours.Count > 0)
            Section(body, "What neighbours have in common",
                "How often a patch's neighbours share its class and its slide, and how alike their features are; chance is a patch at " +
                "random.", ReportTables.Neighbours(input.Neighbours));
        if (input.Features is { Count: > 1 } features)
            Pictures(body, input, features);
        if (input.ContactSheets.Count > 0)
            Section(body, "Slides", Counted(input.ContactSheets.Count, input.Slides, "shown: thumbnail, tissue mask and patch grid."),
                ContactSheets(input));
        return $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
            + $"<title>{Html.Escape(input.Title)}</title><style>{ReportStyle.Css}</style></head><body>{body}</body></html>\n";
    }

    /// <summary>The method's own sets where the run keeps a bank, else sets like them from the encoder's features.</summary>
    private static void Neighbours(StringBuilder body, ReportInput input)
    {
        if (input.Sets is { } sets)
        {
            string about =
                $"Asked of the memory bank after {sets.Step:N0} steps, {sets.Asked:N0} anchors. S are the patches beside the anchor on " +
                $"its slide, "
                + "F those near it in feature space, Q the negatives. A set helps where its members share the anchor's class more often " +
                    "than any patch does.";
            Section(body, "The method's sets", about,
                ReportTables.Sets(sets.Statistics) + Legend(sets.Source.Table) + NeighbourSheet.Draw(sets.Source, sets.Shown));
        }
        else if (input is { Features: { Count: > 1 } features, Patches: { } patches })
        {
            IReadOnlyList<AnchorSets> like = EncoderSets.Of(
                features, NeighbourSheet.ChooseQueries(features.Patches, input.Queries, input.Seed), input.RadiusPatches,
                NeighbourSheet.Shown, input.Seed);
            Section(body, "Neighbours", "Sets like the method's, from the encoder's features.",
                Legend(features.Patches) + NeighbourSheet.Draw(patches, like));
        }
    }

    private static string Legend(PatchTable table) =>
        "<p class=\"note\">"
        + (table.Classes is null ? "" : "<b class=\"alike\">Green</b> frames share the query's class, <b class=\"unlike\">orange</b> ones "
            + "do not; without one a class is unknown. ")
        + "A dashed frame is on another slide than its query.</p>";

    private static void Pictures(StringBuilder body, ReportInput input, FeatureTable features)
    {
        if (input.Patches is { } patches && features.Patches.HasCoordinates)
            Section(body, "Feature maps of slides",
                Counted(features.Patches.Slides.Count, input.Slides,
                    "drawn, the one with the most patches first. Like colours are like features."),
                SlideMaps.Draw(features, patches, input.Slides));
        Section(body, "Map of patches",
            "Every point is a patch; points that lie together look alike to the encoder along its two strongest directions.",
            PatchMap.Draw(features, input.Seed));
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

    private static string Counted(int all, int shown, string what) => all <= shown ? $"All {all} slides {what}"
        : $"{shown} of {all} slides {what}";

    private static void Section(StringBuilder body, string heading, string note, string content) =>
        body.Append($"<section><h2>{heading}</h2><p class=\"note\">{Html.Escape(note)}</p>{content}</section>");
}
