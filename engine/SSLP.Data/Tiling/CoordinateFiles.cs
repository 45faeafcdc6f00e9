using System.Globalization;
using PureHDF;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;
using SSLP.Interop.Slides;

namespace SSLP.Data.Tiling;

/// <summary>What a folder of coordinate files gave.</summary>
/// <param name="Points">A point at the centre of every patch.</param>
/// <param name="Sizes">Side of the patches that the files speak of, level-0 px across and down, by slide of the points' table.</param>
/// <param name="Notes">What was left out, doubled or ambiguous, a sentence each.</param>
public sealed record CoordinateReading(LabelledPoints Points, IReadOnlyList<(double X, double Y)> Sizes, IReadOnlyList<string> Notes);

/// <summary>
/// Patch coordinates as the HDF5 that CLAM and TRIDENT read and write: a file per slide with the contiguous data set <c>coords</c> [N, 2]
/// int64, the top left corner (x, y) of every patch in level-0 pixels, and the patch's size in its attributes.
/// </summary>
public static class CoordinateFiles
{
    /// <summary>TRIDENT's ending of a slide's name; CLAM has none. Both are read.</summary>
    private const string TridentEnding = "_patches";

    /// <summary>Writes <c>&lt;slide&gt;_patches.h5</c> for every slide of a manifest.</summary>
    /// <returns>Paths of the files, in the manifest's order.</returns>
    public static IReadOnlyList<string> Write(string folder, TileManifest manifest)
    {
        string[] paths = new string[manifest.Slides.Count];
        PatchTable table = manifest.Table;
        string[] stems = SlideOutputNames.Stems([.. manifest.Slides.Select(entry => entry.Name)]);
        for (int slide = 0, first = 0; slide < paths.Length; first += manifest.Slides[slide++].Patches)
        {
            SlideGrid grid = manifest.Grid(slide);
            long[] corners = new long[2 * manifest.Slides[slide].Patches];
            for (int i = 0; i < corners.Length / 2; i++)
                (corners[2 * i], corners[(2 * i) + 1]) = grid.OriginLevel0(table.Col[first + i], table.Row[first + i]);
            string name = stems[slide];
            var file = new H5File
            {
                ["coords"] = new H5Dataset(
                    corners, fileDims: [(ulong)corners.Length / 2, 2])
                {
                    Attributes =
                        Attributes(new(grid.PatchSize, grid.Mpp, grid.SlideMppX, grid.SlideMppY, grid.Width, grid.Height), name)
                },
            };
            paths[slide] = Path.Combine(folder, name + TridentEnding + ".h5");
            AtomicFile.Write(paths[slide], stream => file.Write(stream, new H5WriteOptions(PreferCompactDatasetLayout: false)));
        }
        return paths;
    }

    /// <summary>
    /// Reads a folder of such files, and what is below it, as points, one at every patch's centre. A file that can't serve is named in the
    /// notes, and the others are read; so are doubled places.
    /// </summary>
    /// <param name="folder">Holds <c>&lt;slide&gt;.h5</c> or <c>&lt;slide&gt;_patches.h5</c>.</param>
    /// <param name="slides">The slides that the files may name.</param>
    /// <param name="spatial"> Columns and rows must serve as places of a grid: of places that fall into one cell the later is left out and
    /// counted. Else all are kept, and where they fit no grid the table has no coordinates.
    /// </param>
    /// <param name="assumeMpp">Pixel size of slides that do not say theirs, µm, for files that count in µm.</param>
    /// <exception cref="Fault">No file of the folder serves; has the reasons.</exception>
    public static CoordinateReading Read(string folder, IReadOnlyList<SlideFile> slides, bool spatial = false, double? assumeMpp = null)
    {
        if (!Directory.Exists(folder))
            throw new Fault(FaultKind.Input, $"{folder} is {(File.Exists(folder) ? "a file, and" : "not there;")} a folder of coordinate "
                + $"files (<slide>.h5 or <slide>{TridentEnding}.h5) is wanted.");
        string[] files =
            [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(IsCoordinateFile).Order(StringComparer.Ordinal)];
        if (files.Length == 0)
            throw new Fault(FaultKind.Input, $"{folder} holds no coordinate files (<slide>.h5 or <slide>{TridentEnding}.h5).");
        var notes = new List<string>();
        List<(SlideFile Slide, CoordinateFile Places)> read = ReadAll(folder, files, slides, assumeMpp, notes);
        if (read.Count == 0)
            throw new Fault(FaultKind.Input, $"No coordinate file of {folder} serves: {string.Join("; ", notes.Take(5))}.");
        return new(Points(folder, read, spatial, notes), [.. read.Select(entry => entry.Places.Size)], notes);
    }

    private static bool IsCoordinateFile(string path) =>
        !Companions.IsOne(path) && Path.GetExtension(path) is var extension
        && (extension.Equals(".h5", StringComparison.OrdinalIgnoreCase) || extension.Equals(".hdf5", StringComparison.OrdinalIgnoreCase));

    /// <summary>One file a slide, in order of the slides' first files.</summary>
    private static List<(SlideFile Slide, CoordinateFile Places)> ReadAll(string folder, string[] files, IReadOnlyList<SlideFile> slides,
        double? assumeMpp, List<string> notes)
    {
        var byName = new SlideByName(slides);
        var found = new List<(SlideFile Slide, string File, CoordinateFile Places)>();
        foreach (string file in files)
        {
            try
            {
                string key = Path.ChangeExtension(Path.GetRelativePath(folder, file), null).Replace('\\', '/');
                SlideFile slide = byName.Find(key.EndsWith(TridentEnding, StringComparison.Ordinal) ? key[..^TridentEnding.Length] : key);
                var places = CoordinateFile.Read(file, () => MppOf(slide, assumeMpp));
                found.Add((slide, Path.GetRelativePath(folder, file), WithoutDoubles(places, file, notes)));
            }
            catch (Exception e)
            {
                // PureHDF reports a malformed file with whatever exception its parser ran into, an array beyond all limits among them.
                string reason = e is FormatException or IOException or UnauthorizedAccessException ? e.Message.TrimEnd('.')
                    : $"it is no HDF5 that can be read ({e.Message.TrimEnd('.')})";
                notes.Add($"{file} was left out: {reason}");
            }
        }
        var read = new List<(SlideFile, CoordinateFile)>();
        foreach (IGrouping<SlideFile, (SlideFile Slide, string File, CoordinateFile Places)> own in found.GroupBy(entry => entry.Slide))
        {
            (SlideFile slide, string first, CoordinateFile places) = own.First();
            string others = string.Join(", ", own.Skip(1).Select(entry => entry.File));
            if (own.Skip(1).Any(entry => entry.Places.Size != places.Size || !entry.Places.X.AsSpan().SequenceEqual(places.X)
                || !entry.Places.Y.AsSpan().SequenceEqual(places.Y)))
            {
                notes.Add($"{slide.Name} was left out: {first} and {others} name different places on it; keep one");
                continue;
            }
            if (others.Length > 0)
                notes.Add($"{first} and {others} name the same places on {slide.Name}; the first was read");
            read.Add((slide, places));
        }
        return read;
    }

    private static Mpp? MppOf(SlideFile slide, double? assumeMpp)
    {
        using var open = Slide.Open(slide.Path);
        return open.Mpp ?? (assumeMpp is double assumed ? new(assumed, assumed, "assumed") : null);
    }

    private static CoordinateFile WithoutDoubles(CoordinateFile places, string file, List<string> notes)
    {
        var seen = new HashSet<(double, double)>();
        int[] kept = [.. Enumerable.Range(0, places.X.Length).Where(i => seen.Add((places.X[i], places.Y[i])))];
        if (kept.Length == places.X.Length)
            return places;
        int second = Enumerable.Range(0, places.X.Length).Except(kept).First();
        notes.Add(string.Create(CultureInfo.InvariantCulture,
            $"{file} names {places.X.Length - kept.Length} of its places twice, as ({places.X[second]}, {places.Y[second]}); each was " +
            $"taken once"));
        return Select(places, kept);
    }

    private static CoordinateFile Select(CoordinateFile places, int[] kept) =>
        places with { X = [.. kept.Select(i => places.X[i])], Y = [.. kept.Select(i => places.Y[i])] };

    private static LabelledPoints Points(string folder, List<(SlideFile Slide, CoordinateFile Places)> read, bool spatial,
        List<string> notes)
    {
        int?[] ratios = [.. read.Select(entry => PlaceGrid.RatioFor(entry.Places))];
        int ratio = ratios.Max() ?? 1;
        if (ratio > 1)
            notes.Add($"patches of {read[Array.IndexOf(ratios, ratio)].Slide.Name} overlap: columns and rows of all slides are counted " +
                $"in steps of 1/{ratio} of a patch, and so is the radius of neighbours");
        List<int> slideOf = [], cols = [], rows = [];
        List<double> xs = [], ys = [];
        bool gridded = true;
        for (int slide = 0; slide < read.Count; slide++)
        {
            CoordinateFile places = read[slide].Places;
            (int Col, int Row)[] cells = PlaceGrid.Cells(places, ratio);
            if (!PlaceGrid.Distinct(cells) && spatial)
            {
                var seen = new HashSet<(int, int)>();
                int[] kept = [.. Enumerable.Range(0, cells.Length).Where(i => seen.Add(cells[i]))];
                notes.Add($"{read[slide].Slide.Name}: {cells.Length - kept.Length} of {cells.Length} patches overlap others by more than " +
                    $"half and fit no common grid; they were left out");
                (places, cells) = (Select(places, kept), [.. kept.Select(i => cells[i])]);
            }
            else if (!PlaceGrid.Distinct(cells))
            {
                gridded = false;
                notes.Add($"{read[slide].Slide.Name}: patches overlap and fit no common grid; all are kept, and columns and rows are not " +
                    $"known");
            }
            for (int i = 0; i < cells.Length; i++)
            {
                slideOf.Add(slide);
                cols.Add(cells[i].Col);
                rows.Add(cells[i].Row);
                xs.Add(places.X[i] + (places.Size.X / 2));
                ys.Add(places.Y[i] + (places.Size.Y / 2));
            }
        }
        // Whole pixels tell patches apart where a grid does not. Not rounded: to even, .5 and 1.5 of odd sizes would meet.
        int[] Pixels(List<double> values) => [.. values.Select(value => (int)Math.Floor(value))];
        PatchTable table = gridded
            ? new PatchTable([.. read.Select(entry => entry.Slide.Name)], slideOf.ToArray(), cols.ToArray(), rows.ToArray())
            : new PatchTable([.. read.Select(entry => entry.Slide.Name)], slideOf.ToArray(), Pixels(xs), Pixels(ys), hasCoordinates: false);
        return new(folder, table, [.. xs], [.. ys]);
    }

    /// <summary>
    /// What either program looks for; sizes in px, level 0 named as such. TRIDENT scales patch_size by the ratio of the magnifications,
    /// here 10 µm over the pixel size; CLAM cuts patch_size at patch_level as it is, so that attribute is there only where this is right,
    /// and CLAM stops without it.
    /// </summary>
    public static Dictionary<string, object> Attributes(SlideGeometry grid, string name)
    {
        const double MicrometresAtMagnification1 = 10;
        long sizeLevel0 = (long)Math.Round(grid.PatchSize * grid.Mpp / grid.SlideMppX);
        var attributes = new Dictionary<string, object>
        {
            ["patch_size"] = (long)grid.PatchSize,
            ["patch_size_level0"] = sizeLevel0,
            ["level0_magnification"] = MicrometresAtMagnification1 / grid.SlideMppX,
            ["target_magnification"] = MicrometresAtMagnification1 / grid.Mpp,
            ["target_mpp"] = grid.Mpp,
            ["level0_mpp"] = grid.SlideMppX,
            ["level0_width"] = grid.Width,
            ["level0_height"] = grid.Height,
            ["overlap"] = 0L,
            ["name"] = name,
        };
        if (Math.Abs(sizeLevel0 - grid.PatchSize) <= 1)
            attributes["patch_level"] = 0L;
        return attributes;
    }
}
