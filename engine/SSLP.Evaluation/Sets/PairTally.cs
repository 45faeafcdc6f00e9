using SSLP.Data.Patches;

namespace SSLP.Evaluation.Sets;

/// <summary>What anchors have in common with other patches, counted over pairs: their class and their slide.</summary>
/// <param name="table">Slides and, where there are any, classes.</param>
internal sealed class PairTally(PatchTable table)
{
    private long _elsewhere, _labelled, _alike;

    /// <summary>Pairs counted.</summary>
    public long Pairs { get; private set; }

    /// <summary>Share of the pairs on two slides; null where there are none.</summary>
    public double? Elsewhere => Pairs > 0 ? (double)_elsewhere / Pairs : null;

    /// <summary>Share of one class among the pairs with a class on both sides; null where there are none.</summary>
    public double? Purity => _labelled > 0 ? (double)_alike / _labelled : null;

    public void Add(int anchor, int other)
    {
        Pairs++;
        _elsewhere += table.SlideOf[anchor] != table.SlideOf[other] ? 1 : 0;
        if (ClassOf(anchor) == PatchTable.None || ClassOf(other) == PatchTable.None)
            return;
        _labelled++;
        _alike += ClassOf(anchor) == ClassOf(other) ? 1 : 0;
    }

    /// <summary>Counts every anchor with all other patches, by the sizes of slides and classes: O(N + anchors).</summary>
    public void AddAll(IEnumerable<int> anchors)
    {
        long[] onSlide = new long[table.Slides.Count];
        long[] ofClass = new long[table.Classes?.Count ?? 0];
        for (int patch = 0; patch < table.Count; patch++)
        {
            onSlide[table.SlideOf[patch]]++;
            if (ClassOf(patch) != PatchTable.None)
                ofClass[ClassOf(patch)]++;
        }

        long labelled = ofClass.Sum();
        foreach (int anchor in anchors)
        {
            Pairs += table.Count - 1;
            _elsewhere += table.Count - onSlide[table.SlideOf[anchor]];
            if (ClassOf(anchor) == PatchTable.None)
                continue;
            _labelled += labelled - 1;
            _alike += ofClass[ClassOf(anchor)] - 1;
        }
    }

    private int ClassOf(int patch) => table.Classes is null ? PatchTable.None : table.LabelOf[patch];
}
