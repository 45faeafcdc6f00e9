using SSLP.Data.Files;
using SSLP.Data.Patches;

namespace SSLP.Evaluation.Probes;

/// <summary>How a probe's sides may be made.</summary>
/// <param name="SplitPatches">Draw single patches where nothing says slides: neighbours and one patient's tissue may then be on both
/// sides.</param>
/// <param name="SharedPatients">Take a split that has a patient on both sides, and say so.</param>
/// <param name="TestShare">Share of the patients or slides that are judged, where the table has no split.</param>
/// <param name="Seed">Of that draw.</param>
public sealed record ProbeSplitOptions(bool SplitPatches = false, bool SharedPatients = false, double TestShare = 0.25, int Seed = 0);

/// <summary>
/// Which labelled patches a probe learns from and which it is judged on. No slide is on both sides, and, where patients are known, no
/// patient (<see cref="PatchTable.Unit"/>).
/// </summary>
/// <param name="Train">Rows to learn from.</param>
/// <param name="Test">Rows to be judged on.</param>
/// <param name="How">Where the split comes from, for the record.</param>
public sealed record ProbeSplit(int[] Train, int[] Test, string How)
{
    // Names that data sets give the judged side, the most final one first.
    private static readonly string[] TestNames = ["test", "val", "valid", "validation"];

    /// <summary>The table's own split where it has one, else whole patients or slides drawn by a seed.</summary>
    /// <param name="table">Patches with classes; those without one are left out.</param>
    /// <param name="train">Name of the training split; null for "train".</param>
    /// <param name="test">Name of the judged split; null for "test", then "val".</param>
    /// <param name="options">What is allowed, and the draw.</param>
    /// <exception cref="Fault">No classes, no such split, one slide only, a slide or patient on both sides, or no slides to
    /// draw.</exception>
    public static ProbeSplit Of(PatchTable table, string? train = null, string? test = null, ProbeSplitOptions? options = null)
    {
        ProbeSplitOptions o = options ?? new();
        if (table.Classes is null)
            throw new Fault(FaultKind.Data,
                "The patches carry no labels, and a probe needs them: give a label column in patches.csv, folders named by class, or " +
                "--labels.");
        if (table.Splits is null)
            return table.Unit != "patches" || o.SplitPatches
                ? Draw(table, Labelled(table, _ => true), o.TestShare, o.Seed)
                : throw new Fault(FaultKind.Data,
                    "Nothing says which slides the patches are from, so a drawn split could have one slide on both sides: "
                    + "give --train-patches and --test-patches, a split column in patches.csv, or --split-patches to draw single patches " +
                        "all the same.");
        string trainName = train ?? "train";
        string testName = test ?? TestNames.FirstOrDefault(table.Splits.Contains)
            ?? throw new Fault(FaultKind.Data,
                $"None of the splits ({string.Join(", ", table.Splits)}) is called test or val; name the one to judge on.");
        ProbeSplit split = new(InSplit(table, trainName), InSplit(table, testName), $"{trainName} / {testName} of the patches");
        return split with { How = split.How + split.Check(table, o.SharedPatients) };
    }

    /// <summary>Whole patients, or slides where patients are not known, drawn by a seed, so that every class is on both sides if a draw can
    /// do that.</summary>
    /// <param name="table">The patches.</param>
    /// <param name="rows">Those to divide.</param>
    /// <param name="testShare">Share of them on the judged side; at least one, and one remains.</param>
    /// <param name="seed">Of the draw.</param>
    /// <exception cref="Fault">The rows come from one patient or slide.</exception>
    public static ProbeSplit Draw(PatchTable table, int[] rows, double testShare, int seed)
    {
        int[] unitOf = table.UnitOf(), units = [.. rows.Select(row => unitOf[row]).Distinct().Order()];
        string one = table.Unit is "patients" ? "patient" : "slide";
        if (units.Length < 2)
            throw new Fault(FaultKind.Data,
                $"All {rows.Length} labelled patches are from one {one}; a probe must be judged on another {one} than it learned from.");
        int judged = Math.Clamp((int)Math.Round(testShare * units.Length), 1, units.Length - 1);
        int classes = CountClasses(table, rows);
        Random random = new(seed);
        ProbeSplit? first = null;
        // With few slides a draw can leave a class out; a hundred tries find one that does not, where there is one.
        for (int attempt = 0; attempt < 100; attempt++)
        {
            random.Shuffle(units);
            HashSet<int> test = [.. units.Take(judged)];
            ProbeSplit split = new(
                [.. rows.Where(row => !test.Contains(unitOf[row]))], [.. rows.Where(row => test.Contains(unitOf[row]))],
                $"{judged} of {units.Length} {table.Unit} drawn by seed {seed}");
            first ??= split;
            if (CountClasses(table, split.Train) == classes && CountClasses(table, split.Test) == classes)
                return split;
        }

        return first!;
    }

    /// <returns>What is to be said of the split besides; empty where nothing is.</returns>
    /// <exception cref="Fault">A side is empty, or the sides share a slide or, unless that is allowed, a patient.</exception>
    private string Check(PatchTable table, bool sharedPatients)
    {
        if (Train.Length == 0 || Test.Length == 0)
            throw new Fault(FaultKind.Data,
                $"The split '{How}' has {Train.Length} labelled patches to learn from and {Test.Length} to be judged on.");
        string[] slides = Shared(row => table.SlideName(row));
        if (slides.Length > 0)
            throw new Fault(FaultKind.Data,
                $"The split '{How}' has {slides.Length} slides on both sides ({Some(slides)}); neighbouring patches would answer for " +
                $"each other, so split by slide.");
        string[] patients = table.PatientOfSlide is null ? [] : Shared(table.UnitName);
        if (patients.Length > 0 && !sharedPatients)
            throw new Fault(FaultKind.Data,
                $"The split '{How}' has {Counted.Of(patients.Length, "patient")} on both sides " +
                $"({Some(patients)}); "
                + "one person's tissue would answer for itself: split by patient, or judge all the same with --shared-patients.");
        return patients.Length > 0 ? $", {Counted.Of(patients.Length, "patient")} on both sides" : "";
    }

    private string[] Shared(Func<int, string> nameOf)
    {
        HashSet<string> learned = [.. Train.Select(nameOf)];
        return [.. Test.Select(nameOf).Where(learned.Contains).Distinct()];
    }

    private static string Some(string[] names) => string.Join(", ", names.Take(3)) + (names.Length > 3 ? ", …" : "");

    private static int[] InSplit(PatchTable table, string name)
    {
        int index = table.Splits!.ToList().IndexOf(name);
        return index >= 0
            ? Labelled(table, row => table.SplitOf[row] == index)
            : throw new Fault(FaultKind.Data, $"No split is called '{name}'; there are {string.Join(", ", table.Splits!)}.");
    }

    private static int[] Labelled(PatchTable table, Func<int, bool> isWanted) =>
        [.. Enumerable.Range(0, table.Count).Where(row => table.LabelOf[row] != PatchTable.None && isWanted(row))];

    /// <summary>How many classes some rows have among them.</summary>
    internal static int CountClasses(PatchTable table, int[] rows) => rows.Select(row => table.LabelOf[row]).Distinct().Count();
}
