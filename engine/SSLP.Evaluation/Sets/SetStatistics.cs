using SSLP.Data.Patches;

namespace SSLP.Evaluation.Sets;

/// <summary>What the members of one kind of set have in common with their anchors.</summary>
/// <param name="Name">"S", "F", "Q".</param>
/// <param name="MeanSize">Members of an anchor.</param>
/// <param name="Empty">Share of the anchors that have none.</param>
/// <param name="Purity">Share of the members that carry their anchor's class, over the pairs with a class on both sides; null where there
/// are none.</param>
/// <param name="OtherSlides">Share of the members on another slide than their anchor; null without members.</param>
internal sealed record SetStatistics(string Name, double MeanSize, double Empty, double? Purity, double? OtherSlides)
{
    /// <summary>S, F, Q, and for comparison all other rows ("any").</summary>
    /// <param name="table">Slides and, where there are any, classes.</param>
    /// <param name="sets">Sets of the anchors asked, one at least.</param>
    public static IReadOnlyList<SetStatistics> Of(PatchTable table, IReadOnlyList<AnchorSets> sets)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sets.Count);
        var any = new PairTally(table);
        any.AddAll(sets.Select(set => set.Anchor));
        return
        [
            Of("S", table, sets, set => set.Spatial), Of("F", table, sets, set => set.Feature), Of("Q", table, sets, set => set.Negatives),
            new("any", table.Count - 1, table.Count == 1 ? 1 : 0, any.Purity, any.Elsewhere),
        ];
    }

    private static SetStatistics Of(string name, PatchTable table, IReadOnlyList<AnchorSets> sets, Func<AnchorSets, int[]> membersOf)
    {
        var tally = new PairTally(table);
        int empty = 0;
        foreach (AnchorSets set in sets)
        {
            int[] members = membersOf(set);
            empty += members.Length == 0 ? 1 : 0;
            foreach (int member in members)
                tally.Add(set.Anchor, member);
        }

        return new(name, (double)tally.Pairs / sets.Count, (double)empty / sets.Count, tally.Purity, tally.Elsewhere);
    }
}
