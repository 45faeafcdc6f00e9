using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Sweeps;

/// <summary>
/// Trains and judges every row of a plan with every seed, seeds outermost: the first seed of all rows, then the next, so that a stop
/// leaves whole seeds. Started again it goes on: finished runs are in rows.jsonl, the running one in its checkpoint.
/// </summary>
/// <param name="plan">What is run.</param>
/// <param name="data">On what.</param>
/// <param name="folder">Gets rows.jsonl, table.md and the runs' folders.</param>
/// <param name="say">Gets a line for every run.</param>
/// <param name="progress">Makes the progress of a run of so many steps.</param>
public sealed class SweepRunner(SweepPlan plan, SweepData data, string folder, Action<string> say, Func<int,
    IProgress<StepMetrics>?> progress)
{
    private const int Voters = 20;

    private readonly SweepRows _rows = new(Path.Combine(folder, "rows.jsonl"));

    /// <summary>Where the table is written.</summary>
    public string Table { get; } = Path.Combine(folder, "table.md");

    /// <exception cref="Fault">Rows of other options are in the folder, or a run cannot go on.</exception>
    /// <exception cref="OperationCanceledException">Stopped; the running one's checkpoint is written.</exception>
    public void Run(IReadOnlyList<int> seeds, CancellationToken stop)
    {
        (SweepEntry Entry, int Seed)[] runs =
            [.. seeds.SelectMany(seed => plan.Entries.Where(e => e.HasSeed || seed == seeds[0]).Select(e => (e, seed)))];
        (SweepEntry Entry, int Seed)[] left = [.. runs.Where(run => _rows.Find(run.Entry, run.Seed) is null)];
        say($"{runs.Length} runs, {runs.Length - left.Length} of them done");
        WriteTable(seeds);
        foreach ((SweepEntry entry, int seed) in left)
        {
            stop.ThrowIfCancellationRequested();
            say($"{entry.Name}{(entry.HasSeed ? $", seed {seed}" : "")}");
            SweepRow row = entry.Baseline == SweepBaseline.None ? Train(entry, seed, stop) : Judge(entry, seed, stop);
            _rows.Add(row);
            WriteTable(seeds);
            if (Directory.Exists(FolderOf(entry, seed).Checkpoints))
                Directory.Delete(FolderOf(entry, seed).Checkpoints, recursive: true);
        }
    }

    private SweepRow Train(SweepEntry entry, int seed, CancellationToken stop)
    {
        TrainingOptions asked = entry.OptionsFor(seed), options = asked;
        IPatchSource source = data.Pretraining;
        if (options.Method == MethodKind.Supervised)
            (source, options) = (data.Supervised, AsLong(options, data.Pretraining.Table.Count, data.Supervised.Table.Count));
        RunFolder run = FolderOf(entry, seed);
        using var job = new PretrainJob(options, run, source, Environment.CommandLine, resume: true, makeProbe: OnlineProbe.Factory);
        foreach (string cut in job.Trainer.Sizes.Cuts)
            say(cut);
        SweepRow row = NewRow(entry, seed, job.Method.Describe, asked);
        int total = job.Trainer.Schedule.TotalSteps;
        var over = new PurityOverTraining(
            Path.Combine(run.Root, "purity.jsonl"), job.Trainer.StepsDone, total, () => PurityNow(job, source, seed), progress(total));
        try
        {
            if (!job.Run(over, stop).Finished)
                throw new OperationCanceledException();
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Diverged)
        {
            return row with { Steps = job.Trainer.StepsDone, Fault = fault.Message, FinishedUtc = DateTime.UtcNow };
        }
        IReadOnlyList<StepMetrics> steps = MetricsLog.Read(run.Metrics);
        SetPurity? purity = PurityNow(job, source, seed);
        Device device = Devices.Select(options.Device);
        (ResNet backbone, EncoderDescription described) =
            Embedder.Load(run.Encoder, device, new EncoderUse(data.Labelled.Mpp, data.Labelled.PatchSize, "RGB"), allowMismatch: false);
        using (backbone)
            row = Probed(row, Embed(backbone, described.Preprocessing, options, stop).Named(entry.Name));
        return row with
        {
            Steps = job.Trainer.StepsDone,
            Seconds = steps.Sum(m => job.Trainer.Sizes.BatchSize / m.PatchesPerSecond),
            Ending = SweepEnding.Of(steps),
            Purity = purity,
            PurityOver = over.Readings.Count > 0 ? over.Readings : null,
            Ages = options.Method == MethodKind.Sslp && source.Table.HasCoordinates
                ? RowAges.Of(source.Table, job.Trainer.PatchOrder, job.Trainer.Sizes.Objective.Terms.RadiusPatches) : null,
        };
    }

    private static SetPurity? PurityNow(PretrainJob job, IPatchSource source, int seed) =>
        job.Method is Sslp { Objective: FusedObjective objective } ? SetPurity.Of(objective, source.Table, seed) : null;

    private SweepRow Judge(SweepEntry entry, int seed, CancellationToken stop)
    {
        if (!entry.HasSeed)
        {
            FeatureTable made = entry.Baseline == SweepBaseline.Colour
                ? HandMadeFeatures.MeanColour(data.Labelled, stop)
                : HandMadeFeatures.ColourAndTexture(data.Labelled, stop);
            return Probed(NewRow(entry, null, made.Source, null), made.Named(entry.Name));
        }
        TrainingOptions options = entry.OptionsFor(seed);
        var preprocessing = new EncoderPreprocessing(
            EncoderPreprocessing.ImageNetMean, EncoderPreprocessing.ImageNetStd, data.Labelled.Mpp, data.Labelled.PatchSize,
            options.InputSize, PretrainJob.Resampling, "RGB");
        using ResNet backbone = Embedder.Untrained(options.Arch, seed, Devices.Select(options.Device));
        bool calibrated = entry.Baseline == SweepBaseline.UntrainedCalibrated;
        if (calibrated)
        {
            using var pool = new WorkerPool(options.Threads);
            Embedder.Calibrate(backbone, preprocessing, data.Pretraining, Devices.Select(options.Device), pool, stop);
        }
        return Probed(NewRow(entry, seed, calibrated ? "untrained, batch statistics of the patches to learn from" : "untrained", options),
            Embed(backbone, preprocessing, options, stop).Named(entry.Name));
    }

    private FeatureTable Embed(ResNet backbone, EncoderPreprocessing preprocessing, TrainingOptions options, CancellationToken stop)
    {
        using var pool = new WorkerPool(options.Threads);
        return Embedder.Run(backbone, preprocessing, data.Labelled, Devices.Select(options.Device), pool, null, stop).Features;
    }

    private SweepRow Probed(SweepRow row, FeatureTable features)
    {
        // A patch that did not read has no row, and the split is made anew on those that did.
        ProbeSplit split = features.Count == data.Labelled.Table.Count ? data.Split
            : ProbeSplit.Of(features.Patches, options: data.SplitOptions);
        var task = new ProbeTask(features, split);
        using var kernels = new KernelSet(KernelBackend.Cpu);
        ProbeResult linear = LinearProbe.Logistic(task), knn = KnnProbe.Run(task, kernels, [Math.Min(Voters, task.Train.Count)])[0];
        linear.Judged!.Write(ScoresOf(row, "linear"));
        knn.Judged!.Write(ScoresOf(row, "knn"));
        return row with { Linear = linear, Knn = knn, FinishedUtc = DateTime.UtcNow };
    }

    /// <summary>Fewer patches, the same number of steps: an epoch of labelled points may be a small part of one of tissue.</summary>
    private static TrainingOptions AsLong(TrainingOptions options, int patches, int labelled)
    {
        if (patches == labelled)
            return options;
        int steps = new Schedule(options, BatchesOf(patches)).TotalSteps, batches = BatchesOf(labelled);
        return options with { MaxSteps = steps, Epochs = (steps + batches - 1) / batches };

        int BatchesOf(int count) => Math.Max(1, count / options.BatchSize);
    }

    private static SweepRow NewRow(SweepEntry entry, int? seed, string method, TrainingOptions? options) => new()
    {
        Name = entry.Name,
        Seed = seed,
        Options = options is null ? [] : OptionTable.ToText(options),
        Method = method,
        FinishedUtc = DateTime.UtcNow,
        Version = typeof(SweepRunner).Assembly.GetName().Version?.ToString(3) ?? "unknown",
        Commit = ThisProcess.Commit(),
        Machine = ThisProcess.Machine(options?.Threads is int threads and > 0 ? threads : Environment.ProcessorCount),
    };

    private void WriteTable(IReadOnlyList<int> seeds) => AtomicFile.Write(Table, stream =>
        stream.Write(System.Text.Encoding.UTF8.GetBytes(SweepTable.Markdown(
            plan, _rows.All, seeds, data.Describe, new SweepDifferences((row, probe) => JudgedPatches.Read(ScoresOf(row, probe)))))));

    // Scores of every judged patch beside rows.jsonl: paired differences are made of them.
    private string ScoresOf(SweepRow row, string probe)
    {
        string scores = Path.Combine(folder, "scores");
        Directory.CreateDirectory(scores);
        return Path.Combine(scores, $"{row.Name}{(row.Seed is int seed ? $"-{seed}" : "")}-{probe}.csv");
    }

    private RunFolder FolderOf(SweepEntry entry, int seed) => new(Path.Combine(folder, "runs", $"{entry.Name}-{seed}"));
}
