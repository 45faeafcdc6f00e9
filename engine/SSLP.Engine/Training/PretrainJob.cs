using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Methods;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Watch;
using SSLP.Engine.Weights;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>
/// A whole pretraining run: checks the folder, builds the method, trains or goes on, and leaves run.json, metrics, checkpoints and
/// encoder.safetensors behind.
/// </summary>
public sealed class PretrainJob : IDisposable
{
    /// <summary>How a patch becomes an input when nothing is drawn: what an encoder's metadata says.</summary>
    public const string Resampling = "bilinear, antialiased";

    private readonly TrainingOptions _options;
    private readonly RunFolder _folder;
    private readonly IPatchSource _source;
    private readonly EngineContext _context;
    private readonly EngineContext? _own;
    private readonly KernelSet _kernels;
    private readonly Trainer _trainer;
    private readonly Method _method;
    private readonly IRunProbe? _probe;
    private readonly RunLock? _lock;
    private readonly ProcessGroup? _group;

    /// <param name="options">Every option.</param>
    /// <param name="folder">Where the run lies or will lie.</param>
    /// <param name="source">The patches; stays the caller's.</param>
    /// <param name="command">The command line, for run.json.</param>
    /// <param name="resume">Go on from the newest checkpoint, where there is one, or from <paramref name="from"/>.</param>
    /// <param name="probed">Labelled patches of the online probe, where they are others than <paramref name="source"/>; stays the
    /// caller's.</param>
    /// <param name="makeProbe">Makes the online probe that <see cref="TrainingOptions.ProbeEvery"/> asks for.</param>
    /// <param name="context">Opened by the host and its own; null: one that the options ask for, which goes with the job.</param>
    /// <param name="from">The checkpoint to go on from; later ones of the run are set aside. Null for the newest.</param>
    /// <param name="extend">The patches are more than the run's: rows of the bank are matched by slide and place, the others begin
    /// anew.</param>
    /// <param name="group">The processes that train together, each with batches of the options' size; null for this one alone. The first of
    /// them writes.</param>
    /// <exception cref="Fault"> Too few patches, a run in the folder already, another process that writes it, other options than the
    /// checkpoint's, no such device, an online probe with nothing to judge by.
    /// </exception>
    public PretrainJob(TrainingOptions options, RunFolder folder, IPatchSource source, string command, bool resume,
        IPatchSource? probed = null,
        RunProbeFactory? makeProbe = null, EngineContext? context = null, string? from = null, bool extend = false,
        ProcessGroup? group = null)
    {
        (_options, _folder, _source, _group) = (options, folder, source, group);
        if (source.Table.Count < 8)
            throw new Fault(FaultKind.Input, $"{source.Table.Count} patches are too few to learn from; pretraining needs at least 8.");
        if (!resume && Directory.Exists(folder.Checkpoints) && Directory.EnumerateFiles(folder.Checkpoints).Any())
            throw new Fault(FaultKind.Input, $"'{folder.Root}' holds a run with checkpoints: go on with --resume, or name another --out.");
        RunPlan.Of(options, source.Table.Count, source.PatchSize, group?.Size ?? 1)
            .Require(folder, RunPlan.AvailableMemory, RunPlan.FreeDisk(folder));
        // All have looked before one writes.
        group?.Barrier();
        _lock = Writes ? RunLock.Take(folder, command) : null;
        try
        {
            _own = context is null ? new EngineContext(options.Engine) : null;
            _context = context ?? _own!;
            (Device, _kernels, _method, _trainer, _probe, Resumed) = Begin(resume, probed, makeProbe, from, extend);
            Probe = _probe?.Describe;
            if (Probe is not null && probed is null && options.Method == MethodKind.Supervised)
                Probe += ", whose labels this run learns from: not a held-out figure";
            if (Writes)
                Record(command).Save(folder.RunJson);
            // All have read the checkpoint before one writes the next.
            group?.Barrier();
        }
        catch
        {
            _lock?.Abandon();
            _own?.Dispose();
            throw;
        }
    }

    private (Device, KernelSet, Method, Trainer, IRunProbe?, bool) Begin(bool resume, IPatchSource? probed, RunProbeFactory? makeProbe,
        string? from, bool extend)
    {
        var checkpoints = new Checkpoint(_folder, _options.KeepCheckpoints);
        if (Writes)
            checkpoints.RemovePartial();
        Device device = Devices.Select(_options.Device, _group?.Place ?? 0);
        KernelSet kernels = _context.OpenKernels(out string? note, device, isAlone: _group is null);
        KernelsNote = note;
        try
        {
            // All of them, with a device or without: they agree on the way.
            GradientsNote = _group?.UseDevice(Devices.ContextOf(device));
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
        // Not where the host executes them: that has been looked into already.
        if (kernels.Context is { IsOnHost: false } && _context.KernelsAtFault(kernels) is { } wrong)
        {
            kernels.Dispose();
            throw new Fault(FaultKind.Device, wrong);
        }
        using (CudaContext? cuda = kernels.Backend == KernelBackend.Cuda ? Devices.ContextOf(device) : null)
        {
            if (cuda is not null)
            {
                RunPlan.Of(_options with { Kernels = kernels.Backend }, _source.Table.Count, _source.PatchSize)
                    .RequireDevice(cuda.Memory().Free);
            }
        }
        Method? method = null;
        Trainer? trainer = null;
        try
        {
            _context.Enter();
            method = EngineContext.Seeded(_options.Seed, () => MethodFactory.Create(_options, _source.Table, kernels, _group));
            if (_options.ProbeEvery > 0 && makeProbe is null)
                throw new ArgumentNullException(nameof(makeProbe), "probe_every asks for an online probe, and none was given.");
            IRunProbe? probe = _options.ProbeEvery > 0
                ? makeProbe!(probed ?? _source, Preprocessing, device, kernels.Pool, unchecked((int)_options.Seed)) : null;
            trainer = new Trainer(_options, _folder, _source, method, device, kernels, probe, _group, _context.Stages);
            bool resumed = resume && trainer.Resume(from, extend);
            if (resumed && from is not null && Writes)
                SetAside = checkpoints.SetAsideLater(from, trainer.StepsDone);
            return (device, kernels, method, trainer, probe, resumed);
        }
        catch
        {
            // The trainer owns the method once it is made.
            ((IDisposable?)trainer ?? method)?.Dispose();
            kernels.Dispose();
            throw;
        }
    }

    /// <summary>Later checkpoints that were put out of the way when the run went back to an earlier one.</summary>
    public IReadOnlyList<string> SetAside { get; private set; } = [];

    private bool Writes => _group?.IsFirst ?? true;

    /// <summary>Where the network runs.</summary>
    public Device Device { get; }

    /// <summary>Why kernels=auto took the CPU's kernels, as a sentence; null where it did not.</summary>
    public string? KernelsNote { get; private set; }

    /// <summary>Why several processes' gradients go from their devices through the host, as a sentence; null where they do not.</summary>
    public string? GradientsNote { get; private set; }

    /// <summary>True where a checkpoint was gone on from.</summary>
    public bool Resumed { get; }

    /// <summary>What the online probe judges by; null where there is none.</summary>
    public string? Probe { get; }

    /// <summary>What is trained.</summary>
    internal Method Method => _method;

    /// <summary>The kernels that it came to, which auto leaves open.</summary>
    internal KernelBackend Kernels => _kernels.Backend;

    /// <summary>Steps, epochs and what is left of them.</summary>
    public Trainer Trainer => _trainer;

    /// <summary>Trains to the end or until stopped, then writes the encoder as it is.</summary>
    public TrainingOutcome Run(IProgress<StepMetrics>? progress, CancellationToken stop)
    {
        TrainingOutcome outcome = _trainer.Run(progress, stop);
        if (Writes)
            EncoderFile.Save(_folder.Encoder, _method.Encoder.Backbone.state_dict(), Description());
        return outcome;
    }

    public void Dispose()
    {
        _trainer.Dispose();
        _kernels.Dispose();
        _own?.Dispose();
        _lock?.Dispose();
    }

    private EncoderDescription Description() => new(
        _options.Arch.ToString().ToLowerInvariant(), _method.Encoder.Backbone.Features, _options.Method.ToString().ToLowerInvariant(),
        Preprocessing)
    {
        // What the run began with has seen slides too.
        TrainedOn = TrainedOn.Of(_source.Table).And(InitialWeights.TrainedOnOf(_options.Init)),
    };

    private EncoderPreprocessing Preprocessing => new(
        new Vector3(_options.Augment.Mean.R, _options.Augment.Mean.G, _options.Augment.Mean.B),
        new Vector3(_options.Augment.Deviation.R, _options.Augment.Deviation.G, _options.Augment.Deviation.B),
        _source.Mpp, _source.PatchSize, _options.InputSize, Resampling, "RGB");

    private RunRecord Record(string command)
    {
        PatchTable table = _source.Table;
        return new RunRecord(
            command, DateTime.UtcNow, _source.Describe, table.Count, table.Slides.Count, InputFingerprint.Of(_source),
            OptionTable.ToText(_options),
            new Dictionary<string, string>
            {
                ["steps"] = $"{_trainer.Schedule.TotalSteps}",
                ["steps_per_epoch"] = $"{_trainer.Schedule.StepsPerEpoch}",
                ["patch"] = $"{_source.PatchSize}",
                ["mpp"] = _source.Mpp is { } mpp ? mpp.ToString(CultureInfo.InvariantCulture) : "unknown",
                ["device"] = Device.ToString(),
                ["threads"] = $"{_kernels.Pool.Workers}",
                ["processes"] = _group is null ? "1" : $"{_group.Size}, {_group.Library}",
                ["kernels"] = _kernels.Backend.ToString().ToLowerInvariant(),
                ["method"] = _method.Describe,
                ["order"] = _trainer.Order,
                ["probe"] = Probe ?? "none",
            },
            new Dictionary<string, string>
            {
                ["sslp"] = typeof(PretrainJob).Assembly.GetName().Version?.ToString(3) ?? "unknown",
                ["dotnet"] = RuntimeInformation.FrameworkDescription,
                ["torchsharp"] = typeof(TorchSharp.torch).Assembly.GetName().Version?.ToString(3) ?? "unknown",
                ["libtorch"] = TorchRuntime.Describe,
                ["system"] = RuntimeInformation.OSDescription,
            })
        {
            InitSha256 = _trainer.InitSha256,
        };
    }
}
