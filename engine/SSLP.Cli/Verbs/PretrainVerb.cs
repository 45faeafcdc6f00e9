using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp pretrain</c>: slides or patches in, a run folder with encoder.safetensors out.</summary>
internal static class PretrainVerb
{
    public static Command Create()
    {
        var arguments = new PretrainArguments();
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
            extend, replay, plan, list,
        };
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(list))
                return PrintOptions();
            if (parsed.GetValue(replay) is { } diverged)
            {
                if (arguments.NamesRun(parsed))
                    throw new Fault(FaultKind.Usage,
                        "--replay takes the run's patches, and --set for device and threads; its options come from the folder, and " +
                        "nothing is written.");
                using EngineContext replaying = ContextOptions.Open(parsed);
                return ReplayRun.Execute(parsed, replaying, arguments.Input, diverged, arguments.Sets(parsed));
            }
            TrainingOptions options = arguments.Options(parsed);
            using EngineContext context = ContextOptions.Open(options);
            using ProcessGroup? group = ContextOptions.JoinOthers();
            return group is null ? Run(null) : Together(group, Run);

            int Run(ProcessGroup? group)
            {
                bool writes = group?.IsFirst ?? true;
                var folder = new RunFolder(
                    parsed.GetValue(arguments.Out) ?? throw new Fault(FaultKind.Usage, "pretrain needs --out RUN."));
                if (writes && !parsed.GetValue(plan))
                    Outputs.RequireFolder(folder.Root, "--out");
                using IPatchSource source = arguments.Open(parsed, context, options, writes ? folder : null);
                if (parsed.GetValue(plan))
                {
                    Print(context, options, folder, source, group);
                    return 0;
                }
                using IPatchSource? probed = arguments.OpenProbed(parsed, context, source);
                string? checkpoint = arguments.From(parsed, folder);
                bool goOn = parsed.GetValue(arguments.Resume) || checkpoint is not null || parsed.GetValue(extend);
                if (parsed.GetValue(extend) && !Directory.Exists(folder.Checkpoints))
                    throw new Fault(FaultKind.Usage, $"--extend goes on with a run, and '{folder.Root}' holds none.");
                PretrainRun.Execute(context, options, folder, source, goOn, probed, checkpoint, parsed.GetValue(extend), group);
                // Judging takes labels that pretraining does not ask for: sslp report does it.
                if (writes)
                {
                    GiveBackTheRuns();
                    ReportVerb.Write(folder, source, null, folder.Report, judge: false);
                }
                return 0;
            }
        });
        return command;
    }

    /// <summary>What a run that has ended held by rows of its bank is garbage: given back before the report reads the bank again, so that
    /// the two are not there at once.</summary>
    private static void GiveBackTheRuns() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>What the run takes. What kernels=auto comes to decides what that is; kernels that are named are planned for where they
    /// cannot run, too.</summary>
    private static void Print(EngineContext context, TrainingOptions options, RunFolder folder, IPatchSource source, ProcessGroup? group)
    {
        Device device = Devices.Select(options.Device);
        string? note = null;
        KernelSet? kernels = options.Kernels == KernelBackend.Auto ? context.OpenKernels(out note, device, group is null) : null;
        try
        {
            var planned = RunPlan.Of(
                options with { Kernels = kernels?.Backend ?? options.Kernels }, source.Table.Count, source.PatchSize, group?.Size ?? 1);
            if (group is { IsFirst: false })
                return;
            Console.WriteLine(source.Describe);
            foreach (string cut in new RunSizes(options, source.Table.Count).Cuts)
                Console.WriteLine(cut);
            foreach (string line in planned.Lines())
                Console.WriteLine(line);
            planned.Require(folder, RunPlan.AvailableMemory, RunPlan.FreeDisk(folder));
            if (note is not null)
                Shell.Say(note);
            kernels ??= context.OpenKernels(out _, device, group is null);
            if (kernels.Context is { } cuda)
                planned.RequireDevice(cuda.Memory().Free);
            context.Enter();
            foreach (string line in PlanTimes.Measure(options, source, kernels, device).Lines())
                Console.WriteLine(line);
        }
        finally
        {
            kernels?.Dispose();
        }
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
            var fault = Fault.Of(thrown);
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
