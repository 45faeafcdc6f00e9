using SSLP.Data.Patches;

namespace SSLP.Evaluation.Sets;

/// <summary>What the members of one kind of set have in common with their anchors.</summary>
/// <param name="Name">"S", "F", "Q".</param>
/// <param name="MeanSize">Members of an anchor.</param>
/// <param name="Empty">Share of the anchors that have none.</param>
/// <param name="Purity">Share of the members that carry their anchor's class, over the pairs with a class on both sides; null where there
/// are none.</param>
/// <param name="OtherSlides">Share of the members on another slide than their anchor; null without members.</param>
public sealed record SetStatistics(string Name, double MeanSize, double Empty, double? Purity, double? OtherSlides)
{
    /// <summary>S, F, Q, and for comparison all other rows ("any").</summary>
    /// <param name="table">Slides and, where there are any, classes.</param>
    /// <param name="sets">Sets of the anchors asked, one at least.</param>
    public static IReadOnlyList<SetStatistics> Of(PatchTable table, IReadOnlyList<AnchorSets> sets)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sets.Count);
        int[] all = [.. Enumerable.Range(0, table.Count)];
        return
        [
            Tally("S", table, sets, set => set.Spatial), Tally("F", table, sets, set => set.Feature), Tally("Q", table, sets, set => set.Negatives),
            Tally("any", table, sets, set => [.. all.Where(row => row != set.Anchor)]),
        ];
    }

    private static SetStatistics Tally(string name, PatchTable table, IReadOnlyList<AnchorSets> sets, Func<AnchorSets, int[]> membersOf)
    {
        long members = 0, elsewhere = 0, labelled = 0, alike = 0, empty = 0;
        foreach (AnchorSets set in sets)
        {
            int[] rows = membersOf(set);
            empty += rows.Length == 0 ? 1 : 0;
            members += rows.Length;
            int slide = table.SlideOf[set.Anchor], label = table.Classes is null ? PatchTable.None : table.LabelOf[set.Anchor];
            foreach (int row in rows)
            {
                elsewhere += table.SlideOf[row] != slide ? 1 : 0;
                if (label == PatchTable.None || table.LabelOf[row] == PatchTable.None)
                    continue;
                labelled++;
                alike += table.LabelOf[row] == label ? 1 : 0;
            }
        }

        return new(
            name, (double)members / sets.Count, (double)empty / sets.Count, labelled > 0 ? (double)alike / labelled : null,
            members > 0 ? (double)elsewhere / members : null);
    }
}
