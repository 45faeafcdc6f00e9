using System.Globalization;
using Spectre.Console;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;

namespace SSLP.Cli.Verbs;

/// <summary>Audit records for people: in a terminal a table that fits its width, elsewhere a line a slide.</summary>
internal static class AuditTable
{
    /// <summary>A name is not shortened to less.</summary>
    private const int LeastName = 12;

    public static void Print(IReadOnlyList<SlideAuditRecord> records)
    {
        if (Console.IsOutputRedirected)
            foreach (SlideAuditRecord record in records)
                Console.WriteLine(Line(record));
        else
            Write(AnsiConsole.Console, records);
    }

    /// <summary>All that is known of a slide in one line.</summary>
    public static string Line(SlideAuditRecord r)
    {
        string?[] parts =
        [
            Words(r.Verdict),
            r.Width is null ? null : $"{r.Width}×{r.Height} px",
            r.Levels is null ? null : r.Levels == 1 ? "1 level" : $"{r.Levels} levels",
            r.MppX is double mpp ? string.Create(CultureInfo.InvariantCulture, $"{mpp:0.####} µm/px ({r.MppSource})") : null,
            r.TissueFraction is double tissue
                ? string.Create(CultureInfo.InvariantCulture, $"{tissue * 100:0.#} % tissue by {By(r)}") : null,
            r.Patches is null ? null : $"{r.Patches} {(r.Patches == 1 ? "patch" : "patches")}",
            .. Why(r),
        ];
        return $"{r.Name}: {string.Join(", ", parts.Where(part => !string.IsNullOrEmpty(part)))}".ReplaceLineEndings(" ");
    }

    /// <summary>A table of a row a slide that is as wide as the console or narrower, and below it a line for each slide that there is
    /// something to say of.</summary>
    public static void Write(IAnsiConsole console, IReadOnlyList<SlideAuditRecord> records)
    {
        string[] heads = ["slide", "verdict", "µm/px", "tissue", "patches", "size", "levels"];
        string[][] rows = [.. records.Select(Cells)];
        int[] widths = [.. heads.Select((head, i) => Math.Max(head.Length, rows.Max(row => row[i].Length)))];
        // A space on each side of a column and one at both edges; on a console too narrow for even the numbers the last columns go.
        int columns = heads.Length;
        while (columns > 2 && Rest(columns) < LeastName)
            columns--;
        int nameWidth = Math.Clamp(Rest(columns), LeastName, Math.Max(LeastName, widths[0]));
        Table table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < columns; i++)
            table.AddColumn(new TableColumn(heads[i]) { NoWrap = true, Padding = new Padding(0, 0, 1, 0) });
        foreach (string[] row in rows)
            table.AddRow([.. row.Take(columns).Select((cell, i) => Cell(i == 0 ? Shorten(cell, nameWidth) : cell, i))]);
        console.Write(table);
        foreach (SlideAuditRecord record in records)
            if (string.Join("; ", Why(record)) is { Length: > 0 } why)
                console.Write(new Text($"{record.Name}: {why}\n"));

        int Rest(int shown) => console.Profile.Width - widths[1..shown].Sum() - (2 * shown) - 2; // Spectre.Console: padding and separator
    }

    private static string[] Cells(SlideAuditRecord r) =>
    [
        r.Name, Words(r.Verdict),
        r.MppX is double mpp ? mpp.ToString("0.####", CultureInfo.InvariantCulture) : string.Empty,
        r.TissueFraction is double tissue
            ? string.Create(CultureInfo.InvariantCulture, $"{tissue * 100:0} % {r.TissueMethod?.ToString().ToLowerInvariant()}")
            : string.Empty,
        $"{r.Patches}",
        r.Width is null ? string.Empty : $"{r.Width}×{r.Height}", $"{r.Levels}",
    ];

    private static string Cell(string text, int column) =>
        column != 1 ? Markup.Escape(text) : text == Words(SlideVerdict.Ok) ? $"[green]{text}[/]" : $"[yellow]{text}[/]";

    /// <summary>NoTissue as "no tissue".</summary>
    public static string Words(SlideVerdict verdict) =>
        string.Concat(verdict.ToString()
            .Select((c, i) => char.IsUpper(c) ? (i > 0 ? " " : string.Empty) + char.ToLowerInvariant(c) : c.ToString()));

    private static IEnumerable<string> Why(SlideAuditRecord r) => ((string[])[r.Reason, .. r.Notes ?? []]).Where(part => part.Length > 0);

    private static string By(SlideAuditRecord r) =>
        r.TissueMethod?.ToString().ToLowerInvariant() + (r.TissueThreshold is int threshold ? $" above {threshold}" : string.Empty);

    private static string Shorten(string name, int width)
    {
        if (name.Length <= width)
            return name;
        int end = (width - 1) * 2 / 3;
        return $"{name[..(width - 1 - end)]}…{name[^end..]}";
    }
}
