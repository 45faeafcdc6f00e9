using SSLP.Data.Files;
using SSLP.Data.Patches;

namespace SSLP.Evaluation.Probes;

/// <summary>Which labelled patches a probe learns from and which it is judged on. No slide is on both sides.</summary>
/// <param name="Train">Rows to learn from.</param>
/// <param name="Test">Rows to be judged on.</param>
/// <param name="How">Where the split comes from, for the record.</param>
public sealed record ProbeSplit(int[] Train, int[] Test, string How)
{
    // Names that data sets give the judged side, the most final one first.
    private static readonly string[] TestNames = ["test", "val", "valid", "validation"];

    /// <summary>The table's own split where it has one, else whole slides drawn by a seed.</summary>
    /// <param name="table">Patches with classes; those without one are left out.</param>
    /// <param name="train">Name of the training split; null for "train".</param>
    /// <param name="test">Name of the judged split; null for "test", then "val".</param>
    /// <param name="testShare">Share of the slides that are judged, where the table has no split.</param>
    /// <param name="seed">Of that draw.</param>
    /// <exception cref="Fault">No classes, no such split, one slide only, or a slide on both sides.</exception>
    public static ProbeSplit Of(PatchTable table, string? train = null, string? test = null, double testShare = 0.25, int seed = 0)
    {
        if (table.Classes is null)
            throw new Fault(FaultKind.Data, "The patches carry no labels, and a probe needs them: give a label column in patches.csv, folders named by class, or --labels.");
        if (table.Splits is null)
            return Draw(table, Labelled(table, _ => true), testShare, seed);
        string trainName = train ?? "train";
        string testName = test ?? TestNames.FirstOrDefault(table.Splits.Contains)
            ?? throw new Fault(FaultKind.Data, $"None of the splits ({string.Join(", ", table.Splits)}) is called test or val; name the one to judge on.");
        ProbeSplit split = new(InSplit(table, trainName), InSplit(table, testName), $"{trainName} / {testName} of the patches");
        split.Check(table);
        return split;
    }

    /// <summary>Whole slides, drawn by a seed, so that every class is on both sides if a draw can do that.</summary>
    /// <param name="table">The patches.</param>
    /// <param name="rows">Those to divide.</param>
    /// <param name="testShare">Share of the slides on the judged side; at least one, and one remains.</param>
    /// <param name="seed">Of the draw.</param>
    /// <exception cref="Fault">The rows come from one slide.</exception>
    public static ProbeSplit Draw(PatchTable table, int[] rows, double testShare, int seed)
    {
        int[] slides = [.. rows.Select(row => table.SlideOf[row]).Distinct().Order()];
        if (slides.Length < 2)
            throw new Fault(FaultKind.Data, $"All {rows.Length} labelled patches are from one slide; a probe must be judged on another slide than it learned from.");
        int judged = Math.Clamp((int)Math.Round(testShare * slides.Length), 1, slides.Length - 1);
        int classes = CountClasses(table, rows);
        Random random = new(seed);
        ProbeSplit? first = null;
        // With few slides a draw can leave a class out; a hundred tries find one that does not, where there is one.
        for (int attempt = 0; attempt < 100; attempt++)
        {
            random.Shuffle(slides);
            HashSet<int> test = [.. slides.Take(judged)];
            ProbeSplit split = new(
                [.. rows.Where(row => !test.Contains(table.SlideOf[row]))], [.. rows.Where(row => test.Contains(table.SlideOf[row]))],
                $"{judged} of {slides.Length} slides drawn by seed {seed}");
            first ??= split;
            if (CountClasses(table, split.Train) == classes && CountClasses(table, split.Test) == classes)
                return split;
        }

        return first!;
    }

    /// <exception cref="Fault">A side is empty, or the sides share a slide.</exception>
    private void Check(PatchTable table)
    {
        if (Train.Length == 0 || Test.Length == 0)
            throw new Fault(FaultKind.Data, $"The split '{How}' has {Train.Length} labelled patches to learn from and {Test.Length} to be judged on.");
        HashSet<int> learned = [.. Train.Select(row => table.SlideOf[row])];
        string[] shared = [.. Test.Select(row => table.SlideOf[row]).Where(learned.Contains).Distinct().Select(slide => table.Slides[slide])];
        if (shared.Length > 0)
            throw new Fault(FaultKind.Data, $"The split '{How}' has {shared.Length} slides on both sides ({string.Join(", ", shared.Take(3))}{(shared.Length > 3 ? ", …" : "")}); neighbouring patches would answer for each other, so split by slide.");
    }

    private static int[] InSplit(PatchTable table, string name)
    {
        int index = table.Splits!.ToList().IndexOf(name);
        return index >= 0
            ? Labelled(table, row => table.SplitOf[row] == index)
            : throw new Fault(FaultKind.Data, $"No split is called '{name}'; there are {string.Join(", ", table.Splits!)}.");
    }

    private static int[] Labelled(PatchTable table, Func<int, bool> isWanted) =>
        [.. Enumerable.Range(0, table.Count).Where(row => table.LabelOf[row] != PatchTable.None && isWanted(row))];

    private static int CountClasses(PatchTable table, int[] rows) => rows.Select(row => table.LabelOf[row]).Distinct().Count();
}
