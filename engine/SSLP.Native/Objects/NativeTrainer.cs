using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>A pretraining run in a folder, stepped by the host.</summary>
internal sealed class NativeTrainer : NativeObject
{
    private readonly EngineContext _engine;
    private readonly RunFolder _folder;
    private readonly PretrainJob _job;
    private readonly SteppedRun _run;

    public NativeTrainer(NativePatches patches, string folder, string options, bool resume)
        : base("trainer", isExclusive: true, patches)
    {
        NativeContext context = patches.Context;
        TrainingOptions read = RunConfig.Of([.. Settings(options, context)]);
        if (read.ProbeEvery > 0)
            throw new Fault(FaultKind.Usage, "probe_every is for the command line: a host judges the encoder by its own means.");
        _folder = new(folder);
        _engine = new(read.Engine with { Libtorch = OwnTorch.FolderFor(read.Libtorch) }, context.HostWorkers);
        try
        {
            _job = new(read, _folder, patches.Source, "sslp.h", resume, context: _engine);
        }
        catch
        {
            _engine.Dispose();
            throw;
        }
        if (_job.Method.Idle(_job.Trainer.Schedule.TotalSteps, _job.Trainer.Schedule.StepsPerEpoch) is { } idle)
            context.Warn(idle);
        BatchSize = Math.Min(read.BatchSize, patches.Source.Table.Count);
        _run = new(_job);
    }

    public int BatchSize { get; }

    public int StepsDone => _job.Trainer.StepsDone;

    public int TotalSteps => _job.Trainer.Schedule.TotalSteps;

    public int StepsPerEpoch => _job.Trainer.Schedule.StepsPerEpoch;

    public bool Resumed => _job.Resumed;

    /// <inheritdoc cref="SteppedRun.Next"/>
    public StepMetrics? Next() => _run.Next();

    /// <inheritdoc cref="SteppedRun.Pause"/>
    public void Checkpoint() => _run.Pause();

    /// <summary>Writes the encoder as it is now to a file.</summary>
    /// <exception cref="Fault">No step was done yet.</exception>
    public void Export(string path)
    {
        _run.Pause();
        if (!File.Exists(_folder.Encoder))
            throw new Fault(FaultKind.Input, $"'{_folder.Root}' has no encoder yet: do a step first.");
        byte[] encoder = File.ReadAllBytes(_folder.Encoder);
        AtomicFile.Write(path, stream => stream.Write(encoder));
    }

    public override void Cancel() => _run.Stop();

    /// <summary>Ends the run; steps that no checkpoint holds yet are kept by one.</summary>
    public override void Dispose()
    {
        try
        {
            _run.Pause();
        }
        finally
        {
            _job.Dispose();
            _engine.Dispose();
        }
    }

    /// <summary>What the context says, then the host's lines: the later one wins.</summary>
    private static IEnumerable<RunSetting> Settings(string options, NativeContext context)
    {
        yield return new("threads", $"{context.Threads}", "the context");
        yield return new("kernels", context.Backend.ToString().ToLowerInvariant(), "the context");
        yield return new("libtorch", context.Libtorch, "the context");
        if (context.Scores == DeviceScores.BFloat16)
            yield return new("scores", "bf16", "the context");
        if (context.Device > 0)
            yield return new("device", $"cuda:{context.Device}", "the context");
        foreach ((int number, string line) in options.Split('\n').Index())
        {
            if (line.Trim() is not { Length: > 0 } text)
                continue;
            int equals = text.IndexOf('=');
            if (equals < 1)
                throw new Fault(FaultKind.Usage, $"Line {number + 1} of the options is '{text}': each is key=value, as in epochs=20.");
            yield return new(text[..equals].Trim(), text[(equals + 1)..].Trim(), $"line {number + 1} of the options");
        }
    }
}
