using System.Buffers;

namespace SSLP.Kernels;

/// <summary>What a fused query of spatial neighbours asks for.</summary>
/// <param name="RadiusPatches">T.</param>
/// <param name="Sample">Members to draw where S has more; 0 takes all.</param>
/// <param name="AuxiliaryAnchors">Most similar members to name.</param>
/// <param name="Seed">The run's seed, for the sample.</param>
/// <param name="Step">The training step: another one draws another sample.</param>
public readonly record struct SpatialQuery(double RadiusPatches, int Sample, int AuxiliaryAnchors, ulong Seed, long Step);

public sealed partial class SpatialNeighbours
{
    /// <summary>
    /// S of one anchor with its similarities d_ij = ⟨f_i, v_j⟩, and its most similar members, in one visit to the rows of S:
    /// |S|·D multiply-adds, |S|·D floats read. Fills list <paramref name="list"/> of S and of A.
    /// </summary>
    /// <param name="feature">f_i, D floats.</param>
    /// <exception cref="ArgumentException">As for the plain query.</exception>
    public void Query(
        int anchor, ReadOnlySpan<float> feature, MemoryBank bank, in SpatialQuery query, RowLists spatial, RowLists auxiliary, int list)
    {
        Query(anchor, query.RadiusPatches, spatial, list);
        if (query.Sample > 0 && spatial.Length(list) > query.Sample)
            KeepSample(anchor, query, spatial, list);
        Span<int> rows = spatial.Rows(list);
        Span<float> scores = spatial.WritableScores(list);
        WeightedRows.Prefetch(bank, rows);
        for (int s = 0; s < rows.Length; s++)
        {
            scores[s] = OrderedSums.Dot(feature, bank.Row(rows[s]));
            KeepMostSimilar(auxiliary, list, rows[s], scores[s], query.AuxiliaryAnchors);
        }
    }

    /// <summary>
    /// The sample: each member j has a random 64-bit key, Philox at (seed, step, anchor·2³² + j), and the smallest keys stay, in the order
    /// they had. Each subset of that size is equally likely, and no enumeration order enters.
    /// </summary>
    private static void KeepSample(int anchor, in SpatialQuery query, RowLists into, int list)
    {
        Span<int> rows = into.Rows(list);
        ulong[] rented = ArrayPool<ulong>.Shared.Rent(2 * rows.Length);
        Span<ulong> keys = rented.AsSpan(0, rows.Length), scratch = rented.AsSpan(rows.Length, rows.Length);
        ulong key = CounterRandom.Key(query.Seed, RandomPurpose.SpatialSample);
        for (int s = 0; s < rows.Length; s++)
        {
            RandomWords words = CounterRandom.Block(key, (ulong)query.Step, (ulong)anchor << 32 | (uint)rows[s]);
            keys[s] = (ulong)words.X << 32 | words.Y;
        }
        keys.CopyTo(scratch);
        ulong last = Selection.Smallest(scratch, query.Sample - 1);
        int kept = 0;
        for (int s = 0; s < rows.Length && kept < query.Sample; s++)
        {
            if (keys[s] <= last)
                rows[kept++] = rows[s];
        }
        into.Resize(list, kept);
        ArrayPool<ulong>.Shared.Return(rented);
    }

    /// <summary>Inserts into a short list that is sorted by descending score, then ascending row.</summary>
    private static void KeepMostSimilar(RowLists into, int list, int row, float score, int most)
    {
        if (into.Length(list) < most)
            into.Add(list, row, score);
        else if (most == 0 || !IsMoreSimilar(score, row, into.Scores(list)[^1], into[list][^1]))
            return;
        Span<int> rows = into.Rows(list);
        Span<float> scores = into.WritableScores(list);
        int at = rows.Length - 1;
        for (; at > 0 && IsMoreSimilar(score, row, scores[at - 1], rows[at - 1]); at--)
            (rows[at], scores[at]) = (rows[at - 1], scores[at - 1]);
        (rows[at], scores[at]) = (row, score);
    }

    private static bool IsMoreSimilar(float score, int row, float otherScore, int otherRow) =>
        score > otherScore || (score == otherScore && row < otherRow);
}
