using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Where every patch sits: its slide and its integer place (column, row) in that slide's patch grid, with a class and a split
/// where the data names them. Columns of equal length N, indexed by patch. The grid position is all the method knows of space.
/// </summary>
public sealed class PatchTable
{
    /// <summary>Value of <see cref="LabelOf"/> and <see cref="SplitOf"/> for a patch that has none.</summary>
    public const int None = -1;

    private readonly ReadOnlyMemory<int> _slideOf;
    private readonly ReadOnlyMemory<int> _col;
    private readonly ReadOnlyMemory<int> _row;
    private readonly ReadOnlyMemory<int> _labelOf;
    private readonly ReadOnlyMemory<int> _splitOf;

    /// <summary>Takes the columns as they are (no copy) and checks them.</summary>
    /// <param name="slides">Slide names, S of them, all different.</param>
    /// <param name="slideOf">N indices into <paramref name="slides"/>.</param>
    /// <param name="col">N grid columns.</param>
    /// <param name="row">N grid rows.</param>
    /// <param name="labels">A class per patch, or null.</param>
    /// <param name="splits">A split (train, val …) per patch, or null.</param>
    /// <param name="hasCoordinates">False where col and row are placeholders: no patch has a neighbour.</param>
    /// <param name="nameOf">What a user knows a patch by, for the fault; null for its index.</param>
    /// <exception cref="Fault">Two patches on one coordinate of one slide.</exception>
    /// <exception cref="ArgumentException">Columns of different lengths, or an index outside its names.</exception>
    public PatchTable(
        IReadOnlyList<string> slides, ReadOnlyMemory<int> slideOf, ReadOnlyMemory<int> col, ReadOnlyMemory<int> row,
        CategoryColumn? labels = null, CategoryColumn? splits = null, bool hasCoordinates = true,
        Func<int, string>? nameOf = null)
    {
        if (col.Length != slideOf.Length || row.Length != slideOf.Length)
            throw new ArgumentException($"Columns differ in length: slide {slideOf.Length}, col {col.Length}, row {row.Length}.");
        if (slides.Distinct().Count() != slides.Count)
            throw new ArgumentException("Two slides have one name.");
        CheckIndices("slide", slideOf.Span, 0, slides.Count);
        Slides = slides;
        (_slideOf, _col, _row) = (slideOf, col, row);
        (Classes, _labelOf) = Attach("label", labels);
        (Splits, _splitOf) = Attach("split", splits);
        HasCoordinates = hasCoordinates;
        PatchTableChecks.RefuseSharedCoordinates(this, nameOf);
    }

    /// <summary>Number of patches, N.</summary>
    public int Count => _slideOf.Length;

    /// <summary>Slide names; <see cref="SlideOf"/> indexes them.</summary>
    public IReadOnlyList<string> Slides { get; }

    /// <summary>Class names; <see cref="LabelOf"/> indexes them. Null where the patches have no classes.</summary>
    public IReadOnlyList<string>? Classes { get; }

    /// <summary>Split names; <see cref="SplitOf"/> indexes them. Null where the patches have no splits.</summary>
    public IReadOnlyList<string>? Splits { get; }

    /// <summary>False where nothing said where the patches lie; col and row are then placeholders and spatial sets are empty.</summary>
    public bool HasCoordinates { get; }

    /// <summary>False where nothing said which slide a patch is from; each is then a slide of its own, and what counts slides counts
    /// patches.</summary>
    public bool HasSlides { get; init; } = true;

    /// <summary>The patient of every slide, indexed as <see cref="Slides"/>; null where nothing named patients.</summary>
    /// <exception cref="ArgumentException">Another number of patients than of slides.</exception>
    public IReadOnlyList<string>? PatientOfSlide
    {
        get;
        init => field = value is null || value.Count == Slides.Count ? value
            : throw new ArgumentException($"{value.Count} patients for {Slides.Count} slides.");
    }

    /// <summary>What is kept on one side of a split, and drawn as one in a bootstrap: patients where they are known, else slides, else
    /// patches.</summary>
    public string Unit => PatientOfSlide is not null ? "patients" : HasSlides ? "slides" : "patches";

    /// <summary>Slide index of every patch.</summary>
    public ReadOnlySpan<int> SlideOf => _slideOf.Span;

    /// <summary>Grid column of every patch.</summary>
    public ReadOnlySpan<int> Col => _col.Span;

    /// <summary>Grid row of every patch.</summary>
    public ReadOnlySpan<int> Row => _row.Span;

    /// <summary>The column of <see cref="SlideOf"/> itself, for an index that keeps it: no copy where it is mapped from a file.</summary>
    public ReadOnlyMemory<int> SlideColumn => _slideOf;

    /// <summary>The column of <see cref="Col"/> itself.</summary>
    public ReadOnlyMemory<int> ColColumn => _col;

    /// <summary>The column of <see cref="Row"/> itself.</summary>
    public ReadOnlyMemory<int> RowColumn => _row;

    /// <summary>Class index of every patch, <see cref="None"/> where it has none; empty where no patch has one.</summary>
    public ReadOnlySpan<int> LabelOf => _labelOf.Span;

    /// <summary>Split index of every patch, <see cref="None"/> where it has none; empty where no patch has one.</summary>
    public ReadOnlySpan<int> SplitOf => _splitOf.Span;

    public string SlideName(int patch) => Slides[SlideOf[patch]];

    /// <summary>Index of every patch's patient, slide or self, as <see cref="Unit"/> says; patches of one index belong together.</summary>
    public int[] UnitOf()
    {
        if (PatientOfSlide is null)
            return SlideOf.ToArray();
        var known = new Dictionary<string, int>();
        int[] ofSlide = [.. PatientOfSlide.Select(patient => known.TryGetValue(patient, out int at) ? at : known[patient] = known.Count)];
        return [.. SlideOf.ToArray().Select(slide => ofSlide[slide])];
    }

    /// <summary>Name of a patch's patient where patients are known, else of its slide.</summary>
    public string UnitName(int patch) => PatientOfSlide?[SlideOf[patch]] ?? SlideName(patch);

    /// <summary>The same patches with the patients of their slides.</summary>
    public PatchTable WithPatients(IReadOnlyList<string> ofSlide) => Copy(this, Slides, ofSlide);

    /// <summary>The same patches on slides of other names.</summary>
    /// <param name="slides">A name for each slide, all different.</param>
    /// <param name="patients">The patient of each; null where the table names none.</param>
    public PatchTable WithNames(IReadOnlyList<string> slides, IReadOnlyList<string>? patients) => Copy(this, slides, patients);

    /// <summary>Patch indices of one split, in table order.</summary>
    /// <exception cref="Fault">No such split; the message lists those there are.</exception>
    public int[] InSplit(string split)
    {
        int wanted = Splits?.ToList().IndexOf(split) ?? None;
        if (wanted < 0)
        {
            string known = Splits is null ? "the patches carry no split" : $"there are {string.Join(", ", Splits)}";
            throw new Fault(FaultKind.Input, $"No split is called '{split}'; {known}.");
        }
        var members = new List<int>();
        ReadOnlySpan<int> splitOf = SplitOf;
        for (int i = 0; i < splitOf.Length; i++)
            if (splitOf[i] == wanted)
                members.Add(i);
        return [.. members];
    }

    /// <summary>Labelled patches that may be learned from: those of the split 'train' where the patches have splits, else all.</summary>
    public int[] LabelledToLearn()
    {
        if (Classes is null)
            return [];
        int train = Splits?.ToList().IndexOf("train") ?? None;
        return [.. Enumerable.Range(0, Count)
            .Where(row => LabelOf[row] != None && (Splits is null || (train >= 0 && SplitOf[row] == train)))];
    }

    /// <summary>The given patches in the given order, over the same slides, classes and splits.</summary>
    public PatchTable Select(ReadOnlySpan<int> patches) => new(
        Slides, Gather(SlideOf, patches), Gather(Col, patches), Gather(Row, patches),
        Classes is null ? null : new CategoryColumn(Classes, Gather(LabelOf, patches)),
        Splits is null ? null : new CategoryColumn(Splits, Gather(SplitOf, patches)),
        HasCoordinates)
    {
        HasSlides = HasSlides,
        PatientOfSlide = PatientOfSlide,
    };

    private static PatchTable Copy(PatchTable from, IReadOnlyList<string> slides, IReadOnlyList<string>? patients) => new(
        slides, from._slideOf, from._col, from._row, from.Classes is null ? null : new CategoryColumn(from.Classes, from._labelOf),
        from.Splits is null ? null : new CategoryColumn(from.Splits, from._splitOf), from.HasCoordinates)
    {
        HasSlides = from.HasSlides,
        PatientOfSlide = patients,
    };

    private static int[] Gather(ReadOnlySpan<int> column, ReadOnlySpan<int> patches)
    {
        int[] gathered = new int[patches.Length];
        for (int i = 0; i < patches.Length; i++)
            gathered[i] = column[patches[i]];
        return gathered;
    }

    private (IReadOnlyList<string>?, ReadOnlyMemory<int>) Attach(string what, CategoryColumn? column)
    {
        if (column is null)
            return (null, default);
        if (column.Of.Length != Count)
            throw new ArgumentException($"The {what} column has {column.Of.Length} entries for {Count} patches.");
        CheckIndices(what, column.Of.Span, None, column.Names.Count);
        return (column.Names, column.Of);
    }

    private static void CheckIndices(string what, ReadOnlySpan<int> indices, int lowest, int end)
    {
        for (int i = 0; i < indices.Length; i++)
            if (indices[i] < lowest || indices[i] >= end)
                throw new ArgumentException($"Patch {i} has {what} index {indices[i]}, outside [{lowest}, {end}).");
    }
}
