using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Evaluation.Probes;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using TorchSharp;

namespace SSLP.Bench.Profile;

/// <summary>What is profiled.</summary>
internal sealed record ProfilePlan
{
    /// <summary>Of the run, as pretrain would take them.</summary>
    public required TrainingOptions Options { get; init; }

    /// <summary>Where trace, table and metrics go.</summary>
    public required string Folder { get; init; }

    /// <summary>Steps that are looked at.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps before them: the JIT compiles, caches fill.</summary>
    public required int Warmup { get; init; }

    /// <summary>The command line of this process, for the profilers' own.</summary>
    public required string Command { get; init; }

    /// <summary>The checkpoint that is gone on from; null: a run from its beginning.</summary>
    public string? From { get; init; }

    /// <summary>Labelled patches of the online probe; null: the run's own.</summary>
    public IPatchSource? Probed { get; init; }
}

/// <summary>
/// The first steps of a pretraining run with its stages recorded. It is the run that pretrain would do, step for step, with the same
/// losses; it lives in a folder of its own, which goes at the end.
/// </summary>
internal static class ProfileRun
{
    /// <summary>Files in <see cref="ProfilePlan.Folder"/>.</summary>
    public const string TraceName = "trace.json", ReportName = "profile.json", MetricsName = "metrics.jsonl";

    /// <param name="plan">What is profiled.</param>
    /// <param name="source">The patches; stays the caller's.</param>
    /// <param name="context">With a recorder that keeps events; stays the caller's.</param>
    /// <param name="warn">Takes sentences that a user should read.</param>
    /// <param name="stop">Cancel to end at once; then there is no report.</param>
    /// <exception cref="Fault">As pretrain; or the run ended before the warm-up was over, or was stopped.</exception>
    public static ProfileReport Execute(
        ProfilePlan plan, IPatchSource source, EngineContext context, Action<string> warn, CancellationToken stop)
    {
        StageRecorder recorder = context.Settings.Recorder
            ?? throw new ArgumentException("A context that records nothing has no profile.", nameof(context));
        Directory.CreateDirectory(plan.Folder);
        var run = new RunFolder(Path.Combine(plan.Folder, $"run-{Environment.ProcessId}"));
        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
            using var job = new PretrainJob(
                plan.Options, run, source, "sslp profile", resume: plan.From is not null, plan.Probed, OnlineProbe.Factory, context,
                plan.From);
            job.Trainer.Warn = warn;
            using CudaContext? cuda = Devices.ContextOf(job.Device);
            var window = new ProfileWindow(recorder, cuda, plan.Warmup, plan.Steps, end);
            job.Run(window, end.Token);
            window.Close();
            if (stop.IsCancellationRequested)
                throw new Fault(FaultKind.Input, $"Stopped after {window.Done} of {plan.Warmup + plan.Steps} steps: there is no profile.");
            if (window.Steps == 0)
                throw new Fault(FaultKind.Input,
                    $"The run ended after {window.Done} steps, and the first {plan.Warmup} are the warm-up: lower --warmup, or let it " +
                    $"train longer.");
            File.Copy(run.Metrics, Path.Combine(plan.Folder, MetricsName), overwrite: true);
            ProfileReport report = Report(plan, job, source, context, recorder, window);
            ChromeTrace.Write(report.Trace, recorder, $"sslp profile, {report.Steps} steps");
            File.WriteAllText(
                Path.Combine(plan.Folder, ReportName), JsonSerializer.Serialize(report, ProfileJson.Default.ProfileReport));
            return report;
        }
        finally
        {
            if (Directory.Exists(run.Root))
                Directory.Delete(run.Root, recursive: true);
        }
    }

    private static ProfileReport Report(
        ProfilePlan plan, PretrainJob job, IPatchSource source, EngineContext context, StageRecorder recorder, ProfileWindow window)
    {
        TrainingOptions options = plan.Options;
        int batch = job.Trainer.Sizes.BatchSize, patches = window.Steps * batch;
        int readers = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        bool onDevice = job.Device.type != DeviceType.CPU || job.Kernels == KernelBackend.Cuda;
        StageFloors? floors = onDevice ? null
            : new(options, source.Table.Count, batch, source.PatchSize, context.Workers.Workers);
        double wall = recorder.Seconds;
        Dictionary<Stage, StageTotal> totals = Enum.GetValues<Stage>().ToDictionary(stage => stage, recorder.Of);
        // What the stepping thread does in no stage is the step's own.
        double named = totals.Where(t => t.Key != Stage.Step && t.Key.Threads() == StageThreads.Stepping).Sum(t => t.Value.Seconds);
        totals[Stage.Step] = totals[Stage.Step] with { Seconds = Math.Max(0, wall - named) };

        ProfileStage[] stages = [.. totals.Where(t => t.Value.Seconds > 0)
            .OrderBy(t => t.Key.Threads()).ThenByDescending(t => t.Value.Seconds).Select(t => Row(t.Key, t.Value))];
        List<string> notes =
        [
            source.Describe,
            "shares of step are of the stepping thread's time; those of readers are of all their threads' time, beside it",
            floors is null
                ? "the network or the kernels are on a device: what the host enqueues is timed here, the device's own time is in nsys"
                : $"floors by this machine's measured {floors.Describe}, float32",
        ];
        if (job.Device.type == DeviceType.CPU)
            notes.Add("the network is on the CPU: nsys shows the ranges; ncu has something to show on a machine with a device");
        if (window.Steps < plan.Steps)
            notes.Add($"the run ended after {window.Done} steps: {window.Steps} of {plan.Steps} were looked at");
        return new(
            ThisProcess.Machine(context.Workers.Workers), ThisProcess.Commit(), job.Device.ToString(), job.Method.Describe, window.Steps,
            plan.Warmup, batch, wall, patches / wall, readers, stages,
            ProfileVerdict.Of(Share, readers, Environment.ProcessorCount, onDevice),
            ProfilerCommands.Nsys(plan.Command, plan.Folder, job.Device.type != DeviceType.CPU),
            ProfilerCommands.Ncu(plan.Command, plan.Folder), Path.Combine(plan.Folder, TraceName), notes);

        int Width(Stage stage) => stage.Threads() == StageThreads.Readers ? readers : 1;

        double Share(Stage stage) => totals[stage].Seconds / (wall * Width(stage));

        ProfileStage Row(Stage stage, StageTotal total) => new(
            stage == Stage.Step ? "rest" : stage.Name(),
            stage.Threads() switch { StageThreads.Readers => "readers", StageThreads.Writer => "writer", _ => "step" },
            total.Seconds, Share(stage), patches * Width(stage) / total.Seconds, total.Bytes,
            floors?.Seconds(stage, total, window.Steps, job.Trainer.WeightBytes) / total.Seconds, total.Count);
    }
}
