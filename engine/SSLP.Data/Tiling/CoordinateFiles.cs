using PureHDF;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Slides;

namespace SSLP.Data.Tiling;

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
        var paths = new string[manifest.Slides.Count];
        PatchTable table = manifest.Table;
        string[] stems = SlideOutputNames.Stems([.. manifest.Slides.Select(entry => entry.Name)]);
        for (int slide = 0, first = 0; slide < paths.Length; first += manifest.Slides[slide++].Patches)
        {
            SlideGrid grid = manifest.Grid(slide);
            var corners = new long[2 * manifest.Slides[slide].Patches];
            for (int i = 0; i < corners.Length / 2; i++)
                (corners[2 * i], corners[(2 * i) + 1]) = grid.OriginLevel0(table.Col[first + i], table.Row[first + i]);
            string name = stems[slide];
            var file = new H5File
            {
                ["coords"] = new H5Dataset(corners, fileDims: [(ulong)corners.Length / 2, 2]) { Attributes = Attributes(grid, name) },
            };
            paths[slide] = Path.Combine(folder, name + TridentEnding + ".h5");
            AtomicFile.Write(paths[slide], stream => file.Write(stream, new H5WriteOptions(PreferCompactDatasetLayout: false)));
        }
        return paths;
    }

    /// <summary>
    /// Reads a folder of such files as points, one at every patch's centre. Column and row are counted in patches from the leftmost and
    /// topmost patch of the slide and rounded: CLAM starts a grid at every piece of tissue, so pieces may be half a patch off each other.
    /// </summary>
    /// <param name="folder">Holds <c>&lt;slide&gt;.h5</c> or <c>&lt;slide&gt;_patches.h5</c>.</param>
    /// <param name="slides">The slides that the files may name, by name without extension.</param>
    /// <exception cref="Fault">No such files, one without its slide, or overlapping patches that round to one place.</exception>
    public static LabelledPoints Read(string folder, IReadOnlyList<SlideFile> slides)
    {
        string[] files = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*.h5").Order(StringComparer.Ordinal)] : [];
        if (files.Length == 0)
            throw new Fault(FaultKind.Input, $"{folder} holds no coordinate files (<slide>.h5 or <slide>{TridentEnding}.h5).");
        var names = new string[files.Length];
        List<int> slideOf = [], cols = [], rows = [];
        List<double> xs = [], ys = [];
        for (int slide = 0; slide < files.Length; slide++)
        {
            names[slide] = SlideOf(files[slide], slides).Name;
            (long[] corners, double size) = ReadOne(files[slide]);
            long left = Every(corners, 0).DefaultIfEmpty().Min(), top = Every(corners, 1).DefaultIfEmpty().Min();
            for (int i = 0; i < corners.Length; i += 2)
            {
                slideOf.Add(slide);
                cols.Add((int)Math.Round((corners[i] - left) / size));
                rows.Add((int)Math.Round((corners[i + 1] - top) / size));
                xs.Add(corners[i] + (size / 2));
                ys.Add(corners[i + 1] + (size / 2));
            }
        }
        var table = new PatchTable(names, slideOf.ToArray(), cols.ToArray(), rows.ToArray());
        return new(folder, table, [.. xs], [.. ys]);
    }

    /// <summary>
    /// What either program looks for; sizes in px, level 0 named as such. TRIDENT scales patch_size by the ratio of the magnifications, here 10 µm
    /// over the pixel size; CLAM cuts patch_size at patch_level as it is, so that attribute is there only where this is right, and CLAM stops without it.
    /// </summary>
    private static Dictionary<string, object> Attributes(SlideGrid grid, string name)
    {
        const double MicrometresAtMagnification1 = 10;
        long sizeLevel0 = (long)Math.Round(grid.PatchSize * grid.ScaleX);
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

    private static SlideFile SlideOf(string file, IReadOnlyList<SlideFile> slides)
    {
        string stem = Path.GetFileNameWithoutExtension(file);
        string slide = stem.EndsWith(TridentEnding, StringComparison.Ordinal) ? stem[..^TridentEnding.Length] : stem;
        return slides.FirstOrDefault(candidate => Path.ChangeExtension(Path.GetFileName(candidate.Name), null) == slide)
            ?? throw new Fault(FaultKind.Input, $"{file} has coordinates of {slide}, and no slide of that name was given.");
    }

    private static (long[] Corners, double Size) ReadOne(string path)
    {
        try
        {
            using var file = H5File.OpenRead(path);
            IH5Dataset coords = file.Dataset("coords");
            if (coords.Space.Dimensions is not [_, 2])
                throw new Fault(FaultKind.Input, $"{path}: 'coords' is not N × 2.");
            double size = coords.AttributeExists("patch_size_level0") ? Integer(coords.Attribute("patch_size_level0"))
                : coords.AttributeExists("patch_level") && Integer(coords.Attribute("patch_level")) == 0 ? Integer(coords.Attribute("patch_size"))
                : coords.AttributeExists("downsample") ? Integer(coords.Attribute("patch_size")) * coords.Attribute("downsample").Read<double[]>()[0]
                : throw new Fault(FaultKind.Input, $"{path} does not say the patch's size in level-0 pixels (attribute patch_size_level0, or patch_size with patch_level 0 or downsample).");
            long[] corners = coords.Type.Size == sizeof(int) ? Array.ConvertAll(coords.Read<int[]>(), value => (long)value) : coords.Read<long[]>();
            return size > 0 ? (corners, size) : throw new Fault(FaultKind.Input, $"{path} has a patch size of {size}.");
        }
        catch (Exception e) when (e is not Fault and not IOException)
        {
            // PureHDF reports a malformed file with whatever exception its parser ran into.
            throw new Fault(FaultKind.Input, $"{path} is no coordinate file ({e.Message}).", e);
        }
    }

    /// <summary>NumPy writes 32 or 64 bits, by platform and version; PureHDF does not convert between them.</summary>
    private static long Integer(IH5Attribute attribute) => attribute.Type.Size == sizeof(int) ? attribute.Read<int>() : attribute.Read<long>();

    private static IEnumerable<long> Every(long[] pairs, int offset)
    {
        for (int i = offset; i < pairs.Length; i += 2)
            yield return pairs[i];
    }
}
