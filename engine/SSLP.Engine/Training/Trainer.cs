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
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Engine.Watch;
using SSLP.Engine.Weights;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using TorchSharp;
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
public sealed partial class Trainer : IDisposable
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
    private readonly TensorSnapshot _weights = new(); // of the checkpoint that is being written
    private readonly StepGuard _guard;
    private readonly DeviceTraining? _onDevice;
    private readonly IRunProbe? _probe;
    private readonly StageWatch? _stages;
    private readonly string _inputs;
    private readonly string? _init;
    private RunWatches? _watches;
    private int _step;

    /// <param name="options">Every option of the run.</param>
    /// <param name="folder">Where it is written.</param>
    /// <param name="source">The patches; stays the caller's.</param>
    /// <param name="method">What is learned; owned from here on.</param>
    /// <param name="device">Where the network runs.</param>
    /// <param name="kernels">Implementation and threads; stays the caller's.</param>
    /// <param name="probe">Reads the backbone every <see cref="TrainingOptions.ProbeEvery"/> steps, or null.</param>
    /// <param name="group">The processes that train together, each with batches of the options' size; null for this one alone.</param>
    /// <param name="stages">Is told the stages of each step; null: nobody listens.</param>
    internal Trainer(
        TrainingOptions options, RunFolder folder, IPatchSource source, Method method, Device device, KernelSet kernels,
        IRunProbe? probe = null, ProcessGroup? group = null, StageWatch? stages = null)
    {
        (_group, _stages, method.Stages) = (group, stages, stages);
        _whole = group is null ? options : options with { BatchSize = checked(options.BatchSize * group.Size) };
        (_options, _folder, _source, _method, _device, _pool, _probe) = (options, folder, source, method, device, kernels.Pool, probe);
        _sizes = new RunSizes(_whole, source.Table.Count);
        _order = new PatchOrder(source.Table, OrderOf(options, source), (ulong)options.Seed, _sizes.BatchSize);
        _reader = new ReplacingReader(source, (ulong)options.Seed);
        _views = new ViewMaker(
            options.Augment with { InputSize = options.InputSize }, source.PatchSize, OwnBatch, (ulong)options.Seed, device, _pool, stages);
        _checkpoints = new Checkpoint(folder, options.KeepCheckpoints);
        _writer = new CheckpointWriter(_checkpoints, stages);
        _inputs = InputFingerprint.Of(source);
        _init = options.Init.Length > 0 ? InitialWeights.HashOf(options.Init) : null;
        Schedule = new Schedule(_whole, _order.BatchesPerEpoch);
        method.To(device);
        method.Encoder.train();
        // After the move, which makes new parameters.
        _optimizer = new FlatSgd(method.Encoder, kernels, _whole.LearningRateOrDefault, options.Momentum, options.WeightDecay);
        _guard = new StepGuard(method, _optimizer);
        WeightBytes = method.Encoder.parameters().Sum(weight => weight.numel()) * sizeof(float);
        // Of several processes the bank is on the host, and a step waits for the others: its parts are waited for, too.
        _onDevice = group is not null ? null : DeviceTraining.For(
            method, _guard, _optimizer, options.Augment with { InputSize = options.InputSize }, source.PatchSize, _order.BatchSize,
            (ulong)options.Seed, device);
    }

    internal Schedule Schedule { get; }

    /// <summary>Bytes of the encoder's weights.</summary>
    internal long WeightBytes { get; }

    /// <summary>Sizes as they came out for these patches.</summary>
    internal RunSizes Sizes => _sizes;

    /// <summary>The order of the patches, epoch by epoch.</summary>
    internal PatchOrder PatchOrder => _order;

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
        (_log, _progress, _last) = (log, progress, null);
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
            while (Begun < Schedule.TotalSteps && !IsStopping(stop))
            {
                int epoch = Begun / _order.BatchesPerEpoch, first = Begun % _order.BatchesPerEpoch;
                int end = Math.Min(_order.BatchesPerEpoch, first + Schedule.TotalSteps - Begun);
                int[] order = Own(_order.Epoch(epoch));
                GiveBack(ring);
                // Before a clustering: the readers fill the slots meanwhile.
                ring.Start(order, first, end, (long)epoch * _order.BatchesPerEpoch);
                for (int batch = first; batch < end; batch++)
                {
                    if (_onDevice is null)
                        Finish(StepOnHost(ring, stop), stop);
                    else
                        StepOnDevice(_onDevice, ring, batch + 1 < end ? order.AsMemory((batch + 1) * OwnBatch, OwnBatch) : default, stop);
                    _writer.Check();
                    if (_group is null ? IsCheckpointDue(Begun) : _checkpointAgreed)
                    {
                        Settle(stop);
                        Save(ref saved);
                    }
                    StopIfCollapsed(ref saved, stop);
                    if (IsStopping(stop))
                        throw new OperationCanceledException();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped from outside: the steps done are kept below.
        }
        Settle(stop);
        Save(ref saved);
        _writer.Wait();
        if (Writes)
            MetricsLog.WriteFaults(_folder, _reader.Report());
        return new TrainingOutcome(_step, _step == Schedule.TotalSteps, _last);
    }

    public void Dispose()
    {
        _writer.Dispose(); // reads what goes below
        _weights.Dispose();
        _optimizer.Dispose();
        _onDevice?.Dispose();
        _method.Dispose();
        _views.Dispose();
    }

    /// <summary>One step of training, top to bottom, each part of it waited for.</summary>
    private StepMetrics StepOnHost(BatchRing ring, CancellationToken stop)
    {
        using StageRange whole = _stages.Range(Stage.Step);
        using DisposeScope scope = NewDisposeScope();
        EngineContext.UseThreads(_pool);
        TimeSpan waitedBefore = ring.Waited;
        double rate = Schedule.LearningRate(_step), ramp = Schedule.Ramp(_step);
        _method.BeginStep(_step, _order.BatchesPerEpoch);

        TimeSpan togetherBefore = _group?.Waited ?? TimeSpan.Zero;
        long begun = Stopwatch.GetTimestamp(), bytesBefore = _group?.Bytes ?? 0;
        // Of several processes none leaves before the others do: they would wait for it.
        PatchBatch patches = NextBatch(ring, _group is null ? stop : CancellationToken.None);
        (Tensor, Tensor) before = _guard.Snapshot();
        var batch = new TrainingBatch(_views.Make(patches, _step, _method.Views), _views.Patches, _step, ramp, _watches!.IsDue(_step + 1));
        ring.Release();
        using (_stages.Range(Stage.Guard))
            _optimizer.ClearGradients();
        StepTerms terms = _method.Step(batch);
        if (_group is not null && double.IsFinite(terms.Loss))
            _group.Average([.. _method.Encoder.parameters().Select(p => p.grad).OfType<Tensor>()]);
        double norm;
        bool isBad;
        using (_stages.Range(Stage.Guard))
        {
            norm = double.IsFinite(terms.Loss) ? _guard.GradientNorm() : double.NaN;
            isBad = !double.IsFinite(norm) || !_guard.StatisticsAreFinite();
        }
        if (_group?.Any(isBad) ?? isBad)
        {
            _guard.Restore(before);
            throw Diverged(batch, terms, norm, before);
        }
        using (_stages.Range(Stage.Optimizer, WeightBytes))
            _optimizer.Step(rate);
        _method.EndStep(batch);
        _step++;
        if (_group is not null)
            Agree(_group, Stopwatch.GetElapsedTime(begun) - (_group.Waited - togetherBefore), stop);

        var call = new StepCall(batch.Step, ramp, rate, batch.IsWatched, ring.Waited - waitedBefore, _reader.Replaced);
        return MetricsOf(call, terms, norm, _method.Compared) with
        {
            SlowestProcess = _group is null ? null : _slowest.Rank,
            SlowestProcessSeconds = _group is null ? null : _slowest.Seconds,
            CommunicatedBytes = _group is null ? null : _group.Bytes - bytesBefore,
        };
    }

    private PatchBatch NextBatch(BatchRing ring, CancellationToken stop)
    {
        using StageRange waiting = _stages.Range(Stage.Wait, (long)OwnBatch * _source.PatchSize * _source.PatchSize * 3);
        return ring.Next(stop);
    }

    private BatchRing MakeRing()
    {
        int workers = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        using CudaContext? own = Devices.ContextOf(_device);
        CudaContext? context = _onDevice?.Context ?? own;
        var memory = BatchMemory.For(context, BatchRing.BytesFor(_source.PatchSize, OwnBatch, _sizes.Prefetch));
        return new BatchRing(_reader, _source.PatchSize, OwnBatch, _sizes.Prefetch, workers, memory) { Watch = _stages };
    }

    private static OrderOptions OrderOf(TrainingOptions options, IPatchSource source) => new(
        options.RunLength > 0 ? options.RunLength : source.IsCheapAtRandom ? 1 : 16, options.WindowRuns, options.BalanceSlides);
}
