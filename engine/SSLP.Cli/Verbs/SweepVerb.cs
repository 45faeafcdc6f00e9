using System.CommandLine;
using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Sweeps;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp sweep</c>: every method and the ablation, trained and judged alike, into one table that a stop does not lose.</summary>
internal static class SweepVerb
{
    private static readonly Option<string?> Patches = Inputs.PatchesFolder(), Slides = Inputs.SlidesFolder();
    private static readonly Option<string?> Labels =
        new("--labels") { Description = "with --slides: CSV of slide,x,y,label[,split], the points that are probed", HelpName = "CSV" };
    private static readonly Option<string?> OutFolder =
        new("--out") { Description = "OUT: rows.jsonl, table.md and a folder for every run; start again to go on", HelpName = "OUT" };
    private static readonly Option<string?> PatientsFile = Inputs.Patients();
    private static readonly Option<bool> SplitPatches = Inputs.SplitPatches(), SharedPatients = Inputs.SharedPatients();

    public static Command Create()
    {
        var tiling = new TilingArguments();
        var config = new Option<string?>(
            "--config")
        {
            Description = "the rows, as --print-config shows them; all methods and the ablation unless given",
            HelpName = "sweep.yaml"
        };
        var sets = new Option<string[]>("--set")
        {
            Description = "key=value for all rows; may be repeated. Keys: sslp pretrain --options",
            HelpName = "key=value",
            DefaultValueFactory = _ => []
        };
        var seeds = new Option<string>("--seeds")
        {
            Description = "a run of every row for each; the first seed of all rows comes first",
            HelpName = "1,2,3",
            DefaultValueFactory = _ => "1,2,3"
        };
        var threads = new Option<int?>("--threads") { Description = "CPU threads; one a core unless given", HelpName = "N" };
        var print = new Option<bool>("--print-config") { Description = "print the built-in rows as YAML, and stop" };
        var command = new Command(
            "sweep", "Train and judge all methods and the ablation on labelled patches or slides, several seeds, one table.")
        {
            Patches, Slides, Labels, OutFolder, PatientsFile, SplitPatches, SharedPatients, config, sets, seeds, threads, print,
        };
        tiling.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(print))
            {
                Console.Write(SweepPlan.BuiltIn);
                return 0;
            }
            string[] common = [.. parsed.GetValue(sets) ?? [], .. parsed.GetValue(threads) is { } n ? [$"threads={n}"]
                : Array.Empty<string>()];
            return Run(parsed, SweepPlan.Read(parsed.GetValue(config), common), Seeds(parsed.GetRequiredValue(seeds)), tiling);
        });
        return command;
    }

    private static int Run(ParseResult parsed, SweepPlan plan, int[] seeds, TilingArguments tiling)
    {
        string folder = parsed.GetValue(OutFolder) ?? throw new Fault(FaultKind.Usage, "sweep needs --out OUT.");
        Outputs.RequireFolder(folder, "--out");
        TrainingOptions first = plan.Entries[0].OptionsFor(seeds[0]);
        var scale = new PatchScale(first.Patch, first.Mpp, Tissue: first.TissueRule);
        var split = new ProbeSplitOptions(parsed.GetValue(SplitPatches), parsed.GetValue(SharedPatients));
        using EngineContext context = ContextOptions.Open(parsed);
        if (parsed.GetValue(Patches) is { } patches)
        {
            if (parsed.GetValue(Slides) is not null)
                throw new Fault(FaultKind.Usage, "sweep takes one of --patches and --slides.");
            bool spatial = plan.Entries.Any(e => e.Baseline == SweepBaseline.None && e.OptionsFor(seeds[0]).Method == MethodKind.Sslp);
            double? given = plan.Entries[0].Settings.Any(setting => setting.Key == "mpp") ? first.Mpp : null;
            using PatchFolder source = SourceOptions.OpenFolder(patches, spatial, tiling.GivenMpp(parsed) ?? given);
            return Run(plan, SweepData.FromPatches(WithPatients(parsed, source), split), folder, seeds);
        }
        if (parsed.GetValue(Slides) is not { } slides || parsed.GetValue(Labels) is not { } labels)
            throw new Fault(FaultKind.Usage, "sweep takes --patches DIR, or --slides DIR with --labels CSV.");
        TilingOptions cut = tiling.Read(parsed, scale);
        using var points = SlidePatches.AtPoints(LabelledPoints.Read(labels), slides, cut.PatchSize, cut.Mpp, cut.AssumeMpp, cut.Upsample,
            runtime: context.Slides);
        using TileManifest manifest = SourceOptions.TileSlides(slides, cut, context.Slides);
        using var tissue = SlidePatches.FromManifest(manifest, runtime: context.Slides);
        return Run(plan, SweepData.FromSlides(tissue, WithPatients(parsed, points), split), folder, seeds);
    }

    private static IPatchSource WithPatients(ParseResult parsed, IPatchSource source)
    {
        if (parsed.GetValue(PatientsFile) is not { } csv)
            return source;
        (PatchTable table, string said) = PatientList.Read(csv).Apply(source.Table);
        Shell.Say(said);
        return new RegroupedPatches(source, table, $"patients of {csv}");
    }

    private static int Run(SweepPlan plan, SweepData data, string folder, int[] seeds)
    {
        Shell.Say(data.Describe);
        var runner = new SweepRunner(plan, data, folder, Shell.Say, steps => new ProgressLine(steps));
        try
        {
            runner.Run(seeds, Shell.Stop);
        }
        catch (OperationCanceledException)
        {
            throw new Fault(FaultKind.Input, $"Stopped; what is finished is in '{runner.Table}': the same command goes on from there.");
        }
        Console.Write(File.ReadAllText(runner.Table));
        Shell.Say($"{runner.Table}");
        return 0;
    }

    private static int[] Seeds(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        int[] seeds = [.. parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int seed)
            ? seed
            : throw new Fault(FaultKind.Usage, $"--seeds takes whole numbers with commas between them, as in 1,2,3; '{part}' is none."))];
        return seeds.Length > 0 && seeds.Distinct().Count() == seeds.Length
            ? seeds
            : throw new Fault(FaultKind.Usage, $"--seeds '{text}': at least one seed, each once.");
    }
}
