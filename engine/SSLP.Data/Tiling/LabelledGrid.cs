using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;

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
        int[] slideOf = SlideNames.IndexOf(table.Slides, points.Table.Slides, points.Path);
        (int[] nearest, (int Slides, int Patches) off) = NearestPoints(manifest, points, slideOf);
        int found = nearest.Count(point => point != PatchTable.None);
        if (found == 0)
            throw new Fault(FaultKind.Input,
                $"None of the {points.Table.Count} points of {points.Path} lies on a patch of these slides " +
                $"({string.Join(", ", table.Slides.Take(3))} …).");
        Table = new PatchTable(
            table.Slides, table.SlideOf.ToArray(), table.Col.ToArray(), table.Row.ToArray(),
            Column(points.Table.Classes, points.Table.LabelOf),
            Column(points.Table.Splits, points.Table.SplitOf) ?? (table.Splits is { } own ? new(own, table.SplitOf.ToArray()) : null))
        {
            PatientOfSlide = PatientsOf(table, points.Table, slideOf),
        };
        Unused = off == (0, 0) ? null
            : $"of the {points.Table.Count} points of {points.Path}, {off.Slides} are on slides that have no patch here "
            + $"and {off.Patches} lie on no patch; they label nothing";
        Describe = $"{patches.Describe}, {found} of them labelled by {points.Path}";

        CategoryColumn? Column(IReadOnlyList<string>? names, ReadOnlySpan<int> ofPoint)
        {
            if (names is null)
                return null;
            int[] of = new int[nearest.Length];
            for (int patch = 0; patch < of.Length; patch++)
                of[patch] = nearest[patch] == PatchTable.None ? PatchTable.None : ofPoint[nearest[patch]];
            return new(names, of);
        }
    }

    /// <summary>What is to be said of points that label nothing; null where all do.</summary>
    public string? Unused { get; }

    public PatchTable Table { get; }

    public int PatchSize => _patches.PatchSize;

    public double? Mpp => _patches.Mpp;

    public string Describe { get; }

    public SlideGeometry? GeometryOf(int slide) => _patches.GeometryOf(slide);

    public (long X, long Y)? OriginLevel0(int patch) => _patches.OriginLevel0(patch);

    public void Read(int patch, Span<byte> rgb) => _patches.Read(patch, rgb);

    public void Dispose() { }

    /// <summary>The points' patients, else those of the patches; a slide without either is a patient of its own.</summary>
    private static string[]? PatientsOf(PatchTable table, PatchTable points, int[] slideOf)
    {
        if (points.PatientOfSlide is not { } patients)
            return table.PatientOfSlide?.ToArray();
        return [.. table.Slides.Select((slide, i) =>
            Array.IndexOf(slideOf, i) is >= 0 and int named ? patients[named] : table.PatientOfSlide?[i] ?? slide)];
    }

    /// <summary>By patch, the labelled point inside it that is nearest to its centre, or none.</summary>
    private static (int[] Nearest, (int Slides, int Patches) Off) NearestPoints(TileManifest manifest, LabelledPoints points, int[] slideOf)
    {
        PatchTable table = manifest.Table;
        Dictionary<(int, int, int), int> patchAt = [];
        for (int patch = 0; patch < table.Count; patch++)
            patchAt[(table.SlideOf[patch], table.Col[patch], table.Row[patch])] = patch;
        (int Slides, int Patches) off = (0, 0);
        int[] chosen = new int[table.Count];
        Array.Fill(chosen, PatchTable.None);
        double[] nearest = new double[table.Count];
        Array.Fill(nearest, double.PositiveInfinity);
        for (int point = 0; point < points.Table.Count; point++)
        {
            int slide = slideOf[points.Table.SlideOf[point]];
            if (slide < 0)
                off.Slides++;
            if (points.Table.LabelOf[point] == PatchTable.None || slide < 0)
                continue;
            SlideGrid grid = manifest.Grid(slide);
            double col = points.X[point] / (grid.PatchSize * grid.ScaleX), row = points.Y[point] / (grid.PatchSize * grid.ScaleY);
            if (!patchAt.TryGetValue((slide, (int)Math.Floor(col), (int)Math.Floor(row)), out int patch))
            {
                off.Patches++;
                continue;
            }
            double distance = Math.Pow(col - Math.Floor(col) - 0.5, 2) + Math.Pow(row - Math.Floor(row) - 0.5, 2);
            if (distance < nearest[patch])
                (nearest[patch], chosen[patch]) = (distance, point);
        }

        return (chosen, off);
    }
}
