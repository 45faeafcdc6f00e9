using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Evaluation.Probes;

namespace SSLP.Evaluation.Sweeps;

/// <summary>What a sweep trains and judges on. The judged slides are in no training.</summary>
/// <param name="Pretraining">Patches of the training side, for the methods that ask for no label.</param>
/// <param name="Supervised">Labelled patches of the training side.</param>
/// <param name="Labelled">Patches that are probed, both sides.</param>
/// <param name="Split">The sides of <paramref name="Labelled"/>.</param>
public sealed record SweepData(IPatchSource Pretraining, IPatchSource Supervised, IPatchSource Labelled, ProbeSplit Split)
{
    /// <summary>What the split was allowed to be.</summary>
    public ProbeSplitOptions? SplitOptions { get; init; }

    /// <summary>For a table's heading.</summary>
    public string Describe => $"Trained without labels on {Pretraining.Describe}; judged on {Labelled.Describe}: {Split.How}.";

    /// <summary>Patches that are already cut: the split 'train' is trained on, or, without splits, all slides but those that are
    /// judged.</summary>
    /// <param name="patches">With labels; stays the caller's.</param>
    /// <param name="options">What a split may be.</param>
    public static SweepData FromPatches(IPatchSource patches, ProbeSplitOptions? options = null)
    {
        var split = ProbeSplit.Of(patches.Table, options: options);
        PatchSubset train = patches.Table.Splits is not null
            ? new PatchSubset(patches, patches.Table.InSplit("train"), "split train")
            : NotJudged(patches, [.. split.Test.Select(patches.Table.UnitName)]);
        return new(train, train, patches, split) { SplitOptions = options };
    }

    /// <summary>Slides with labelled points: the tissue of the slides that points are learned from is trained on.</summary>
    /// <param name="tissue">Patches of the slides' tissue; stays the caller's.</param>
    /// <param name="points">Patches around the points; stays the caller's.</param>
    /// <param name="options">What a split may be.</param>
    /// <exception cref="Fault">No slide of the training side has tissue.</exception>
    public static SweepData FromSlides(IPatchSource tissue, IPatchSource points, ProbeSplitOptions? options = null)
    {
        var split = ProbeSplit.Of(points.Table, options: options);
        HashSet<string> learned = [.. split.Train.Select(points.Table.SlideName)];
        learned.ExceptWith(JudgedSlides(points.Table, split));
        int[] rows = [.. Enumerable.Range(0, tissue.Table.Count).Where(patch => learned.Contains(tissue.Table.SlideName(patch)))];
        return rows.Length == 0
            ? throw new Fault(FaultKind.Input,
                $"No tissue patch lies on a slide that points are learned from ({string.Join(", ", learned)}).")
            : new(new PatchSubset(tissue, rows, "training slides"), new PatchSubset(points, split.Train, "training points"), points,
                split)
            { SplitOptions = options };
    }

    private static HashSet<string> JudgedSlides(PatchTable table, ProbeSplit split) => [.. split.Test.Select(table.SlideName)];

    private static PatchSubset NotJudged(IPatchSource patches, HashSet<string> judged) => new(
        patches, [.. Enumerable.Range(0, patches.Table.Count).Where(patch => !judged.Contains(patches.Table.UnitName(patch)))],
        $"{patches.Table.Unit} that are not judged");
}
