using System.Buffers;

namespace SSLP.Kernels;

/// <summary>What changes from step to step.</summary>
/// <param name="Weights">Factors of the terms: 1, w(t), w(t).</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">Steps taken so far. With the seed it fixes all draws.</param>
public readonly record struct ThreeTermCall(TermWeights Weights, ulong Seed, long Step);

/// <summary>
/// The bank's part of a training step: for a batch of anchors the sets S, A, F and Q, the three terms and the gradient dL/df
/// (method.md: "The sets, for one anchor" and "The loss"). The bank is read and never written: <see cref="MemoryBank.Update"/> comes after.
/// </summary>
/// <remarks>
/// <para>F_i: for the query f_i (without row i) and for v_a of each auxiliary anchor a (without row a), the K nearest bank rows whose
/// labels equal the query's own row's in every clustering; their union without i, each row once. F may overlap S.</para>
/// <para>Q_i: rows ranked by d_ij without {i} ∪ S_i ∪ F_i; the ranks come from <see cref="NegativeRanks"/>, one draw for the batch.
/// All ties go to the lower row.</para>
/// <para>Implementations agree to rounding: they rank by their own dot products, so two rows that differ by less than that may swap.</para>
/// </remarks>
public interface IThreeTermStep : IDisposable
{
    /// <summary>The sets of the last run, for diagnostics; valid until the next.</summary>
    TermSets Sets { get; }

    /// <summary>Takes new cluster labels; until the first call every row is alone in its cluster and F is empty.</summary>
    /// <exception cref="ArgumentException">The labels are of another bank.</exception>
    void SetClusters(ClusterAgreement clusters);

    /// <summary>One step.</summary>
    /// <param name="anchors">B bank rows; a row may occur more than once.</param>
    /// <param name="features">f [B, D], unit rows.</param>
    /// <param name="gradient">dL/df [B, D], written. L is a mean over the batch: nothing is left to divide.</param>
    /// <exception cref="ArgumentException">Shapes disagree, an anchor is no bank row, or a feature is not finite.</exception>
    ThreeTermResult Run(ReadOnlySpan<int> anchors, MatrixView features, in ThreeTermCall call, MatrixView gradient);
}

/// <summary>What the implementations share: the checks of a call and its report.</summary>
internal static class ThreeTermStep
{
    public static void CheckParts(int rows, SpatialNeighbours spatial, ThreeTermOptions options)
    {
        options.Check();
        if (spatial.Count != rows)
            throw new ArgumentException($"The spatial index holds {spatial.Count} patches and the bank {rows} rows.");
    }

    public static void CheckClusters(int rows, ClusterAgreement clusters)
    {
        if (clusters.Rows != rows)
            throw new ArgumentException($"Cluster labels of {clusters.Rows} rows do not fit a bank of {rows}.");
    }

    public static void CheckCall(MemoryBank bank, ReadOnlySpan<int> anchors, MatrixView features, MatrixView gradient)
    {
        CheckShapes(bank.RowCount, bank.Width, anchors, features, gradient);
        RefuseNonFinite(anchors, features);
    }

    /// <summary>The checks that need no look at the features' values.</summary>
    public static void CheckShapes(int rows, int width, ReadOnlySpan<int> anchors, MatrixView features, MatrixView gradient)
    {
        CheckAnchors(rows, anchors);
        CheckShape(features, "Features", anchors.Length, width);
        CheckShape(gradient, "The gradient", anchors.Length, width);
    }

    public static void CheckAnchors(int rows, ReadOnlySpan<int> anchors)
    {
        if (anchors.IsEmpty)
            throw new ArgumentException("A step needs at least one anchor.");
        foreach (int anchor in anchors)
        {
            if ((uint)anchor >= (uint)rows)
                throw new ArgumentException($"Anchor {anchor} is not one of the {rows} bank rows.");
        }
    }

    /// <summary>Names the first feature that is not finite.</summary>
    public static void RefuseNonFinite(ReadOnlySpan<int> anchors, MatrixView features)
    {
        if (features.FirstNonFiniteRow() is >= 0 and var bad)
            throw new ArgumentException($"Feature {bad} (bank row {anchors[bad]}) holds a value that is not finite.");
    }

    /// <summary>Each term's factor over the number of anchors that contribute to it.</summary>
    public static TermWeights PerAnchor(TermWeights weights, TermSets sets) => new(
        weights.Self / sets.Self.Count,
        weights.Intra / Math.Max(1, sets.Spatial.NonEmpty),
        weights.Inter / Math.Max(1, sets.Feature.NonEmpty));

    public static ThreeTermResult Report(
        ReadOnlySpan<AnchorTerms> terms, TermWeights weights, TermSets sets, ReadOnlySpan<int> anchors, SpatialNeighbours spatial)
    {
        double self = 0, intra = 0, inter = 0, count = terms.Length;
        foreach (AnchorTerms anchor in terms)
        {
            self += anchor.Self;
            intra += anchor.Intra;
            inter += anchor.Inter;
        }
        self /= count;
        intra /= Math.Max(1, sets.Spatial.NonEmpty);
        inter /= Math.Max(1, sets.Feature.NonEmpty);
        return new ThreeTermResult
        {
            Loss = weights.Self * self + weights.Intra * intra + weights.Inter * inter,
            Self = self,
            Intra = intra,
            Inter = inter,
            SpatialSize = sets.Spatial.Total / count,
            FeatureSize = sets.Feature.Total / count,
            NegativeSize = sets.Negatives.Total / count,
            OtherSlideShare = sets.OtherSlideShare(anchors, spatial),
        };
    }

    /// <summary>Random sampling: rank r is the r-th row in bank order that is not excluded. Scores are left to the caller.</summary>
    public static void TakeByRow(int rows, int anchor, ReadOnlySpan<int> ranks, TermSets sets, int b)
    {
        int[] rented = ArrayPool<int>.Shared.Rent(1 + sets.Spatial.Length(b) + sets.Feature.Length(b));
        Span<int> excluded = rented.AsSpan(0, 1 + sets.Spatial.Length(b) + sets.Feature.Length(b));
        excluded[0] = anchor;
        sets.Spatial[b].CopyTo(excluded[1..]);
        sets.Feature[b].CopyTo(excluded[(1 + sets.Spatial.Length(b))..]);
        excluded.Sort();
        int skipped = 0, last = -1, next = 0;
        foreach (int rank in ranks)
        {
            for (; next < excluded.Length && excluded[next] <= rank + skipped; next++)
            {
                skipped += excluded[next] != last ? 1 : 0;
                last = excluded[next];
            }
            if (rank + skipped < rows)
                sets.Negatives.Add(b, rank + skipped);
        }
        ArrayPool<int>.Shared.Return(rented);
    }

    private static void CheckShape(MatrixView matrix, string name, int rows, int width)
    {
        if (matrix.Rows != rows || matrix.Width != width)
            throw new ArgumentException($"{name} must be {rows} × {width}, not {matrix.Rows} × {matrix.Width}.");
    }
}
