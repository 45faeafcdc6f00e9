using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Diverged;
using SSLP.Engine.Model;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Sets;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Report;

/// <summary>What is gathered for a run's page.</summary>
public sealed record RunReportOptions
{
    /// <summary>Patches that the encoder is asked about for maps and spread: whole slides, drawn until there are so many, of a slide that
    /// has more so many around its middle. Less than twice as many come of it. Default 8192.</summary>
    public int MostPatches { get; init; } = RunPlan.ReportPatches;

    /// <summary>Anchors whose sets are looked up in the bank. Default 512.</summary>
    public int MostAnchors { get; init; } = 512;

    /// <summary>Patches in the neighbour sheet. Default 8.</summary>
    public int Queries { get; init; } = 8;

    /// <summary>Judge the features by probes, beside those of an untrained network and of colour and texture. Default true.</summary>
    public bool Judge { get; init; } = true;

    /// <summary>What the probes' sides may be.</summary>
    public ProbeSplitOptions Split { get; init; } = new();

    /// <summary>Of every draw.</summary>
    public int Seed { get; init; }
}

/// <summary>A run folder, and the patches of the run where they are to be had → what its page shows.</summary>
public sealed class RunReport : IDisposable
{
    private readonly RunFolder _run;
    private readonly RunReportOptions _options;
    private readonly Action<string> _say;
    private readonly CancellationToken _cancel;
    private readonly RunRecord _record;
    private readonly List<string> _notes = [];
    private readonly KernelSet _kernels = new(KernelBackend.Cpu);
    private readonly Device _device = Devices.Select(DeviceKind.Auto);

    /// <param name="run">A folder that pretraining wrote.</param>
    /// <param name="options">How much to gather.</param>
    /// <param name="say">Takes a line of progress.</param>
    /// <param name="cancel">Stops between batches.</param>
    /// <exception cref="Fault">The folder holds no run.</exception>
    public RunReport(RunFolder run, RunReportOptions? options = null, Action<string>? say = null, CancellationToken cancel = default)
    {
        (_run, _options, _say, _cancel) = (run, options ?? new(), say ?? (_ => { }), cancel);
        _record = RunRecord.Load(run.RunJson);
    }

    /// <summary>Gathers everything; what cannot be had becomes a sentence on the page.</summary>
    /// <param name="title">The page's heading.</param>
    /// <param name="patches">The run's patches, with classes or without, or null; stays the caller's.</param>
    /// <param name="judged">Labelled patches to judge by where they are others than <paramref name="patches"/>; stays the caller's.</param>
    internal ReportInput Gather(string title, IPatchSource? patches, IPatchSource? judged = null)
    {
        var input = new ReportInput
        {
            Title = title,
            Facts = Facts(),
            Steps = Steps(),
            ContactSheets = Directory.Exists(_run.Sheets)
                ? [.. Directory.EnumerateFiles(_run.Sheets, "*.png").Order(StringComparer.Ordinal)] : [],
            Queries = _options.Queries,
            RadiusPatches = _record.Number("radius"),
            Seed = _options.Seed,
        };
        // The last one stands for those before it.
        if (input.Steps.LastOrDefault(step => step.Alarm is not null) is { Alarm: { } alarm })
            _notes.Add(alarm);
        // A run that went on from the checkpoint before leaves it behind.
        if (DivergedStep.Find(_run.Diverged) is { } diverged && diverged.Step > (input.Steps.LastOrDefault()?.Step ?? 0))
            _notes.Add(diverged.Sentence);
        if (patches is null)
            _notes.Add("No patches were given, so there are curves only: name them with --patches, --tiles or --slides.");
        else
            input = WithSets(input, patches);
        if (!File.Exists(_run.Encoder))
            _notes.Add($"'{_run.Encoder}' is not there yet: training writes it when it ends or is stopped.");
        else if ((judged ?? patches) is not null)
            input = WithFeatures(input, patches, judged ?? patches!);
        return input with { Notes = _notes };
    }

    public void Dispose() => _kernels.Dispose();

    private ReportInput WithSets(ReportInput input, IPatchSource patches)
    {
        IPatchSource own = OwnPatches(patches);
        using var bank = RunBank.Open(_run, own, _kernels, out string? why);
        if (bank is null)
        {
            _notes.Add($"The method's sets are not shown. {why}");
            return input;
        }

        _say("sets of the memory bank");
        // Patches without a class say nothing of purity.
        int[] anchors = NeighbourSheet.ChooseQueries(own.Table, _options.MostAnchors, _options.Seed);
        IReadOnlyList<AnchorSets> sets = bank.SetsOf(anchors);
        return input with
        {
            Sets = new MethodSets(bank.Step, own, anchors.Length, SetStatistics.Of(own.Table, sets),
            [.. sets.Take(_options.Queries)])
        };
    }

    /// <summary>The run's own patches: those given, or the split of them that it was trained on.</summary>
    private IPatchSource OwnPatches(IPatchSource patches)
    {
        if (InputFingerprint.Of(patches) == _record.InputsSha256)
            return patches;
        return (patches.Table.Splits ?? [])
            .Select(split => new PatchSubset(patches, patches.Table.InSplit(split), $"split {split}"))
            .FirstOrDefault(part => InputFingerprint.Of(part) == _record.InputsSha256) ?? patches;
    }

    private ReportInput WithFeatures(ReportInput input, IPatchSource? patches, IPatchSource judged)
    {
        EncoderPreprocessing preprocessing = Embedder.Describe(_run.Encoder).Preprocessing;
        (ResNet trained, EncoderDescription description) =
            Embedder.Load(_run.Encoder, _device, new EncoderUse(judged.Mpp, judged.PatchSize, "RGB"), allowMismatch: false);
        using ResNet untrained = Embedder.Untrained(Enum.Parse<Architecture>(description.Arch, ignoreCase: true),
            (long)_record.Number("seed"), _device);
        FeatureTable Embed(ResNet network, string name, IPatchSource source)
        {
            _say($"{source.Table.Count:N0} patches through the {name} network");
            return Embedder.Run(network, preprocessing, source, _device, _kernels.Pool, null, _cancel).Features.Named(name);
        }

        using (trained)
        {
            if (patches is not null)
            {
                IPatchSource drawn = DrawSlides(patches);
                FeatureTable[] features = _options.Judge ? [Embed(trained, description.Method, drawn), Embed(untrained, "untrained", drawn)]
                    : [Embed(trained, description.Method, drawn)];
                input = input with
                {
                    Features = features[0],
                    // Rows of the table are those that read; the maps ask for pixels by the same rows.
                    Patches = features[0].Count == drawn.Table.Count ? drawn : null,
                    Spread = [.. features.Select(f => KeyValuePair.Create(f.Source, f.Spread()))],
                    Neighbours = [.. features.Select(
                        f => KeyValuePair.Create(f.Source, NeighbourStatistics.Of(f, _kernels, input.RadiusPatches, seed: _options.Seed)))],
                };
            }

            return _options.Judge ? input
                with
            { Probes = Judge(judged, name => Embed(name == "untrained" ? untrained : trained, name, judged), description.Method) }
                : input;
        }
    }

    private IReadOnlyList<StepMetrics> Steps()
    {
        if (!File.Exists(_run.Metrics))
            return [];
        IReadOnlyList<StepMetrics> steps = MetricsLog.Read(_run.Metrics, out string? damaged);
        if (damaged is not null)
            _notes.Add(damaged);
        return steps;
    }

    private IReadOnlyList<ProbeResult> Judge(IPatchSource judged, Func<string, FeatureTable> embed, string method)
    {
        if (judged.Table.Classes is null)
        {
            _notes.Add("The patches carry no classes, so nothing is judged: give labels in patches.csv, or --labels with slides.");
            return [];
        }

        try
        {
            // Said before an hour is spent on features that cannot be judged.
            int[] test = ProbeSplit.Of(judged.Table, options: _options.Split).Test;
            if (Embedder.Describe(_run.Encoder).TrainedOn?.Among(judged.Table, test) is ( > 0 and int seen, int of, string unit))
                _notes.Add($"{seen} of {of} judged {unit} were in pretraining: what is judged is not held out from that.");
            List<ProbeResult> results = [];
            foreach (FeatureTable features in (IEnumerable<FeatureTable>)[embed(method), embed("untrained"),
                HandMadeFeatures.MeanColour(judged, _cancel), HandMadeFeatures.ColourAndTexture(judged, _cancel)])
            {
                _say($"probes on {features.Source}");
                var task = new ProbeTask(features, ProbeSplit.Of(features.Patches, options: _options.Split));
                results.Add(LinearProbe.Logistic(task));
                results.Add(KnnProbe.Run(task, _kernels, [Math.Min(20, task.Train.Count)])[0]);
            }

            return results;
        }
        catch (Fault fault)
        {
            _notes.Add($"The features are not judged. {fault.Message}");
            return [];
        }
    }

    /// <summary>All patches, or slides drawn by the seed until there are enough, whole but for one that is larger than that: maps and
    /// neighbours need what lies together.</summary>
    private IPatchSource DrawSlides(IPatchSource patches)
    {
        PatchTable table = patches.Table;
        if (table.Count <= _options.MostPatches)
            return patches;
        // By the slides' sizes, and then only the patches that were drawn: of ten million they are few.
        int[] sizes = new int[table.Slides.Count];
        List<int> slides = []; // in the order of their first patches
        foreach (int slide in table.SlideOf)
            if (sizes[slide]++ == 0)
                slides.Add(slide);
        int[] order = [.. slides];
        CounterRandom.Shuffle(order.AsSpan(), CounterRandom.Key((ulong)_options.Seed, RandomPurpose.Judging), 0);
        bool[] isDrawn = new bool[sizes.Length];
        int used = 0;
        for (int count = 0; used < order.Length && count < _options.MostPatches; used++)
        {
            isDrawn[order[used]] = true;
            count += sizes[order[used]];
        }
        // Only the last one drawn can be larger than all that is asked for.
        int last = order[used - 1];
        bool isCut = sizes[last] > _options.MostPatches;
        List<int> drawn = [];
        for (int patch = 0; patch < table.Count; patch++)
            if (isDrawn[table.SlideOf[patch]] && !(isCut && table.SlideOf[patch] == last))
                drawn.Add(patch);
        if (isCut)
            drawn.AddRange(Middle(table, last, sizes[last], _options.MostPatches));
        _notes.Add($"Maps and spread are of {drawn.Count:N0} of {table.Count:N0} patches, those of {Counted.Slides(used)} drawn by seed " +
            $"{_options.Seed}{(isCut ? $", around the middle of a slide with more than {_options.MostPatches:N0}" : string.Empty)}.");
        return new PatchSubset(patches, [.. drawn.Order()], Counted.Slides(used));
    }

    private static IEnumerable<int> Members(PatchTable table, int slide)
    {
        for (int patch = 0; patch < table.Count; patch++)
            if (table.SlideOf[patch] == slide)
                yield return patch;
    }

    /// <summary>Of a slide's patches those nearest to the middle one in their order: a piece of tissue in which patches have their
    /// neighbours still.</summary>
    private static IEnumerable<int> Middle(PatchTable table, int slide, int size, int most)
    {
        int middle = Members(table, slide).ElementAt(size / 2);
        // The farthest goes first, of equal distances the higher patch: no more are held than are shown.
        var nearest = new PriorityQueue<int, (long Nearness, int Lowness)>(most + 1);
        foreach (int patch in Members(table, slide))
        {
            long cols = (long)table.Col[patch] - table.Col[middle], rows = (long)table.Row[patch] - table.Row[middle];
            nearest.Enqueue(patch, (-((cols * cols) + (rows * rows)), -patch));
            if (nearest.Count > most)
                nearest.Dequeue();
        }
        return nearest.UnorderedItems.Select(item => item.Element);
    }

    private KeyValuePair<string, string>[] Facts()
    {
        string Option(string key) => _record.Options.GetValueOrDefault(key, "–");
        return
        [
            new("patches", _record.Source), new("method", _record.Result("method")),
            new("network", $"{Option("arch")}, {Option("head")} head to {Option("width")}"),
            new("steps", $"{_record.Result("steps")}, {_record.Result("steps_per_epoch")} an epoch"),
            new("input", $"{Option("input_size")} px, batch {Option("batch_size")}"),
            new("learning rate", Option("learning_rate")), new("seed", Option("seed")),
            new("device", $"{_record.Result("device")}, {_record.Result("threads")} threads"),
            new("started", $"{_record.Started:yyyy-MM-dd HH:mm} UTC"),
            new("versions", string.Join(", ", _record.Versions.Select(v => $"{v.Key} {v.Value}"))),
            new("command", _record.Command),
        ];
    }
}
