using System.Diagnostics;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Diverged;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Optimizer;
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

/// <summary>How a run ended.</summary>
/// <param name="Steps">Steps done in all.</param>
/// <param name="Finished">False when it was stopped from outside; it goes on with --resume.</param>
/// <param name="Last">The last step's metrics; null when no step was left to do.</param>
public sealed record TrainingOutcome(int Steps, bool Finished, StepMetrics? Last);

/// <summary>
/// Pretraining: patches → views → encoder → loss → step, with its log, checkpoints and resume. A run is a function of its options, its
/// seed and its inputs on one backend.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly RunFolder _folder;
    private readonly IPatchSource _source;
    private readonly Method _method;
    private readonly Device _device;
    private readonly IWorkers _pool;
    private readonly FlatSgd _optimizer;
    private readonly RunSizes _sizes;
    private readonly PatchOrder _order;
    private readonly ReplacingReader _reader;
    private readonly ViewMaker _views;
    private readonly Checkpoint _checkpoints;
    private readonly CheckpointWriter _writer;
    private readonly StepGuard _guard;
    private readonly DeviceTraining? _onDevice;
    private readonly IRunProbe? _probe;
    private readonly string _inputs;
    private readonly string? _init;
    private readonly ProcessGroup? _group;
    private readonly TrainingOptions _whole; // with the batch of all processes, which is what a run's options mean
    private RunWatches? _watches;
    private bool _stopAgreed;
    private (int Rank, double Seconds) _slowest;
    private int _step;
    private long _lastLine;

    /// <param name="options">Every option of the run.</param>
    /// <param name="folder">Where it is written.</param>
    /// <param name="source">The patches; stays the caller's.</param>
    /// <param name="method">What is learned; owned from here on.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="kernels">Implementation and threads; stays the caller's.</param>
    /// <param name="probe">Reads the backbone every <see cref="TrainingOptions.ProbeEvery"/> steps, or null.</param>
    /// <param name="group">The processes that train together, each with batches of the options' size; null for this one alone.</param>
    internal Trainer(
        TrainingOptions options, RunFolder folder, IPatchSource source, Method method, Device device, KernelSet kernels,
        IRunProbe? probe = null, ProcessGroup? group = null)
    {
        _group = group;
        _whole = group is null ? options : options with { BatchSize = checked(options.BatchSize * group.Size) };
        (_options, _folder, _source, _method, _device, _pool, _probe) = (options, folder, source, method, device, kernels.Pool, probe);
        _sizes = new RunSizes(_whole, source.Table.Count);
        _order = new PatchOrder(source.Table, OrderOf(options, source), (ulong)options.Seed, _sizes.BatchSize);
        _reader = new ReplacingReader(source, (ulong)options.Seed);
        _views = new ViewMaker(
            options.Augment with { InputSize = options.InputSize }, source.PatchSize, OwnBatch, (ulong)options.Seed, device, _pool);
        _checkpoints = new Checkpoint(folder, options.KeepCheckpoints);
        _writer = new CheckpointWriter(_checkpoints);
        _inputs = InputFingerprint.Of(source);
        _init = options.Init.Length > 0 ? InitialWeights.HashOf(options.Init) : null;
        Schedule = new Schedule(_whole, _order.BatchesPerEpoch);
        method.To(device);
        method.Encoder.train();
        // After the move, which makes new parameters.
        _optimizer = new FlatSgd(method.Encoder, kernels, _whole.LearningRateOrDefault, options.Momentum, options.WeightDecay);
        _guard = new StepGuard(method, _optimizer);
        // Several processes train on the host.
        _onDevice = group is not null ? null : DeviceTraining.For(
            method, _guard, _optimizer, options.Augment with { InputSize = options.InputSize }, source.PatchSize, _order.BatchSize,
            (ulong)options.Seed, device);
    }

    /// <summary>Is told the stages of each step, for a bench; null in training.</summary>
    internal StepClock? Clock
    {
        get => _method.Clock;
        set => _method.Clock = value;
    }

    internal Schedule Schedule { get; }

    /// <summary>Patches of a step that this process reads.</summary>
    private int OwnBatch => _order.BatchSize / (_group?.Size ?? 1);

    /// <summary>One process writes the run.</summary>
    private bool Writes => _group?.IsFirst ?? true;

    /// <summary>Sizes as they came out for these patches.</summary>
    internal RunSizes Sizes => _sizes;

    /// <summary>Steps done, those before a resume included.</summary>
    public int StepsDone => _step;

    /// <summary>How the patches are mixed, with the randomness that this costs.</summary>
    public string Order => _order.Describe;

    /// <summary>SHA-256 of the file that the backbone began with, or null.</summary>
    public string? InitSha256 => _init;

    /// <summary>Patches that did not read, by slide.</summary>
    public IReadOnlyList<SlideFaults> Faults => _reader.Report();

    /// <summary>Takes a sentence that somebody who watches the run should read.</summary>
    public Action<string>? Warn { get; set; }

    /// <summary>Goes back to the newest checkpoint, or to another one.</summary>
    /// <param name="from">The checkpoint's file; null for the newest of the run.</param>
    /// <param name="extend"> These patches are more, or others, than the run's: rows of the bank are matched by slide and place, new ones
    /// begin as in a new run. Epochs and max_steps may differ then, too.
    /// </param>
    /// <returns>False where there is none.</returns>
    /// <exception cref="Fault">The checkpoint is of other options or other patches; names each difference.</exception>
    public bool Resume(string? from = null, bool extend = false)
    {
        if ((from is null ? _checkpoints.OpenNewest() : Checkpoint.Open(from)) is not var (state, file))
            return false;
        using (file)
        {
            int[]? rowOf = extend && state.Inputs != _inputs ? BankRows.Match(_folder.BankRows, state.Inputs, _source.Table) : null;
            RefuseOtherRun(state, extend, isExtended: rowOf is not null);
            _method.Encoder.LoadFrom(file);
            _optimizer.LoadFrom(file);
            _method.Load(file, rowOf);
            if (state.Faults is { } faults)
                _reader.Load(faults, rowOf);
            _step = state.Step;
            if (rowOf is not null)
                Extended = (rowOf.Count(row => row >= 0), rowOf.Count(row => row < 0));
            else if (Path.GetFullPath(Path.GetDirectoryName(Path.GetFullPath(file.Path))!) == Path.GetFullPath(_folder.Checkpoints))
                _writer.Resumed(file.Path, file);
        }
        return true;
    }

    /// <summary>Of a run that goes on with more patches: rows of its bank that were found among them, and rows that were not. Null where it
    /// is the same.</summary>
    public (int Kept, int Gone)? Extended { get; private set; }

    /// <summary>Writes the places of the bank's rows beside the run, where they are not there: a later run may go on with more patches by
    /// them.</summary>
    private void KeepRows()
    {
        if (!BankRows.AreOf(_folder.BankRows, _inputs))
            BankRows.Save(_folder.BankRows, _source.Table, _inputs);
    }

    /// <summary>Trains to the end or until stopped; a stop ends with a checkpoint.</summary>
    /// <param name="progress">Gets every step's metrics.</param>
    /// <param name="stop">Cancel to end after the running step.</param>
    /// <exception cref="Fault"> A step's loss, gradients or batch statistics are not finite: nothing of it is kept but what
    /// <see cref="DivergedStep"/> records. Or the features collapsed and that is to end the run; its checkpoint is written.
    /// </exception>
    /// <exception cref="Fault">A checkpoint could not be written.</exception>
    public TrainingOutcome Run(IProgress<StepMetrics>? progress, CancellationToken stop)
    {
        IEnumerable<StepMetrics> earlier = File.Exists(_folder.Metrics) ? MetricsLog.Read(_folder.Metrics).Where(m => m.Step <= _step) : [];
        _watches = new RunWatches(_options, _method, _probe, CollapseWatch.Of(_options, Schedule.TotalSteps, earlier));
        using MetricsLog? log = Writes ? new MetricsLog(_folder, _step) : null;
        using BatchRing ring = MakeRing();
        ring.Stalled = reading => Warn?.Invoke(reading.Count == 0
            ? "The step has waited a minute for patches, and none is being read."
            : $"The step has waited a minute for patches of " +
                $"{string.Join(", ", reading.Select(_source.Table.SlideName).Distinct().Take(5))}: "
                + "a mount that stalls gives no error. It waits on; Ctrl-C ends the run with a checkpoint.");
        StepMetrics? last = null;
        int saved = Extended is null ? _step : -1;
        if (Extended is not null)
        {
            // Of the larger set from here on, first the checkpoint: while that has not been written, the rows match the one before.
            Save(ref saved);
            _writer.Wait();
        }
        if (Writes)
            KeepRows();
        _lastLine = Stopwatch.GetTimestamp();
        try
        {
            while (_step < Schedule.TotalSteps && !IsStopping(stop))
            {
                int epoch = _step / _order.BatchesPerEpoch, first = _step % _order.BatchesPerEpoch;
                int end = Math.Min(_order.BatchesPerEpoch, first + Schedule.TotalSteps - _step);
                // Before a clustering: the readers fill the slots meanwhile.
                ring.Start(Own(_order.Epoch(epoch)), first, end, (long)epoch * _order.BatchesPerEpoch);
                for (int batch = first; batch < end; batch++)
                {
                    last = Probed(TrainStep(ring, stop), stop);
                    log?.Write(last);
                    if (Writes)
                        progress?.Report(last);
                    _writer.Check();
                    if (IsCheckpointDue())
                        Save(ref saved);
                    StopIfCollapsed(ref saved);
                    if (IsStopping(stop))
                        throw new OperationCanceledException();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped from outside: the steps done are kept below.
        }
        Save(ref saved);
        _writer.Wait();
        if (Writes)
            MetricsLog.WriteFaults(_folder, _reader.Report());
        return new TrainingOutcome(_step, _step == Schedule.TotalSteps, last);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _onDevice?.Dispose();
        _method.Dispose();
        _views.Dispose();
    }

    /// <summary>One step of training, top to bottom.</summary>
    private StepMetrics TrainStep(BatchRing ring, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        EngineContext.UseThreads(_pool);
        TimeSpan waitedBefore = ring.Waited;
        double rate = Schedule.LearningRate(_step), ramp = Schedule.Ramp(_step);
        Clock?.Lap(StepClock.Rest);
        _method.BeginStep(_step, _order.BatchesPerEpoch);
        Clock?.Lap(StepClock.Cluster);

        TimeSpan togetherBefore = _group?.Waited ?? TimeSpan.Zero;
        long begun = Stopwatch.GetTimestamp(), bytesBefore = _group?.Bytes ?? 0;
        // Of several processes none leaves before the others do: they would wait for it.
        PatchBatch patches = ring.Next(_group is null ? stop : CancellationToken.None);
        Clock?.Lap(StepClock.Wait);
        (Tensor, Tensor) before = _guard.Snapshot();
        (TrainingBatch batch, StepTerms terms, double norm, bool isFinite) = _onDevice is null
            ? StepOnHost(patches, ring, ramp)
            : StepOnDevice(_onDevice, patches, ring, ramp, before);
        if (!isFinite)
        {
            _guard.Restore(before);
            throw Diverged(batch, terms, norm, before);
        }
        Clock?.Lap(StepClock.Guard);
        _optimizer.Step(rate);
        Clock?.Lap(StepClock.Optimizer);
        if (_onDevice is null)
            _method.EndStep(batch);
        else
            _onDevice.End(batch);
        _step++;
        if (_group is not null)
            Agree(_group, Stopwatch.GetElapsedTime(begun) - (_group.Waited - togetherBefore), stop);

        long now = Stopwatch.GetTimestamp();
        double seconds = Stopwatch.GetElapsedTime(_lastLine, now).TotalSeconds;
        _lastLine = now;
        return _watches!.WithSigns(new StepMetrics
        {
            Step = _step,
            Epoch = (double)_step / _order.BatchesPerEpoch,
            Loss = terms.Loss,
            Self = terms.Self,
            Intra = terms.Intra,
            Inter = terms.Inter,
            GradientNorm = norm,
            Ramp = ramp,
            Lr = rate,
            PatchesPerSecond = _order.BatchSize / seconds,
            DataWait = (ring.Waited - waitedBefore).TotalSeconds / seconds,
            SpatialSize = terms.SpatialSize,
            FeatureSize = terms.FeatureSize,
            NegativeSize = terms.NegativeSize,
            FeatureFromOtherSlides = terms.FeatureFromOtherSlides,
            ReplacedPatches = _reader.Replaced,
            SlowestProcess = _group is null ? null : _slowest.Rank,
            SlowestProcessSeconds = _group is null ? null : _slowest.Seconds,
            CommunicatedBytes = _group is null ? null : _group.Bytes - bytesBefore,
        });
    }

    /// <summary>Which process took longest for its own work, and whether one of them is to stop: then all do, after the same
    /// step.</summary>
    private void Agree(ProcessGroup group, TimeSpan busy, CancellationToken stop)
    {
        double[] all = group.Gather<double>([busy.TotalSeconds, stop.IsCancellationRequested ? 1 : 0]);
        _slowest = (0, all[0]);
        for (int rank = 0; rank < group.Size; rank++)
        {
            if (all[2 * rank] > _slowest.Seconds)
                _slowest = (rank, all[2 * rank]);
            _stopAgreed |= all[(2 * rank) + 1] > 0;
        }
        group.IsEnding |= _stopAgreed;
    }

    private bool IsStopping(CancellationToken stop) => _group is null ? stop.IsCancellationRequested : _stopAgreed;

    /// <summary>Of every batch of an epoch this process's part: parts of one batch do not overlap, and together are it.</summary>
    private int[] Own(int[] order)
    {
        if (_group is not { } group)
            return order;
        int batches = _order.BatchesPerEpoch, own = OwnBatch;
        var part = new int[batches * own];
        for (int batch = 0; batch < batches; batch++)
            order.AsSpan((batch * _order.BatchSize) + (group.Rank * own), own).CopyTo(part.AsSpan(batch * own));
        return part;
    }

    /// <summary>Views, forward, loss and backward, each waited for; whether the step may move anything.</summary>
    private (TrainingBatch, StepTerms, double Norm, bool IsFinite) StepOnHost(PatchBatch patches, BatchRing ring, double ramp)
    {
        var batch = new TrainingBatch(_views.Make(patches, _step, _method.Views), _views.Patches, _step, ramp, _watches!.IsDue(_step + 1));
        ring.Release();
        Clock?.Lap(StepClock.Augment);
        _optimizer.ClearGradients();
        Clock?.Lap(StepClock.Guard);
        StepTerms terms = _method.Step(batch);
        if (_group is not null && double.IsFinite(terms.Loss))
            _group.Average([.. _method.Encoder.parameters().Select(p => p.grad).OfType<Tensor>()]);
        double norm = double.IsFinite(terms.Loss) ? _guard.GradientNorm() : double.NaN;
        bool isBad = !double.IsFinite(norm) || !_guard.StatisticsAreFinite();
        return (batch, terms, norm, !(_group?.Any(isBad) ?? isBad));
    }

    /// <summary>The same where the network and the kernels share a device.</summary>
    private (TrainingBatch, StepTerms, double Norm, bool IsFinite) StepOnDevice(
        DeviceTraining device, PatchBatch patches, BatchRing ring, double ramp, (Tensor, Tensor) before)
    {
        (TrainingBatch batch, StepReading reading, double norm) = device.Step(patches, _step, ramp, _watches!.IsDue(_step + 1), before);
        ring.Release();
        return (batch, device.TermsOf(reading), norm, double.IsFinite(norm) && reading.Fault == StepFault.None);
    }

    /// <summary>With the online probe's reading, whose time is in no line's patches per second.</summary>
    private StepMetrics Probed(StepMetrics metrics, CancellationToken stop)
    {
        long begun = Stopwatch.GetTimestamp();
        if (Writes)
            metrics = _watches!.WithProbe(metrics, stop);
        _lastLine += Stopwatch.GetTimestamp() - begun;
        return metrics;
    }

    private void StopIfCollapsed(ref int saved)
    {
        if (!_options.StopOnCollapse || _watches!.Collapsed is not { } sentence)
            return;
        Save(ref saved);
        _writer.Wait();
        throw new Fault(FaultKind.Diverged,
            $"Stopped at step {_step} by stop_on_collapse: {sentence} The checkpoint is in '{_folder.Checkpoints}': --resume with " +
            $"stop_on_collapse=false goes on.");
    }

    private bool IsCheckpointDue() => _step == Schedule.TotalSteps
        || (_options.CheckpointEvery > 0 && _step % _options.CheckpointEvery == 0)
        || (_options.CheckpointMinutes > 0 && _writer.SinceLast.TotalMinutes >= _options.CheckpointMinutes);

    /// <summary>Begins a checkpoint of the state as it is; it is written while training goes on.</summary>
    private void Save(ref int saved)
    {
        if (saved == _step)
            return;
        if (!Writes)
        {
            saved = _step;
            return;
        }
        _writer.Wait();
        if (_guard.NotFinite() is { } name)
            throw new Fault(FaultKind.Diverged,
                $"Stopped after step {_step}: its finite gradients left numbers in {name} that are not finite, so that no checkpoint was " +
                $"written. {LastCheckpoint()} {Remedy}");
        long bankBytes = (long)_source.Table.Count * _options.Width * sizeof(float);
        if (_writer.MayBeChanges(_options.CheckpointBank, bankBytes) && _method.Changes() is { } changes)
            _writer.BeginChanges(State(), [.. _method.Encoder.ToItems(), _optimizer.ToItem(), .. changes]);
        else
        {
            _writer.BeginWhole(State(), Items());
            _method.BaseTaken();
        }
        saved = _step;
    }

    private CheckpointState State()
    {
        LoaderFaults faults = _reader.State();
        return new(_step, _inputs, OptionTable.ToText(_whole), _init, faults.Failed.Length > 0 ? faults : null);
    }

    private IReadOnlyList<SafetensorsItem> Items() => [.. _method.Encoder.ToItems(), _optimizer.ToItem(), .. _method.State()];

    private void RefuseOtherRun(CheckpointState state, bool extend, bool isExtended)
    {
        // An option that the checkpoint does not know yet was at its default.
        TrainingOptions before = OptionTable.FromText(state.Options, "the checkpoint's options");
        if (extend)
            before = before with { Epochs = _options.Epochs, MaxSteps = _options.MaxSteps };
        List<string> differences = [.. OptionTable.Differences(before, _whole)];
        if (state.Inputs != _inputs && !isExtended)
            differences.Add("the patches are others (count, slides or coordinates; --extend goes on with more of them)");
        if (state.Init != _init)
            differences.Add($"init: {Weights(state.Init)} → {Weights(_init)}");
        if (differences.Count > 0)
            throw new Fault(FaultKind.Input,
                $"'{_folder.Root}' cannot be resumed with other options: {string.Join("; ", differences)}. Resume with the same ones, or " +
                $"begin a new run in another --out.");
    }

    private static string Weights(string? hash) => hash is null ? "random weights" : $"a file of SHA-256 {hash[..12]}…";

    private const string Remedy =
        "The same options come to the same step: begin another run with a lower learning_rate, with head=linearnorm, or with a higher " +
        "temperature.";

    /// <summary>Looks into the step, whose traces in the networks are gone, and writes what it takes to run it again.</summary>
    private Fault Diverged(TrainingBatch batch, StepTerms terms, double norm, (Tensor, Tensor) before)
    {
        _writer.Wait();
        _optimizer.ClearGradients();
        StepTrace trace = StepTrace.Of(_method, batch, _guard, _options.Temperature);
        _guard.Restore(before);
        string where = trace.First is { } first
            ? $"{first.Place} has {first.NotFinite:N0} of {first.Count:N0} numbers that are not finite"
            : "the losses or gradients were not finite, and are when the same step is done again, which points to the machine and not to " +
                "the run";
        string sentence =
            $"Stopped before step {_step + 1} of {Schedule.TotalSteps} moved a weight: {where} " +
            $"({DivergedStep.Losses(terms.Loss, terms.Self, terms.Intra, terms.Inter, norm)}).";
        int epoch = _step / _order.BatchesPerEpoch;
        var record = new DivergedStep
        {
            Step = _step + 1,
            Epoch = epoch,
            Batch = _step % _order.BatchesPerEpoch,
            Sentence = sentence,
            Seed = _options.Seed,
            DrawCounters = new() { ["patch_order"] = epoch, ["augment"] = _step, ["negative_ranks"] = _step, ["batch_shuffle"] = _step },
            LearningRate = Schedule.LearningRate(_step),
            Ramp = batch.Ramp,
            Loss = terms.Loss,
            Self = terms.Self,
            Intra = terms.Intra,
            Inter = terms.Inter,
            GradientNorm = norm,
            Patches = PlacedPatch.Of(_source.Table, batch.Patches.Span),
            Trace = trace.Places,
            Written = DateTime.UtcNow,
        };
        string files =
            $"The state before it, its patches and its seeds are in '{_folder.Diverged}': sslp pretrain with the same patches and " +
            $"--replay '{_folder.Diverged}' runs it again.";
        try
        {
            if (_group is not null)
                _group.IsEnding = true;
            if (Writes)
                record.Save(_folder.Diverged, State(), Items());
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            files = $"What it takes to run it again could not be written to '{_folder.Diverged}': {fault.Message.TrimEnd('.')}.";
        }
        return new Fault(FaultKind.Diverged,
            $"{sentence} {files} {LastCheckpoint()} {(trace.First is null ? "--resume goes on." : Remedy)}");
    }

    private string LastCheckpoint() => _checkpoints.All().LastOrDefault() is { } last ? $"The last checkpoint, '{last}', is as it was."
        : "No checkpoint was written before it.";

    private BatchRing MakeRing()
    {
        int workers = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        using CudaContext? own = Devices.ContextOf(_device);
        CudaContext? context = _onDevice?.Context ?? own;
        BatchMemory memory = BatchMemory.For(context, BatchRing.BytesFor(_source.PatchSize, OwnBatch, _sizes.Prefetch));
        return new BatchRing(_reader, _source.PatchSize, OwnBatch, _sizes.Prefetch, workers, memory);
    }

    private static OrderOptions OrderOf(TrainingOptions options, IPatchSource source) => new(
        options.RunLength > 0 ? options.RunLength : source.IsCheapAtRandom ? 1 : 16, options.WindowRuns, options.BalanceSlides);
}
