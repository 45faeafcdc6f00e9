using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Watch;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Probes;

/// <summary>What a running training is worth at one moment.</summary>
/// <param name="Judged">kNN on slides that it has not learned from; null where there was nothing to judge.</param>
/// <param name="Why">Why there was not, a sentence; else null.</param>
internal sealed record OnlineReading(Metrics? Judged, string? Why);

/// <summary>
/// Watches a training by a kNN vote on a fixed, small set of labelled patches. Whole slides are drawn by the seed for the judged side, so
/// no slide is on both, then patches of each side; only labels that may be learned from are taken, so that those of other splits stay
/// unseen. The network runs in evaluation mode without gradients and comes back in the mode it was in: watching changes nothing of what is
/// trained.
/// </summary>
public sealed class OnlineProbe : IRunProbe
{
    /// <summary>Most patches that vote, and most that are judged: a reading costs about as much as five steps of 128 patches.</summary>
    public const int MostLearned = 1200, MostJudged = 800;

    /// <summary>k; fewer where fewer patches vote.</summary>
    public const int Voters = 20;

    private const double JudgedShare = (double)MostJudged / (MostLearned + MostJudged);

    private readonly PatchSubset _patches; // those that vote, then those that are judged
    private readonly int _learned;
    private readonly EncoderPreprocessing _preprocessing;
    private readonly Device _device;
    private readonly IWorkers _pool;

    /// <param name="source">Patches with classes; stays the caller's.</param>
    /// <param name="preprocessing">What the network's inputs go through.</param>
    /// <param name="device">Where the network is.</param>
    /// <param name="pool">Threads of the scaling; stays the caller's.</param>
    /// <param name="seed">Of the draw: the same for a resumed run.</param>
    /// <exception cref="Fault">No labels, labels of one class, or of one slide.</exception>
    public OnlineProbe(IPatchSource source, EncoderPreprocessing preprocessing, Device device, IWorkers pool, int seed)
    {
        (_preprocessing, _device, _pool) = (preprocessing, device, pool);
        PatchTable table = source.Table;
        int[] rows = table.LabelledToLearn();
        ProbeSplit split = Units(table, rows) < 2 || ProbeSplit.CountClasses(table, rows) < 2
            ? throw Refusal(table, rows)
            : ProbeSplit.Draw(table, rows, JudgedShare, seed);
        int[] learned = Draw(table, split.Train, MostLearned, seed), judged = Draw(table, split.Test, MostJudged, seed);
        if (ProbeSplit.CountClasses(table, learned) < 2 || ProbeSplit.CountClasses(table, judged) < 2)
            throw Refusal(table, rows);
        _learned = learned.Length;
        _patches = new PatchSubset(source, [.. learned, .. judged], "online probe");
        Describe = $"{learned.Length} patches vote on {judged.Length}, {split.How}{Caveat(table)}, of {source.Describe}";
    }

    /// <summary>What a training run makes its probe by.</summary>
    public static RunProbeFactory Factory { get; } = (source, preprocessing, device, pool, seed) =>
        new OnlineProbe(source, preprocessing, device, pool, seed);

    /// <summary>The set in one line.</summary>
    public string Describe { get; }

    /// <summary>The patches: those that vote, then those that are judged.</summary>
    public PatchTable Patches => _patches.Table;

    /// <summary>How many of them vote.</summary>
    public int Learned => _learned;

    /// <summary>Reads the network as it is now.</summary>
    /// <param name="backbone">On the device; in any mode, in which it is left.</param>
    /// <param name="cancel">Stops between batches.</param>
    internal OnlineReading Read(ResNet backbone, CancellationToken cancel = default)
    {
        bool wasTraining = backbone.training;
        backbone.eval();
        try
        {
            (FeatureTable features, IReadOnlyList<int> unread) =
                Embedder.Run(backbone, _preprocessing, _patches, _device, _pool, null, cancel);
            return Judge(features, _learned - unread.Count(row => row < _learned));
        }
        finally
        {
            backbone.train(wasTraining);
        }
    }

    RunReading IRunProbe.Read(ResNet backbone, CancellationToken cancel)
    {
        OnlineReading reading = Read(backbone, cancel);
        return new(reading.Judged?.Accuracy, reading.Judged?.BalancedAccuracy, reading.Judged?.Auc, reading.Why);
    }

    private OnlineReading Judge(FeatureTable features, int learned)
    {
        if (!Array.TrueForAll(features.Values, float.IsFinite))
            return new(null, "in evaluation mode the encoder gives features that are no finite numbers");
        int[] rows = [.. Enumerable.Range(0, features.Count)];
        var split = new ProbeSplit(rows[..learned], rows[learned..], "online");
        if (ProbeSplit.CountClasses(features.Patches, split.Train) < 2 || ProbeSplit.CountClasses(features.Patches, split.Test) < 2)
            return new(null, $"of the probe's patches {features.Count} read, which leaves a side without two classes");
        using var kernels = new KernelSet(new KernelOptions(), _pool);
        return new(KnnProbe.Score(new ProbeTask(features, split), Math.Min(Voters, learned), kernels), null);
    }

    /// <summary>Classes keep their shares. One less for each class makes room for what rounding adds.</summary>
    private static int[] Draw(PatchTable table, int[] rows, int most, int seed) =>
        rows.Length <= most ? rows
            : FineTune.ChooseLabels(table, rows, (double)(most - ProbeSplit.CountClasses(table, rows)) / rows.Length, seed);

    /// <summary>A figure that is watched is chosen by: what else may be judged on those slides is to be known.</summary>
    private static string Caveat(PatchTable table) => (table.Unit == "patches" ? ", patches, not slides" : "")
        + (table.Splits is null ? ", from all that are labelled, so that a later probe may judge the same" : "");

    private static int Units(PatchTable table, int[] rows)
    {
        int[] unitOf = table.UnitOf();
        return rows.Select(row => unitOf[row]).Distinct().Count();
    }

    private static Fault Refusal(PatchTable table, int[] rows) => new(
        FaultKind.Input,
        $"probe_every needs labelled patches of two classes on each side of a division by slides or patients, and these patches have " +
        $"{rows.Length} labelled ones of "
        + $"{(rows.Length == 0 ? 0 : ProbeSplit.CountClasses(table, rows))} classes on {Units(table, rows)} {table.Unit}"
        + $"{(table.Splits is null ? "" : " in the split 'train'")}: give a label column in patches.csv, folders named by class, or with " +
            $"slides --probe-labels CSV; or set probe_every=0.");
}
