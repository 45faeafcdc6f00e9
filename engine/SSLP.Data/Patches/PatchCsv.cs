using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// patches.csv: <c>file</c>, and where they are known <c>slide</c>, <c>col</c> and <c>row</c> (or <c>x</c> and <c>y</c>, pixels),
/// <c>label</c>, <c>split</c>, <c>patient</c>, <c>mpp</c>. Further columns are ignored.
/// </summary>
internal static class PatchCsv
{
    public static PatchListing List(string folder, string path)
    {
        using var csv = Csv.Open(path);
        int file = csv.Require("file", "filename", "file_name", "path", "image", "image_path", "filepath", "file_path"),
            slide = csv.Find("slide", "slide_id", "slide_name");
        int col = csv.Find("col", "column"), row = csv.Find("row"),
            x = csv.Find("x", "x_coord", "coord_x"), y = csv.Find("y", "y_coord", "coord_y");
        int label = csv.Find("label", "class"), split = csv.Find("split"), patient = csv.Find("patient", "patient_id", "case_id"),
            mpp = csv.Find("mpp");
        bool pixels = col < 0 && row < 0 && x >= 0 && y >= 0;
        (int across, int down) = pixels ? (x, y) : (col, row);
        if (!pixels && (col < 0) != (row < 0))
            throw new Fault(FaultKind.Input,
                $"{path} has a column '{(col < 0 ? "row" : "col")}' and no '{(col < 0 ? "col" : "row")}'; a place takes both.");
        if (across < 0 && x >= 0 != y >= 0)
            throw new Fault(FaultKind.Input,
                $"{path} has a column '{(x < 0 ? "y" : "x")}' and no '{(x < 0 ? "x" : "y")}'; a place takes both.");
        if (across >= 0 && slide < 0)
            throw new Fault(FaultKind.Input, $"{path} says where patches lie and not on which slide; add a column 'slide'.");
        var patches = new List<ListedPatch>();
        var listed = new Dictionary<string, ListedPatch>(StringComparer.Ordinal);
        var doubled = new List<string>();
        double? scale = null;
        while (csv.Read())
        {
            string name = csv.Text(file);
            if (name.Length == 0 || (slide >= 0 && csv.Text(slide).Length == 0))
                throw new Fault(FaultKind.Input, $"{path} line {csv.Line} has no {(name.Length == 0 ? "file" : "slide")}.");
            (long? placeX, long? placeY) = across < 0 ? ((long?, long?))(null, null) : pixels ? Pixels(csv, x, y, name)
                : Place(csv, col, row, name);
            var patch = new ListedPatch(
                Inside(folder, name, csv), csv.TextOrNull(slide), placeX, placeY, csv.TextOrNull(label), csv.TextOrNull(split))
            {
                Patient = csv.TextOrNull(patient) is { Length: > 0 } known ? known : null,
            };
            if (listed.TryAdd(patch.File, patch))
                patches.Add(patch);
            else if (patch == listed[patch.File])
                doubled.Add(name);
            else
                throw new Fault(FaultKind.Input,
                    $"{path} line {csv.Line} names {name} again, and not as further up; keep one of the lines.");
            if (mpp >= 0)
                scale = OneScale(csv, mpp, scale);
        }
        if (patches.Count == 0)
            throw new Fault(FaultKind.Input, $"{path} names no patches.");
        var listing = new PatchListing(patches, $"patches.csv with {string.Join(", ", csv.Columns)}") { InPixels = pixels, Mpp = scale };
        if (doubled.Count > 0)
            listing.LeftOut.Add($"{doubled.Count} lines of patches.csv that repeat another one, the first of {doubled[0]}");
        return listing;
    }

    private static (long?, long?) Place(Csv csv, int col, int row, string name) => csv.TryWhole(col, out int c)
        && csv.TryWhole(row, out int r)
        ? (c, r)
        : throw new Fault(FaultKind.Input,
            $"{csv.Path}: {name} has col '{csv.Text(col)}', row '{csv.Text(row)}'; both must be whole numbers.");

    private static (long?, long?) Pixels(Csv csv, int x, int y, string name) => csv.TryNumber(x, out double across)
        && csv.TryNumber(y, out double down)
        ? ((long)Math.Round(across), (long)Math.Round(down))
        : throw new Fault(FaultKind.Input, $"{csv.Path}: {name} has x '{csv.Text(x)}', y '{csv.Text(y)}'; "
            + $"the {(csv.TryNumber(x, out _) ? $"second is {csv.WhyNoNumber(y)}" : $"first is {csv.WhyNoNumber(x)}")}.");

    private static double OneScale(Csv csv, int column, double? before) =>
        !csv.TryNumber(column, out double mpp) || !(mpp > 0)
            ? throw new Fault(FaultKind.Input,
                $"{csv.Path} line {csv.Line} has mpp '{csv.Text(column)}', which is {(csv.TryNumber(column, out _) ? "no pixel size"
                    : csv.WhyNoNumber(column))}; micrometres per pixel are wanted.")
            : before is { } other && Math.Abs(other - mpp) > 0.01 * other
                ? throw new Fault(FaultKind.Input,
                    string.Create(CultureInfo.InvariantCulture,
                        $"{csv.Path} has patches of {other:0.###} and of {mpp:0.###} µm per pixel (line {csv.Line}); a folder holds one " +
                        $"pixel size."))
                : before ?? mpp;

    /// <summary>The path of a name that a list gives. It must lie in the list's own folder, and not go through another on its
    /// way.</summary>
    private static string Inside(string folder, string name, Csv csv)
    {
        if (name.Contains('\0', StringComparison.Ordinal))
            throw new Fault(FaultKind.Input, $"{csv.Path} line {csv.Line} names '{name}', which no file is called.");
        string plain = File.Exists(Path.Combine(folder, name)) ? name : name.Replace('\\', '/');
        // A full path is as good, where it leads into this folder.
        string own = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar;
        if (Path.IsPathRooted(name) && name.StartsWith(own, StringComparison.Ordinal))
            name = plain = name[own.Length..];
        int depth = 0;
        bool inside = !Path.IsPathRooted(name) && !Path.IsPathRooted(plain);
        foreach (string part in plain.Split('/'))
            inside &= (depth += part == ".." ? -1 : part is "." or "" ? 0 : 1) >= 0;
        return inside && depth > 0
            ? Path.Combine(folder, Path.GetRelativePath(folder, Path.Combine(folder, plain)))
            : throw new Fault(FaultKind.Input,
                $"{csv.Path} line {csv.Line} names '{name}', which is outside of its folder; a list names files of its own folder only.");
    }
}
