using System.CommandLine;
using System.Globalization;
using SSLP.Data.Patches;
using SSLP.Engine.Diverged;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp pretrain … --replay RUN/diverged</c>: the one step that a run ended at, from the state before it.</summary>
internal static class ReplayRun
{
    /// <param name="parsed">The command line, which names the run's patches.</param>
    /// <param name="context">Of this process.</param>
    /// <param name="input">Opens them.</param>
    /// <param name="folder">RUN/diverged.</param>
    /// <param name="sets">Device and threads.</param>
    public static int Execute(ParseResult parsed, EngineContext context, SourceOptions input, string folder, IEnumerable<string> sets)
    {
        using var replay = new StepReplay(folder);
        replay.Set(sets);
        using IPatchSource source =
            input.Open(parsed, context, new PatchScale(replay.Options.Patch, replay.Options.Mpp, Tissue: replay.Options.TissueRule),
            needsCoordinates: replay.Options.Method == MethodKind.Sslp, learns: true);
        DivergedStep step = replay.Record;
        Shell.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"step {step.Step} (epoch {step.Epoch}, batch {step.Batch}): {step.Patches.Count} patches of {source.Describe}, seed " +
            $"{step.Seed}, learning rate {step.LearningRate:G4}, ramp {step.Ramp:G4}"));
        StepTrace trace = replay.Run(source);
        if (replay.KernelsNote is { } note)
            Shell.Say(note);
        foreach (string line in StepReplay.Lines(trace))
            Console.WriteLine(line);
        StepTerms now = trace.Terms;
        Console.WriteLine($"now:      {DivergedStep.Losses(now.Loss, now.Self, now.Intra, now.Inter, trace.GradientNorm)}");
        Console.WriteLine($"recorded: {DivergedStep.Losses(step.Loss, step.Self, step.Intra, step.Inter, step.GradientNorm)}");
        string? recorded = step.Trace.FirstOrDefault(place => place.NotFinite > 0)?.Place;
        Console.WriteLine(trace.First is { } first
            ? $"the first numbers that are not finite: {first.Place}, {first.NotFinite:N0} of " +
                $"{first.Count:N0}{(first.Place == recorded ? ", as recorded" : $"; recorded was {recorded ?? "none"}")}"
            : "every number is finite this time: what the run met is not to be had from its state, so look at the machine's memory, its " +
                "device and their drivers");
        return 0;
    }
}
