namespace SSLP.Kernels;

/// <summary>
/// The sets of a batch, one list an anchor (method.md, "The sets"). <see cref="RowLists.Scores"/> holds each row's similarity
/// d_ij until the loss is taken, and from then on its factor in dL/df_i = Σ_j factor_ij·v_j.
/// </summary>
public sealed class TermSets
{
    /// <summary>S: patches around the anchor on its slide, by (grid row, column, bank row).</summary>
    public RowLists Spatial { get; } = new();

    /// <summary>A: the members of S most similar to the anchor, most similar first, ties to the lower row.</summary>
    public RowLists Auxiliary { get; } = new();

    /// <summary>F: nearest keys of the anchor and of its auxiliary anchors whose clusters agree; rows ascend.</summary>
    public RowLists Feature { get; } = new();

    /// <summary>Q: negatives; rows ascend.</summary>
    public RowLists Negatives { get; } = new();

    /// <summary>The anchor's own bank row, a list of one.</summary>
    public RowLists Self { get; } = new();

    internal void Reset(int anchors)
    {
        Self.Reset(anchors);
        Spatial.Reset(anchors);
        Auxiliary.Reset(anchors);
        Feature.Reset(anchors);
        Negatives.Reset(anchors);
    }

    /// <summary>Share of the rows of F on another slide than their anchor, 0 where F is empty throughout.</summary>
    internal double OtherSlideShare(ReadOnlySpan<int> anchors, SpatialNeighbours spatial)
    {
        long other = 0;
        for (int b = 0; b < Feature.Count; b++)
        {
            int slide = spatial.SlideOf(anchors[b]);
            foreach (int row in Feature[b])
                other += spatial.SlideOf(row) != slide ? 1 : 0;
        }
        long total = Feature.Total;
        return total == 0 ? 0 : (double)other / total;
    }
}
