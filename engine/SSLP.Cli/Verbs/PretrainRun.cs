using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Probes;

namespace SSLP.Cli.Verbs;

/// <summary>Runs a pretraining job with its progress on the terminal; pretrain and demo share it.</summary>
internal static class PretrainRun
{
    /// <returns>0 when finished; 1 when stopped from outside.</returns>
    /// <param name="context">Opened by the verb.</param>
    /// <param name="options">Every option.</param>
    /// <param name="folder">Where the run lies or will lie.</param>
    /// <param name="source">The patches.</param>
    /// <param name="resume">Go on where there is a checkpoint.</param>
    /// <param name="probed">Labelled patches of the online probe.</param>
    /// <param name="from">The checkpoint to go on from; null for the newest.</param>
    /// <param name="extend">Go on with more patches than the run had.</param>
    /// <param name="group">The processes that train together; null for this one alone.</param>
    public static int Execute(
        EngineContext context, TrainingOptions options, RunFolder folder, IPatchSource source, bool resume, IPatchSource? probed = null,
        string? from = null, bool extend = false,
        ProcessGroup? group = null)
    {
        using var job = new PretrainJob(options, folder, source, Command, resume, probed, OnlineProbe.Factory, context, from,
            extend, group);
        Schedule schedule = job.Trainer.Schedule;
        Shell.Say(source.Describe);
        if (group is not null)
            Shell.Say($"{group.Size} processes by {group.Library}: {group.Size} × {options.BatchSize} patches a step");
        else if (options.Bank == BankPlacement.Sharded)
            Shell.Warn("bank=sharded: this process is alone and holds every row; mpirun -n 2 sslp … makes parts.");
        if (job.GradientsNote is { } slower)
            Shell.Warn(slower);
        if (job.KernelsNote is { } note)
            Shell.Say(note);
        Shell.Say(job.Resumed
            ? $"resuming at step {job.Trainer.StepsDone:N0} of {schedule.TotalSteps:N0} on {job.Device}"
            : $"{schedule.TotalSteps:N0} steps of {job.Trainer.Sizes.BatchSize}, {schedule.StepsPerEpoch:N0} an epoch, on {job.Device}");
        foreach (string cut in job.Trainer.Sizes.Cuts)
            Shell.Warn(cut);
        if (job.Trainer.Extended is var (kept, gone))
            Shell.Say($"{kept:N0} rows of the run's bank are among the {source.Table.Count:N0} patches, {source.Table.Count - kept:N0} " +
                $"begin as in a new run, {gone:N0} are gone");
        if (job.Resumed && File.Exists(folder.Metrics) && MetricsLog.Read(folder.Metrics, out string? damaged) is not null
            && damaged is not null)
            Shell.Warn(damaged);
        foreach (string aside in job.SetAside)
            Shell.Say($"set aside: {aside}");
        if (job.Method.Idle(schedule.TotalSteps, schedule.StepsPerEpoch) is { } idle)
            Shell.Warn(idle);
        if (job.Trainer.InitSha256 is { } hash && !job.Resumed)
            Shell.Say($"begins with '{options.Init}' (SHA-256 " +
                $"{hash[..12]}…{(InitialWeights.ChoiceIn(options.Init) is { } choice ? $"; {choice}" : "")})");
        if (job.Probe is { } probe)
            Shell.Say($"online probe every {options.ProbeEvery} steps: {probe}");
        job.Trainer.Warn = Shell.Warn;
        TrainingOutcome outcome = job.Run(new ProgressLine(schedule.TotalSteps), Shell.Stop);
        foreach (SlideFaults faults in job.Trainer.Faults)
            Shell.Warn($"{faults.Slide}: {faults.Failed} patches did not " +
                $"read{(faults.Quarantined ? " and the slide was quarantined" : string.Empty)}: {faults.FirstReason}");
        if (!outcome.Finished)
            throw new Fault(FaultKind.Input,
                $"Stopped at step {outcome.Steps:N0} of {schedule.TotalSteps:N0}; the checkpoint is in '{folder.Checkpoints}': go on " +
                $"with --resume.");
        Shell.Say($"encoder: {folder.Encoder}");
        return 0;
    }

    /// <summary>For run.json: its arguments name what --anonymise hides.</summary>
    private static string Command => Shell.IsConcealing ? "sslp pretrain (arguments left out by --anonymise)" : Environment.CommandLine;
}
