using SSLP.Data.Files;
using SSLP.Data.Patches;

namespace SSLP.Data.Tiling;

/// <summary>A patch grid with classes and splits from points: a patch has those of the point inside it that is nearest to its
/// centre.</summary>
public sealed class LabelledGrid : IPatchSource
{
    private readonly SlidePatches _patches;

    /// <param name="patches">The patches of <paramref name="manifest"/>; stays the caller's.</param>
    /// <param name="manifest">Where they lie.</param>
    /// <param name="points">Classes at places, level-0 pixels.</param>
    /// <exception cref="Fault">No point lies on a patch.</exception>
    public LabelledGrid(SlidePatches patches, TileManifest manifest, LabelledPoints points)
    {
        _patches = patches;
        PatchTable table = manifest.Table;
        int[] nearest = NearestPoints(manifest, points);
        int found = nearest.Count(point => point != PatchTable.None);
        if (found == 0)
            throw new Fault(FaultKind.Input, $"None of the {points.Table.Count} points of {points.Path} lies on a patch of these slides ({string.Join(", ", table.Slides.Take(3))} …).");
        Table = new PatchTable(
            table.Slides, table.SlideOf.ToArray(), table.Col.ToArray(), table.Row.ToArray(), Column(points.Table.Classes, points.Table.LabelOf),
            Column(points.Table.Splits, points.Table.SplitOf))
        {
            PatientOfSlide = PatientsOf(table, points.Table),
        };
        Describe = $"{patches.Describe}, {found} of them labelled by {points.Path}";

        CategoryColumn? Column(IReadOnlyList<string>? names, ReadOnlySpan<int> ofPoint)
        {
            if (names is null)
                return null;
            var of = new int[nearest.Length];
            for (int patch = 0; patch < of.Length; patch++)
                of[patch] = nearest[patch] == PatchTable.None ? PatchTable.None : ofPoint[nearest[patch]];
            return new(names, of);
        }
    }

    public PatchTable Table { get; }

    public int PatchSize => _patches.PatchSize;

    public double? Mpp => _patches.Mpp;

    public string Describe { get; }

    public SlideGeometry? GeometryOf(int slide) => _patches.GeometryOf(slide);

    public (long X, long Y)? OriginLevel0(int patch) => _patches.OriginLevel0(patch);

    public void Read(int patch, Span<byte> rgb) => _patches.Read(patch, rgb);

    public void Dispose() { }

    /// <summary>The points' patients; a slide without points is a patient of its own.</summary>
    private static string[]? PatientsOf(PatchTable table, PatchTable points)
    {
        if (points.PatientOfSlide is not { } patients)
            return null;
        Dictionary<string, string> known = points.Slides.Zip(patients).ToDictionary(pair => pair.First, pair => pair.Second);
        return [.. table.Slides.Select(slide => known.GetValueOrDefault(slide, slide))];
    }

    /// <summary>By patch, the labelled point inside it that is nearest to its centre, or none.</summary>
    private static int[] NearestPoints(TileManifest manifest, LabelledPoints points)
    {
        PatchTable table = manifest.Table;
        Dictionary<(int, int, int), int> patchAt = [];
        for (int patch = 0; patch < table.Count; patch++)
            patchAt[(table.SlideOf[patch], table.Col[patch], table.Row[patch])] = patch;
        Dictionary<string, int> slideOf = table.Slides.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        int[] chosen = new int[table.Count];
        Array.Fill(chosen, PatchTable.None);
        double[] nearest = new double[table.Count];
        Array.Fill(nearest, double.PositiveInfinity);
        for (int point = 0; point < points.Table.Count; point++)
        {
            if (points.Table.LabelOf[point] == PatchTable.None || !slideOf.TryGetValue(points.Table.SlideName(point), out int slide))
                continue;
            SlideGrid grid = manifest.Grid(slide);
            double col = points.X[point] / (grid.PatchSize * grid.ScaleX), row = points.Y[point] / (grid.PatchSize * grid.ScaleY);
            if (!patchAt.TryGetValue((slide, (int)Math.Floor(col), (int)Math.Floor(row)), out int patch))
                continue;
            double off = Math.Pow(col - Math.Floor(col) - 0.5, 2) + Math.Pow(row - Math.Floor(row) - 0.5, 2);
            if (off < nearest[patch])
                (nearest[patch], chosen[patch]) = (off, point);
        }

        return chosen;
    }
}
