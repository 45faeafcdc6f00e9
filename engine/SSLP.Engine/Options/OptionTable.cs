using System.Globalization;
using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>One option of a run: its key, what it means with unit and source, and how it is read and written.</summary>
/// <param name="Key">snake_case, as in run.yaml and --set.</param>
/// <param name="Meaning">Meaning, unit, source of the default.</param>
/// <param name="Get">The value as text.</param>
/// <param name="Set">A copy of the options with this one set from text; throws <see cref="FormatException"/> with what it may be.</param>
/// <param name="FreeOnResume">True where a resumed run may differ: it does not change what is learned.</param>
/// <param name="Limits">Least and most of a number, both taken; null where the value is none.</param>
public sealed record Option(
    string Key, string Meaning, Func<TrainingOptions, string> Get, Func<TrainingOptions, string, TrainingOptions> Set, bool FreeOnResume = false,
    (double Least, double Most)? Limits = null);

/// <summary>Every option of a run in one list: parsing, help, run.json and the comparison at resume all read it.</summary>
public static class OptionTable
{
    public static IReadOnlyList<Option> All { get; } =
    [
        Choice("method", "sslp | instdisc | mocov2 | simclr | supervised (from labels: the ceiling)", o => o.Method, (o, v) => o with { Method = v }),
        Whole("epochs", "passes over the patches; 100 [B]", 1, o => o.Epochs, (o, v) => o with { Epochs = v }),
        Whole("max_steps", "stop after this many steps, the schedule as long; 0: epochs decide", 0, o => o.MaxSteps, (o, v) => o with { MaxSteps = v }),
        Whole("batch_size", "anchors a step, B; 128 [B]", 2, o => o.BatchSize, (o, v) => o with { BatchSize = v }),
        Choice("arch", "resnet18 | resnet50; resnet18 [B]", o => o.Arch, (o, v) => o with { Arch = v }),
        new("head", "linear | linearnorm (for short runs) | mlp | auto (sslp, instdisc: linear [B]; mocov2, simclr: mlp; supervised: its classifier, whatever is set)", o => o.Head is { } h ? Name(h) : "auto",
            (o, v) => o with { Head = v == "auto" ? null : Parse<HeadKind>(v) }),
        new("init", "safetensors file that the backbone begins with: a run's encoder, or a ResNet of torchvision, timm, MoCo, lightly, mmselfsup, DINO or Hugging Face; empty: random weights [B]", o => o.Init,
            (o, v) => o with { Init = v }, FreeOnResume: true), // a file may move; what is compared is its hash
        Whole("width", "D, width of the projection; 128 [S]", 2, o => o.Width, (o, v) => o with { Width = v }, most: 65536),
        Choice("precision", "float32 | bfloat16: arithmetic of the backbone", o => o.Precision, (o, v) => o with { Precision = v }),
        Choice("device", "auto | cpu | cuda", o => o.Device, (o, v) => o with { Device = v }, free: true),
        Whole("threads", "CPU threads; 0: one a core", 0, o => o.Threads, (o, v) => o with { Threads = v }, free: true, most: WorkerPool.MostWorkers),
        new("kernels", "auto | reference | cpu | cuda: implementation of the kernels; auto is cpu until the CUDA kernels were seen on a device",
            o => Name(o.Kernels), (o, v) => o with { Kernels = v == "auto" ? KernelBackend.Cpu : Parse<KernelBackend>(v, "auto") }, FreeOnResume: true),
        new("scores", "fp32 | bf16: how the CUDA kernels score", o => o.Scores == DeviceScores.BFloat16 ? "bf16" : "fp32",
            (o, v) => o with { Scores = v switch { "fp32" => DeviceScores.Float32, "bf16" => DeviceScores.BFloat16, _ => throw new FormatException("fp32 | bf16") } },
            FreeOnResume: true),
        Choice("jpeg", "auto | turbojpeg | own | skia: who decodes JPEG tiles; the pixels are the same", o => o.Jpeg, (o, v) => o with { Jpeg = v }, free: true),
        new("libtorch", "lib folder of a Python torch to use; empty: the build's own libtorch", o => o.Libtorch, (o, v) => o with { Libtorch = v }, FreeOnResume: true),
        new("seed", "of everything that is drawn", o => o.Seed.ToString(CultureInfo.InvariantCulture),
            (o, v) => o with { Seed = long.TryParse(v, CultureInfo.InvariantCulture, out long s) ? s : throw new FormatException("a whole number") }),
        Whole("patch", "side of a patch cut from a slide, px; 256 [B]", 8, o => o.Patch, (o, v) => o with { Patch = v }, most: 8192),
        Real("mpp", "micrometres per pixel at which patches are cut; 0.5 (20x) [S]; of patches that are already cut: unknown unless it is set", 1e-3, 1e3, o => o.Mpp, (o, v) => o with { Mpp = v }),
        Choice("tissue", "auto | stain | density | all: how tissue is told from glass where slides are tiled by the run; auto: by H&E's colours, by density where they say little",
            o => o.Tissue, (o, v) => o with { Tissue = v }),
        new("tissue_threshold", "auto | 0 to 254: strength of stain or density above which is tissue; auto: Otsu's, slide by slide",
            o => o.TissueThreshold?.ToString(CultureInfo.InvariantCulture) ?? "auto",
            (o, v) => o with { TissueThreshold = v == "auto" ? null : int.TryParse(v, CultureInfo.InvariantCulture, out int t) && t is >= 0 and <= 254 ? t : throw new FormatException("auto, or a whole number from 0 to 254") }),
        Whole("input_size", "side of the network's input, px; 224 [B]", 8, o => o.InputSize, (o, v) => o with { InputSize = v }, most: AugmentOptions.MostInputSize),
        Real("learning_rate", "of SGD at the start of the cosine; 0.015 [B]", 0, 100, o => o.LearningRate, (o, v) => o with { LearningRate = v }),
        Real("momentum", "of SGD; 0.9 [B]", 0, 1, o => o.Momentum, (o, v) => o with { Momentum = v }),
        Real("weight_decay", "1e-4 [B]", 0, 1, o => o.WeightDecay, (o, v) => o with { WeightDecay = v }),
        Real("temperature", "tau of every term; 0.07 [S]", 1e-3, 10, o => o.Temperature, (o, v) => o with { Temperature = v }),
        Real("bank_momentum", "m of v <- unit((1 - m) v + m f); 0.5 [B]", 0, 1, o => o.BankMomentum, (o, v) => o with { BankMomentum = v }),
        Real("radius", "T: spatial neighbours are closer than this many patches; 3 [B]", 0.5, 1e4, o => o.Radius, (o, v) => o with { Radius = v }),
        Whole("auxiliary_anchors", "spatial neighbours that also query for feature neighbours; 1 [B]", 0, o => o.AuxiliaryAnchors, (o, v) => o with { AuxiliaryAnchors = v }),
        Whole("nearest_keys", "K of a feature query; 0: scaled to the bank, 4096 at the paper's size [B]", 0, o => o.NearestKeys, (o, v) => o with { NearestKeys = v }),
        Whole("negatives", "M of an anchor; 0: scaled to the bank, 4096 at the paper's size [B]", 0, o => o.Negatives, (o, v) => o with { Negatives = v }),
        Real("pool_share", "share of the bank that is the pool of negatives; 0.2 [S]", 1e-6, 1, o => o.PoolShare, (o, v) => o with { PoolShare = v }),
        Choice("negative_sampling", "semihard | random | hardest; semihard, Beta(5, 15) over the pool [S]", o => o.NegativeSampling, (o, v) => o with { NegativeSampling = v }),
        Whole("clusters", "of each k-means run; 0: scaled to the bank, 1000 at the paper's size [B]", 0, o => o.Clusters, (o, v) => o with { Clusters = v }),
        Whole("cluster_runs", "k-means runs that must agree, R; 3 [S]", 1, o => o.ClusterRuns, (o, v) => o with { ClusterRuns = v }),
        Whole("cluster_iterations", "of each k-means run; 20 [B]", 1, o => o.ClusterIterations, (o, v) => o with { ClusterIterations = v }),
        Whole("cluster_every", "steps between clusterings of the bank; 0: one at the start of each epoch but the first [B]", 0, o => o.ClusterEvery, (o, v) => o with { ClusterEvery = v }),
        Real("ramp_epochs", "T_ramp of the intra and inter terms; 0: 10 % of the epochs [B]", 0, 1e6, o => o.RampEpochs, (o, v) => o with { RampEpochs = v }),
        Real("intra_weight", "factor of the intra term besides the ramp; 0 leaves it out", 0, 1e3, o => o.IntraWeight, (o, v) => o with { IntraWeight = v }),
        Real("inter_weight", "factor of the inter term besides the ramp; 0 leaves it out", 0, 1e3, o => o.InterWeight, (o, v) => o with { InterWeight = v }),
        Truth("detach_negatives", "no gradient through the negatives, as SGCL has it", o => o.DetachNegatives, (o, v) => o with { DetachNegatives = v }),
        Real("key_momentum", "mocov2: momentum of the key encoder; 0.999", 0, 1, o => o.KeyMomentum, (o, v) => o with { KeyMomentum = v }),
        Whole("queue", "mocov2: keys in the queue; 65536", 2, o => o.Queue, (o, v) => o with { Queue = v }),
        .. AugmentOptionTable.All,
        Whole("run_length", "patches that follow each other on a slide and are shuffled as one; 0: 16 from slides, 1 from patches", 0,
            o => o.RunLength, (o, v) => o with { RunLength = v }),
        Whole("window_runs", "runs whose patches are shuffled among each other", 1, o => o.WindowRuns, (o, v) => o with { WindowRuns = v }),
        Truth("balance_slides", "every slide gives the same number of patches an epoch", o => o.BalanceSlides, (o, v) => o with { BalanceSlides = v }),
        Whole("prefetch", "batches in memory at once; more than 64 are 64", 2, o => o.Prefetch, (o, v) => o with { Prefetch = v }, free: true, most: 1024),
        Whole("watch_every", "steps between readings of the signs of collapse; 0: none", 0, o => o.WatchEvery, (o, v) => o with { WatchEvery = v }, free: true),
        Truth("stop_on_collapse", "end the run, with a checkpoint and exit code 3, where the features have collapsed", o => o.StopOnCollapse, (o, v) => o with { StopOnCollapse = v }, free: true),
        Whole("probe_every", "steps between kNN readings on labelled slides (of the split 'train', or --probe-labels); 500 costs about 1 % of the time; 0: none", 0,
            o => o.ProbeEvery, (o, v) => o with { ProbeEvery = v }, free: true),
        Whole("checkpoint_every", "steps between checkpoints, besides checkpoint_minutes and one at the end; 0: no steps are counted", 0, o => o.CheckpointEvery, (o, v) => o with { CheckpointEvery = v }, free: true),
        Real("checkpoint_minutes", "minutes between checkpoints, which are written beside training; 0: no minutes are counted", 0, 1e5,
            o => o.CheckpointMinutes, (o, v) => o with { CheckpointMinutes = v }, free: true),
        Choice("checkpoint_bank", "auto | changes | whole: rows of the bank in a checkpoint; auto: from 64 MB on those that changed since the last whole one", o => o.CheckpointBank,
            (o, v) => o with { CheckpointBank = v }, free: true),
        Whole("keep_checkpoints", "checkpoints kept", 1, o => o.KeepCheckpoints, (o, v) => o with { KeepCheckpoints = v }, free: true),
    ];

    /// <summary>A copy of <paramref name="options"/> with one key set.</summary>
    /// <exception cref="Fault">No such key (the nearest one is named), or a value that it does not take.</exception>
    public static TrainingOptions Set(TrainingOptions options, string key, string value, string where)
    {
        Option? option = All.FirstOrDefault(o => o.Key == key);
        if (option is null)
            throw new Fault(FaultKind.Usage, $"{where}: there is no option '{key}'; did you mean '{Nearest(key, All.Select(o => o.Key))}'?");
        try
        {
            return option.Set(options, value.Trim());
        }
        catch (FormatException wrong)
        {
            throw new Fault(FaultKind.Usage, $"{where}: '{value}' is no value of {key}; it takes {wrong.Message}.");
        }
    }

    /// <summary>The differences that matter between two runs, as "key: before → now".</summary>
    public static IReadOnlyList<string> Differences(TrainingOptions before, TrainingOptions now) =>
        [.. All.Where(o => !o.FreeOnResume && o.Get(before) != o.Get(now)).Select(o => $"{o.Key}: {o.Get(before)} → {o.Get(now)}")];

    /// <summary>The candidate at the least edit distance.</summary>
    public static string Nearest(string word, IEnumerable<string> candidates) => candidates.MinBy(c => EditDistance(word, c))!;

    internal static Option Whole(
        string key, string meaning, int least, Func<TrainingOptions, int> get, Func<TrainingOptions, int, TrainingOptions> set, bool free = false,
        int most = int.MaxValue) =>
        new(key, meaning, o => get(o).ToString(CultureInfo.InvariantCulture),
            (o, v) => int.TryParse(v, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) && n >= least && n <= most
                ? set(o, n)
                : throw new FormatException($"a whole number from {least} to {most}"), free, (least, most));

    internal static Option Real(
        string key, string meaning, double least, double most, Func<TrainingOptions, double> get, Func<TrainingOptions, double, TrainingOptions> set, bool free = false) =>
        new(key, meaning, o => get(o).ToString("R", CultureInfo.InvariantCulture),
            (o, v) => double.TryParse(v, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n >= least && n <= most
                ? set(o, n)
                : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}")), free, (least, most));

    private static Option Truth(string key, string meaning, Func<TrainingOptions, bool> get, Func<TrainingOptions, bool, TrainingOptions> set, bool free = false) =>
        new(key, meaning, o => get(o) ? "true" : "false",
            (o, v) => v is "true" or "false" ? set(o, v == "true") : throw new FormatException("true or false"), free);

    private static Option Choice<T>(
        string key, string meaning, Func<TrainingOptions, T> get, Func<TrainingOptions, T, TrainingOptions> set, bool free = false)
        where T : struct, Enum => new(key, meaning, o => Name(get(o)), (o, v) => set(o, Parse<T>(v)), free);

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static T Parse<T>(string text, params string[] besides)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(n => n.ToLowerInvariant())];
        return names.Contains(text) ? Enum.Parse<T>(text, ignoreCase: true) : throw new FormatException(string.Join(" | ", besides.Concat(names)));
    }

    private static int EditDistance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
