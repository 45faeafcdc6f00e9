using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// What the neighbours of a patch have in common with it, in the slide and in feature space: the premises of the method, measured.
/// </summary>
/// <param name="Anchors">Patches asked, drawn by a seed.</param>
/// <param name="SpatialNeighbours">Mean number of others within the radius on the same slide.</param>
/// <param name="SpatialCosine">Mean cosine with them; NaN where no anchor has any.</param>
/// <param name="NearestCosine">Mean cosine with the k nearest in feature space.</param>
/// <param name="RandomCosine">Mean cosine with patches at random: with collapsed features it is as large as the others.</param>
/// <param name="NearestElsewhere">Share of the nearest that lie on another slide; low values say that slides, not tissues, are told
/// apart.</param>
/// <param name="NeighbourEntropy">
/// Entropy of which patch is taken as a neighbour how often, over the entropy of all equally often: near 0 where a few patches are
/// everybody's nearest (hubs, the sign of a collapsing bank).
/// </param>
/// <param name="SpatialPurity">Share of spatial neighbours of the anchor's class; null without classes or without neighbours.</param>
/// <param name="NearestPurity">Share of the nearest of the anchor's class; null without classes.</param>
/// <param name="ChancePurity">Share of all labelled patches of the anchor's class: what the other two must be compared with.</param>
public sealed record NeighbourStatistics(
    int Anchors, double SpatialNeighbours, double SpatialCosine, double NearestCosine, double RandomCosine, double NearestElsewhere, double NeighbourEntropy,
    double? SpatialPurity, double? NearestPurity, double? ChancePurity)
{
    private const int MostAnchors = 2000;

    /// <param name="features">Features with coordinates.</param>
    /// <param name="radiusPatches">T: spatial neighbours are nearer than this.</param>
    /// <param name="k">Nearest asked for, 1 at least.</param>
    /// <param name="seed">Of the anchors and the random pairs.</param>
    public static NeighbourStatistics Of(FeatureTable features, double radiusPatches = 3, int k = 10, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features.Count, 2);
        k = Math.Min(k, features.Count - 1);
        Random random = new(seed);
        int[] anchors = [.. Enumerable.Range(0, features.Count)];
        random.Shuffle(anchors);
        anchors = anchors[..Math.Min(MostAnchors, anchors.Length)];
        // One more than k, since the nearest of all is the anchor itself (or its equal).
        (_, int[] found) = KnnProbe.Nearest(features.Select(anchors), features, k + 1);
        Tally spatial = new(features), nearest = new(features), chance = new(features);
        int[] taken = new int[features.Count];
        ILookup<int, int> bySlide = Enumerable.Range(0, features.Count).ToLookup(patch => features.Patches.SlideOf[patch]);
        for (int a = 0; a < anchors.Length; a++)
        {
            foreach (int other in found.AsSpan(a * (k + 1), k + 1).ToArray().Where(j => j != anchors[a]).Take(k))
            {
                nearest.Add(anchors[a], other);
                taken[other]++;
            }
            foreach (int other in SpatialOf(features.Patches, anchors[a], radiusPatches, bySlide))
                spatial.Add(anchors[a], other);
            for (int draw = 0; draw < k; draw++)
                if (random.Next(features.Count) is int other && other != anchors[a])
                    chance.Add(anchors[a], other);
        }

        return new(
            anchors.Length, (double)spatial.Pairs / anchors.Length, spatial.Cosine, nearest.Cosine, chance.Cosine, nearest.Elsewhere, Entropy(taken),
            spatial.Purity, nearest.Purity, chance.Purity);
    }

    private static IEnumerable<int> SpatialOf(PatchTable table, int anchor, double radius, ILookup<int, int> bySlide)
    {
        if (!table.HasCoordinates)
            yield break;
        foreach (int other in bySlide[table.SlideOf[anchor]])
        {
            double dx = table.Col[other] - table.Col[anchor], dy = table.Row[other] - table.Row[anchor];
            if (other != anchor && dx * dx + dy * dy < radius * radius)
                yield return other;
        }
    }

    private static double Entropy(int[] counts)
    {
        double total = counts.Sum();
        // With fewer takings than patches not even the most even sharing reaches every patch.
        double most = Math.Log(Math.Min(counts.Length, total));
        return most > 0 ? -counts.Where(c => c > 0).Sum(c => c / total * Math.Log(c / total)) / most : 0;
    }

    /// <summary>Means over pairs of an anchor and another patch.</summary>
    private sealed class Tally(FeatureTable features)
    {
        private double _cosines;
        private int _elsewhere, _labelled, _alike;

        public int Pairs { get; private set; }

        public double Cosine => _cosines / Pairs;

        public double Elsewhere => (double)_elsewhere / Pairs;

        public double? Purity => _labelled > 0 ? (double)_alike / _labelled : null;

        public void Add(int anchor, int other)
        {
            PatchTable table = features.Patches;
            float cosine = System.Numerics.Tensors.TensorPrimitives.CosineSimilarity(features.Row(anchor), features.Row(other));
            // A row of zeros is like nothing.
            _cosines += float.IsNaN(cosine) ? 0 : cosine;
            _elsewhere += table.SlideOf[anchor] != table.SlideOf[other] ? 1 : 0;
            Pairs++;
            if (table.Classes is null || table.LabelOf[anchor] == PatchTable.None || table.LabelOf[other] == PatchTable.None)
                return;
            _labelled++;
            _alike += table.LabelOf[anchor] == table.LabelOf[other] ? 1 : 0;
        }
    }
}
