using System.CommandLine;
using SSLP.Data.Slides;
using SSLP.Data.Tiling;
using SSLP.Interop.Slides;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp audit</c>: one verdict a slide, before hours are spent on it.</summary>
internal static class AuditVerb
{
    /// <summary>Fewer slides than this are done before a count would be read.</summary>
    private const int WorthCounting = 20;

    public static Command Create()
    {
        var paths = new Argument<string[]>("SLIDES") { Description = Inputs.SlidesMeaning, Arity = ArgumentArity.OneOrMore };
        var deep = new Option<bool>("--deep") { Description = "decode every tile of every level, and label, macro and thumbnail" };
        var json = new Option<bool>("--json") { Description = "one JSON object a line, on standard output" };
        var tiling = new TilingArguments();
        var command = new Command("audit", "Give every slide one verdict. Exit code 1 when a slide is not ok.") { paths, deep, json };
        tiling.AddWithoutRegionsTo(command);
        command.SetAction(parsed =>
        {
            using SlideRuntime runtime = ContextOptions.OpenSlides(parsed);
            TilingOptions cut = tiling.Read(parsed, new PatchScale(256, 0.5));
            SlideList slides = SourceOptions.ListSlides(parsed.GetRequiredValue(paths));
            var options = new SlideAuditOptions { Deep = parsed.GetValue(deep), Mpp = tiling.GivenMpp(parsed), Tiling = cut };
            IReadOnlyList<SlideAuditRecord> records = SlideAudit.Run(
                slides, options, slides.Count < WorthCounting ? null : new SlideCount<SlideAuditRecord>("audited", slides.Count),
                Shell.Stop, runtime);
            string summary = AuditSummary.Of(records, cut);
            if (parsed.GetValue(json))
            {
                foreach (SlideAuditRecord record in records)
                    Console.WriteLine(record.ToJson());
                Shell.Say(summary);
            }
            else
            {
                AuditTable.Print(records);
                Console.WriteLine(summary);
            }
            return records.All(r => r.Verdict == SlideVerdict.Ok) ? 0 : ExitCodes.Error;
        });
        return command;
    }
}
