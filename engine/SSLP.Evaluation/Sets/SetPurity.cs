using SSLP.Data.Patches;
using SSLP.Engine.Objective;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// How often the members of S, F and Q are of their anchor's class: whether the positives of the method are positives, and what its
/// negatives are. Each anchor asks with its own bank row; the sets are those of <see cref="PlainObjective"/>.
/// </summary>
/// <param name="Anchors">Labelled patches asked, drawn by a seed.</param>
/// <param name="Spatial">Share of S of the anchor's class, over all members with a class; null where S is empty.</param>
/// <param name="Feature">The same of F.</param>
/// <param name="Negatives">The same of Q: here a low value is a good one.</param>
/// <param name="Chance">The same of all other patches: what the three are to be compared with.</param>
/// <param name="SpatialSize">Mean size of S.</param>
/// <param name="FeatureSize">Mean size of F.</param>
/// <param name="NegativeSize">Mean size of Q.</param>
internal sealed record SetPurity(
    int Anchors, double? Spatial, double? Feature, double? Negatives, double? Chance, double SpatialSize, double FeatureSize, double NegativeSize)
{
    private const int MostAnchors = 512;

    // Sets are dense here: 32 × 681,486 booleans are 22 MB.
    private const int Block = 32;

    /// <param name="objective">Bank, clusters and constants of a training.</param>
    /// <param name="table">Its patches, one a bank row.</param>
    /// <param name="seed">Of the anchors and of the ranks of Q.</param>
    /// <returns>Null where the patches carry no classes.</returns>
    public static SetPurity? Of(FusedObjective objective, PatchTable table, long seed)
    {
        int[] anchors = table.Classes is null ? [] : Draw(table, seed);
        if (anchors.Length == 0)
            return null;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        MemoryBank bank = objective.Bank;
        Tensor vectors = bank.ToTensor(), labels = tensor(table.LabelOf.ToArray()); // [N, D], [N]
        Tensor clusters = tensor(objective.Labels.ToArray()).reshape(-1, bank.RowCount); // [R, N]
        using var plain = new PlainObjective(objective.Plan.Terms, vectors, table.SlideOf, table.Col, table.Row, clusters);
        int[] ranks = Ranks(objective.Plan.Terms, bank.RowCount, seed);
        Tally spatial = new(), feature = new(), negatives = new(), chance = new();
        for (int start = 0; start < anchors.Length; start += Block)
        {
            using var blockScope = NewDisposeScope();
            Tensor ids = tensor(anchors[start..Math.Min(start + Block, anchors.Length)], ScalarType.Int64); // [b]
            ObjectiveSets sets = plain.FindSets(ids, vectors.index_select(0, ids), ranks);
            Tensor own = labels.index_select(0, ids).unsqueeze(1); // [b, 1]
            Tensor alike = own == labels, labelled = (labels != PatchTable.None).expand_as(alike); // [b, N]
            spatial.Add(sets.Spatial, alike, labelled);
            feature.Add(sets.Feature, alike, labelled);
            chance.Add(ids.unsqueeze(1) != arange(labels.shape[0]), alike, labelled);
            negatives.Add(sets.NegativesPresent, alike.gather(1, sets.Negatives), labelled.gather(1, sets.Negatives));
        }

        return new(
            anchors.Length, spatial.Purity, feature.Purity, negatives.Purity, chance.Purity,
            spatial.Members / anchors.Length, feature.Members / anchors.Length, negatives.Members / anchors.Length);
    }

    private static int[] Draw(PatchTable table, long seed)
    {
        int[] labelled = [.. Enumerable.Range(0, table.Count).Where(patch => table.LabelOf[patch] != PatchTable.None)];
        new Random((int)seed).Shuffle(labelled);
        return labelled[..Math.Min(MostAnchors, labelled.Length)];
    }

    private static int[] Ranks(ThreeTermOptions options, int rows, long seed)
    {
        int candidates = options.Sampling == NegativeSampling.SemiHard ? NegativeRanks.PoolSize(rows, options.PoolShare) : rows;
        var ranks = new int[Math.Min(options.Negatives, rows)];
        return ranks[..NegativeRanks.Draw(options.Sampling, (ulong)seed, 0, candidates, options.Negatives, ranks)];
    }

    /// <summary>Counts over pairs of an anchor and a member.</summary>
    private sealed class Tally
    {
        private double _alike, _labelled;

        public double Members { get; private set; }

        public double? Purity => _labelled > 0 ? _alike / _labelled : null;

        public void Add(Tensor members, Tensor alike, Tensor labelled)
        {
            Members += members.sum().item<long>();
            _labelled += (members & labelled).sum().item<long>();
            _alike += (members & labelled & alike).sum().item<long>();
        }
    }
}
