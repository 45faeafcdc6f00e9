using System.Numerics.Tensors;
using SSLP.Data.Patches;
using SSLP.Engine.Statistics;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Kernels;

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
internal sealed record NeighbourStatistics(
    int Anchors, double SpatialNeighbours, double SpatialCosine, double NearestCosine, double RandomCosine, double NearestElsewhere,
    double NeighbourEntropy, double? SpatialPurity, double? NearestPurity, double? ChancePurity)
{
    private const int MostAnchors = 2000;

    /// <param name="features">Features with coordinates.</param>
    /// <param name="kernels">Implementation and threads; stay the caller's.</param>
    /// <param name="radiusPatches">T: spatial neighbours are nearer than this.</param>
    /// <param name="k">Nearest asked for, 1 at least.</param>
    /// <param name="seed">Of the anchors and the random pairs.</param>
    public static NeighbourStatistics Of(FeatureTable features, KernelSet kernels, double radiusPatches = 3, int k = 10, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features.Count, 2);
        k = Math.Min(k, features.Count - 1);
        ulong key = CounterRandom.Key((ulong)seed, RandomPurpose.Judging);
        int[] anchors = [.. Enumerable.Range(0, features.Count)];
        CounterRandom.Shuffle(anchors.AsSpan(), key, 0);
        anchors = anchors[..Math.Min(MostAnchors, anchors.Length)];
        // One more than k, since the nearest of all is the anchor itself (or its equal).
        (_, int[] found) = KnnProbe.Nearest(features.Select(anchors), features, k + 1, kernels);
        Tally spatial = new(features), nearest = new(features), chance = new(features);
        int[] taken = new int[features.Count];
        RowLists near = Near(features.Patches, anchors, radiusPatches);
        for (int a = 0; a < anchors.Length; a++)
        {
            foreach (int other in found.AsSpan(a * (k + 1), k + 1).ToArray().Where(j => j != anchors[a]).Take(k))
            {
                nearest.Add(anchors[a], other);
                taken[other]++;
            }
            foreach (int other in near[a])
                spatial.Add(anchors[a], other);
            for (int draw = 0; draw < k; draw++)
            {
                int other = (int)CounterRandom.Below(CounterRandom.Block(key, 1 + (ulong)a, (ulong)draw).X, (uint)features.Count);
                if (other != anchors[a])
                    chance.Add(anchors[a], other);
            }
        }

        return new(
            anchors.Length, (double)spatial.Of.Pairs / anchors.Length, spatial.Cosine, nearest.Cosine, chance.Cosine,
            nearest.Of.Elsewhere ?? double.NaN, Entropy.Evenness(taken), spatial.Of.Purity, nearest.Of.Purity, chance.Of.Purity);
    }

    /// <summary>S of each anchor; empty lists where the patches have no coordinates.</summary>
    private static RowLists Near(PatchTable table, int[] anchors, double radius)
    {
        var near = new RowLists();
        near.Reset(anchors.Length);
        if (table.HasCoordinates)
            new Kernels.SpatialNeighbours(table.SlideColumn, table.ColColumn, table.RowColumn).Query(anchors, radius, near);
        return near;
    }

    /// <summary>Pairs of an anchor and another patch, and their mean cosine.</summary>
    private sealed class Tally(FeatureTable features)
    {
        private double _cosines;

        public PairTally Of { get; } = new(features.Patches);

        public double Cosine => _cosines / Of.Pairs;

        public void Add(int anchor, int other)
        {
            float cosine = TensorPrimitives.CosineSimilarity(features.Row(anchor), features.Row(other));
            // A row of zeros is like nothing.
            _cosines += float.IsNaN(cosine) ? 0 : cosine;
            Of.Add(anchor, other);
        }
    }
}
