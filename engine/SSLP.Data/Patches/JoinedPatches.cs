using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Two sources as one, the first its split <c>train</c> and the second its split <c>test</c>: what a data set that comes in two folders is.
/// Slides and classes of one name are one slide and one class. Owns nothing.
/// </summary>
public sealed class JoinedPatches : IPatchSource
{
    private readonly IPatchSource _train, _test;

    /// <param name="train">Patches to learn from; must stay open as long as this is read.</param>
    /// <param name="test">Patches to be judged on; the same.</param>
    /// <exception cref="Fault">They differ in patch size or pixel size, or the judged side has a class that cannot be learned.</exception>
    public JoinedPatches(IPatchSource train, IPatchSource test)
    {
        (_train, _test) = (train, test);
        if (train.PatchSize != test.PatchSize)
            throw new Fault(FaultKind.Input,
                $"The patches to learn from have {train.PatchSize} px and those to be judged on {test.PatchSize}; cut both to one size.");
        if (train.Mpp is { } a && test.Mpp is { } b && Math.Abs(a - b) > 0.01 * a)
            throw new Fault(FaultKind.Input,
                string.Create(CultureInfo.InvariantCulture,
                    $"The patches to learn from have {a:0.###} µm per pixel and those to be judged on {b:0.###}."));
        string[] unknown = [.. (test.Table.Classes ?? []).Except(train.Table.Classes ?? [])];
        if (unknown.Length > 0)
            throw new Fault(FaultKind.Input,
                $"The patches to be judged on are of classes that those to learn from have not: {string.Join(", ", unknown.Take(5))} "
                + $"(there are {string.Join(", ", (train.Table.Classes ?? ["none"]).Take(20))}); name the folders alike.");
        Table = Join(train.Table, test.Table);
        Describe = $"to learn from: {train.Describe}; to be judged on: {test.Describe}";
    }

    public PatchTable Table { get; }

    public int PatchSize => _train.PatchSize;

    public double? Mpp => _train.Mpp ?? _test.Mpp;

    public string Describe { get; }

    public bool IsCheapAtRandom => _train.IsCheapAtRandom && _test.IsCheapAtRandom;

    public (long X, long Y)? OriginLevel0(int patch) => patch < _train.Table.Count
        ? _train.OriginLevel0(patch)
        : _test.OriginLevel0(patch - _train.Table.Count);

    public void Read(int patch, Span<byte> rgb)
    {
        this.CheckRead(patch, rgb.Length);
        if (patch < _train.Table.Count)
            _train.Read(patch, rgb);
        else
            _test.Read(patch - _train.Table.Count, rgb);
    }

    public void Dispose() { }

    private static PatchTable Join(PatchTable train, PatchTable test)
    {
        // One side's places may be placeholders, which would collide with the other's on a slide that both have.
        bool placed = train.HasCoordinates && test.HasCoordinates;
        int both = train.Count + test.Count;
        string[] names = new string[both];
        for (int i = 0; i < both; i++)
            names[i] = i < train.Count ? train.SlideName(i) : test.SlideName(i - train.Count);
        CategoryColumn slides = CategoryColumn.FromNames(names)!;
        int[] col = placed ? [.. train.Col, .. test.Col] : PlacesOnSlides(slides.Of.Span, slides.Names.Count);
        int[] row = placed ? [.. train.Row, .. test.Row] : new int[both];
        return new(slides.Names, slides.Of, col, row,
            CategoryColumn.FromNames([.. Labels(train), .. Labels(test)]),
            CategoryColumn.FromNames([.. Enumerable.Range(0, both).Select(i => i < train.Count ? "train" : "test")]), placed)
        {
            HasSlides = train.HasSlides && test.HasSlides,
            PatientOfSlide = Patients(train, test, slides.Names),
        };
    }

    /// <summary>A column for each patch of a slide: places where there are none.</summary>
    internal static int[] PlacesOnSlides(ReadOnlySpan<int> slideOf, int slides)
    {
        int[] next = new int[slides];
        int[] places = new int[slideOf.Length];
        for (int i = 0; i < places.Length; i++)
            places[i] = next[slideOf[i]]++;
        return places;
    }

    private static IEnumerable<string?> Labels(PatchTable table) => Enumerable.Range(0, table.Count)
        .Select(i => table.Classes is not null && table.LabelOf[i] != PatchTable.None ? table.Classes[table.LabelOf[i]] : null);

    private static string[]? Patients(PatchTable train, PatchTable test, IReadOnlyList<string> slides)
    {
        if (train.PatientOfSlide is null && test.PatientOfSlide is null)
            return null;
        var known = new Dictionary<string, string>();
        foreach (PatchTable side in (PatchTable[])[train, test])
            for (int slide = 0; side.PatientOfSlide is not null && slide < side.Slides.Count; slide++)
                known[side.Slides[slide]] = side.PatientOfSlide[slide];
        return [.. slides.Select(slide => known.GetValueOrDefault(slide, slide))];
    }
}
