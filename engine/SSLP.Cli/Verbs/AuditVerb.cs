using System.CommandLine;
using Spectre.Console;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp audit</c>: one verdict a slide, before hours are spent on it.</summary>
internal static class AuditVerb
{
    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH") { Description = "slides, or folders of slides", Arity = ArgumentArity.OneOrMore };
        var deep = new Option<bool>("--deep") { Description = "decode every tile of every level" };
        var json = new Option<bool>("--json") { Description = "one JSON object a line, on standard output" };
        var command = new Command("audit", "Give every slide one verdict. Exit code 1 when a slide is not ok.") { paths, deep, json };
        command.SetAction(parsed =>
        {
            using SlideRuntime runtime = ContextOptions.OpenSlides(parsed);
            IReadOnlyList<SlideAuditRecord> records = SlideAudit.Run(
                SlideListing.List(parsed.GetRequiredValue(paths)), parsed.GetValue(deep), cancel: Shell.Stop, runtime: runtime);
            if (parsed.GetValue(json))
                foreach (SlideAuditRecord record in records)
                    Console.WriteLine(record.ToJson());
            else
                Print(records);
            return records.All(r => r.Verdict == SlideVerdict.Ok) ? 0 : ExitCodes.Error;
        });
        return command;
    }

    private static void Print(IReadOnlyList<SlideAuditRecord> records)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("slide", "verdict", "size", "levels", "µm/px", "tissue", "why");
        foreach (SlideAuditRecord r in records)
            table.AddRow(
                Markup.Escape(r.Name),
                r.Verdict == SlideVerdict.Ok ? "[green]ok[/]" : $"[yellow]{Words(r.Verdict)}[/]",
                r.Width is null ? string.Empty : $"{r.Width}×{r.Height}", $"{r.Levels}",
                r.MppX is null ? string.Empty : $"{r.MppX:0.####} ({Markup.Escape(r.MppSource ?? string.Empty)})",
                r.TissueFraction is null ? string.Empty : $"{r.TissueFraction:P0}", Markup.Escape(r.Reason));
        AnsiConsole.Write(table);
    }

    /// <summary>NoTissue as "no tissue".</summary>
    private static string Words(SlideVerdict verdict) =>
        string.Concat(verdict.ToString().Select((c, i) => char.IsUpper(c) ? (i > 0 ? " " : string.Empty) + char.ToLowerInvariant(c) : c.ToString()));
}
