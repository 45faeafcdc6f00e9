using SSLP.Data.Patches;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// Sets like the method's, made of an encoder's features where a run keeps no bank: the patches within T, the nearest in feature space, and
/// negatives of ranks among the nearest 20 %, Beta(5, 15) (method.md, "The sets"; no clusters, so nothing has to agree).
/// </summary>
internal static class EncoderSets
{
    /// <param name="features">A row for every patch.</param>
    /// <param name="anchors">Rows that ask.</param>
    /// <param name="radiusPatches">T.</param>
    /// <param name="most">Feature neighbours and negatives of an anchor.</param>
    /// <param name="seed">Of the negatives.</param>
    public static IReadOnlyList<AnchorSets> Of(FeatureTable features, int[] anchors, double radiusPatches, int most, int seed)
    {
        if (anchors.Length == 0)
            return [];
        Random random = new(seed);
        int pool = Math.Max(2, features.Count / 5), asked = Math.Min(features.Count, Math.Max(pool, most) + 1);
        int[] ranking = KnnProbe.Nearest(features.Select(anchors), features, asked).Neighbours;
        List<AnchorSets> sets = [];
        for (int a = 0; a < anchors.Length; a++)
        {
            int[] order = [.. ranking.AsSpan(a * asked, asked).ToArray().Where(row => row != anchors[a])];
            int[] spatial = SpatialNeighbours(features.Patches, anchors[a], radiusPatches);
            sets.Add(new AnchorSets(anchors[a], spatial, [.. order.Take(most)], DrawNegatives([.. order.Take(pool).Except(spatial)], most, random)));
        }

        return sets;
    }

    /// <summary>The nearest on the slide first.</summary>
    private static int[] SpatialNeighbours(PatchTable table, int anchor, double radius)
    {
        if (!table.HasCoordinates)
            return [];
        double DistanceTo(int row) => Math.Sqrt(Math.Pow(table.Col[row] - table.Col[anchor], 2) + Math.Pow(table.Row[row] - table.Row[anchor], 2));
        return [.. Enumerable.Range(0, table.Count)
            .Where(row => row != anchor && table.SlideOf[row] == table.SlideOf[anchor] && DistanceTo(row) < radius)
            .OrderBy(DistanceTo)];
    }

    /// <summary>The fifth smallest of nineteen uniform numbers is Beta(5, 15).</summary>
    private static int[] DrawNegatives(int[] pool, int most, Random random)
    {
        if (pool.Length == 0)
            return [];
        IEnumerable<int> ranks = Enumerable.Range(0, 4 * most)
            .Select(_ => (int)(pool.Length * Enumerable.Range(0, 19).Select(_ => random.NextDouble()).Order().ElementAt(4)));
        return [.. ranks.Distinct().Take(most).Order().Select(rank => pool[rank])];
    }
}
