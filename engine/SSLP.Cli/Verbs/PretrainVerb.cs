using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp pretrain</c>: slides or patches in, a run folder with encoder.safetensors out.</summary>
internal static class PretrainVerb
{
    public static Command Create()
    {
        var input = new SourceOptions();
        var outFolder = new Option<string?>("--out") { Description = "RUN, the folder of the run", HelpName = "RUN" };
        var config = new Option<string?>("--config") { Description = "run.yaml: flat 'key: value' lines", HelpName = "run.yaml" };
        var sets = new Option<string[]>("--set")
        {
            Description = "key=value, over --config; may be repeated. Keys: sslp pretrain --options",
            HelpName = "key=value",
            DefaultValueFactory = _ => [],
        };
        var init = new Option<string?>("--init")
        {
            Description =
                "begin with this ResNet: safetensors of a run's encoder, torchvision, timm, MoCo, lightly, mmselfsup, DINO or Hugging " +
                "Face; the same as --set init=FILE",
            HelpName = "FILE",
        };
        var probeLabels = new Option<string?>("--probe-labels")
        {
            Description =
                "with slides: CSV of slide,x,y,label[,split] that the online probe of probe_every judges by; nothing is trained on it",
            HelpName = "CSV",
        };
        var resume = new Option<bool>("--resume") { Description = "go on from the newest checkpoint of RUN" };
        var from = new Option<string?>("--resume-from")
        {
            Description = "go on from this checkpoint of RUN instead of the newest; later ones are set aside",
            HelpName = "FILE",
        };
        var extend = new Option<bool>("--extend")
        {
            Description =
                "go on with more patches than the run had: rows of the bank are matched by slide and place, new ones begin as in a new " +
                "run; epochs and max_steps may differ",
        };
        var replay = new Option<string?>("--replay")
        {
            Description =
                "with the run's patches: run the step that a run ended at for want of finite numbers again, print where they appear, and " +
                "stop",
            HelpName = "RUN/diverged",
        };
        var plan = new Option<bool>("--plan")
        {
            Description = "print what the run takes of memory, disk and time, part by part, and stop; exit code 1 where it cannot fit",
        };
        var list = new Option<bool>("--options") { Description = "list every key with its default and meaning, and stop" };
        var command = new Command("pretrain", "Pretrain an encoder on slides or on patches that are already cut.")
        {
            outFolder, config, sets, init, probeLabels, resume, from, extend, replay, plan, list,
        };
        input.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(list))
                return PrintOptions();
            if (parsed.GetValue(replay) is { } diverged)
            {
                if (parsed.GetValue(outFolder) is not null || parsed.GetValue(config) is not null || parsed.GetValue(init) is not null
                    || parsed.GetValue(resume) || parsed.GetValue(probeLabels) is not null)
                    throw new Fault(FaultKind.Usage,
                        "--replay takes the run's patches, and --set for device and threads; its options come from the folder, and " +
                        "nothing is written.");
                using EngineContext replaying = ContextOptions.Open(parsed);
                return ReplayRun.Execute(parsed, replaying, input, diverged, parsed.GetValue(sets) ?? []);
            }
            string[] settings = [.. parsed.GetValue(sets) ?? [], .. parsed.GetValue(init) is { } file ? [$"init={file}"]
                : Array.Empty<string>(), .. input.KeysOf(parsed)];
            TrainingOptions options = RunConfig.Read(ContextOptions.Defaults(), parsed.GetValue(config), settings,
                ContextOptions.Given(parsed));
            double? given = RunConfig.IsSet("mpp", parsed.GetValue(config), settings) ? options.Mpp : null;
            if (parsed.GetValue(probeLabels) is not null && options.ProbeEvery == 0)
                throw new Fault(FaultKind.Usage,
                    "--probe-labels is what the online probe judges by: say how often with --set probe_every=500.");
            InitialWeights.Require(options.Init);
            using EngineContext context = ContextOptions.Open(options);
            using ProcessGroup? group = ContextOptions.JoinOthers();
            return group is null ? Run(null) : Together(group, Run);

            int Run(ProcessGroup? group)
            {
                bool writes = group?.IsFirst ?? true;
                var folder = new RunFolder(parsed.GetValue(outFolder) ?? throw new Fault(FaultKind.Usage, "pretrain needs --out RUN."));
                using IPatchSource source = input.Open(
                    parsed, context, new PatchScale(options.Patch, options.Mpp, given, options.TissueRule),
                    needsCoordinates: options.Method == MethodKind.Sslp, writes ? folder : null, learns: true);
                if (parsed.GetValue(plan))
                {
                    RunPlan planned = RunPlan.Of(options, source.Table.Count, source.PatchSize, group?.Size ?? 1);
                    if (!writes)
                        return 0;
                    Console.WriteLine(source.Describe);
                    foreach (string cut in new RunSizes(options, source.Table.Count).Cuts)
                        Console.WriteLine(cut);
                    foreach (string line in planned.Lines())
                        Console.WriteLine(line);
                    planned.Require(folder, RunPlan.AvailableMemory, RunPlan.FreeDisk(folder.Root));
                    Device device = Devices.Select(options.Device);
                    using KernelSet kernels = context.OpenKernels(Devices.NumberOf(device));
                    context.Enter();
                    foreach (string line in PlanTimes.Measure(options, source, kernels, device).Lines())
                        Console.WriteLine(line);
                    return 0;
                }
                using IPatchSource? probed = parsed.GetValue(probeLabels) is { } csv
                    ? input.OpenPoints(parsed, context, csv, source) : null;
                string? checkpoint = parsed.GetValue(from);
                if (checkpoint is not null && !File.Exists(checkpoint))
                    throw new Fault(FaultKind.Usage,
                        $"--resume-from '{checkpoint}' is not there; the run's checkpoints are in '{folder.Checkpoints}'.");
                bool goOn = parsed.GetValue(resume) || checkpoint is not null || parsed.GetValue(extend);
                if (parsed.GetValue(extend) && !Directory.Exists(folder.Checkpoints))
                    throw new Fault(FaultKind.Usage, $"--extend goes on with a run, and '{folder.Root}' holds none.");
                PretrainRun.Execute(context, options, folder, source, goOn, probed, checkpoint, parsed.GetValue(extend), group);
                // Judging takes labels that pretraining does not ask for: sslp report does it.
                if (writes)
                    ReportVerb.Write(folder, source, null, folder.Report, judge: false);
                return 0;
            }
        });
        return command;
    }

    /// <summary>One of several processes: what ends one of them ends all, so that none waits for it for ever.</summary>
    private static int Together(ProcessGroup group, Func<ProcessGroup, int> run)
    {
        if (!group.IsFirst)
            Shell.Quiet();
        try
        {
            return run(group);
        }
        catch (Exception thrown) when (!group.IsEnding)
        {
            Fault fault = Fault.Of(thrown);
            Shell.Fail($"process {group.Rank} of {group.Size}: {fault.Message}", ExitCodes.Of(fault.Kind));
            group.Abort(ExitCodes.Of(fault.Kind));
            throw;
        }
    }

    private static int PrintOptions()
    {
        foreach (SSLP.Engine.Options.Option option in OptionTable.All)
        {
            string unit = option.Unit.Length > 0 ? $", {option.Unit}" : string.Empty;
            string takes = option.Takes.Replace($" to {int.MaxValue}", " on", StringComparison.Ordinal);
            Console.WriteLine($"{option.Key,-20} {option.MarkedDefault,-14} {option.Meaning}{unit}; takes {takes}");
        }
        Console.WriteLine($"\nWhere a default is from: {OptionTable.Legend}.");
        return 0;
    }
}
