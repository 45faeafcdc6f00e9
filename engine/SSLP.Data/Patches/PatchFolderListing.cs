using System.Globalization;
using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>One image file of a patches folder, with what its place, its name or patches.csv says of it.</summary>
internal readonly record struct ListedPatch(string File, string? Slide, int Col, int Row, string? Label, string? Split);

/// <summary>
/// Lists a patches folder in its three forms: flat with patches.csv; flat with names
/// <c>&lt;slide&gt;_&lt;col&gt;_&lt;row&gt;_&lt;label&gt;.&lt;ext&gt;</c>; or <c>&lt;class&gt;/&lt;name&gt;.&lt;ext&gt;</c>, where the name may carry
/// <c>&lt;slide&gt;_&lt;col&gt;_&lt;row&gt;</c>, with or without <c>_&lt;class&gt;</c>. Order: by path, ordinal; of patches.csv: as written.
/// </summary>
internal static class PatchFolderListing
{
    public const string CsvName = "patches.csv";

    /// <exception cref="Fault">No such folder, nothing in it, or a file that does not fit its form.</exception>
    public static List<ListedPatch> List(string folder)
    {
        if (!Directory.Exists(folder))
            throw new Fault(FaultKind.Input, $"{folder} is not a folder.");
        string csv = Path.Combine(folder, CsvName);
        if (File.Exists(csv))
            return FromCsv(folder, Csv.Read(csv));
        List<string> flat = Images(folder);
        string[] classes = [.. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)];
        List<ListedPatch> inClasses = [.. classes.SelectMany(FromClassFolder)];
        if (flat.Count > 0 && inClasses.Count > 0)
            throw new Fault(FaultKind.Input, $"{folder} has images both beside and inside its folders ({Path.GetFileName(flat[0])}, "
                + $"{Path.GetRelativePath(folder, inClasses[0].File)}); keep one form, or name them in a {CsvName}.");
        List<ListedPatch> all = flat.Count > 0 ? [.. flat.Select(FromFlatName)] : inClasses;
        if (all.Count == 0)
            throw new Fault(FaultKind.Input, $"{folder} has no images (png, jpg, tif …) and no {CsvName}.");
        RefuseMixedNames(all);
        return all;
    }

    private static List<ListedPatch> FromCsv(string folder, Csv csv)
    {
        int file = csv.Require("file"), slide = csv.Require("slide"), col = csv.Require("col"), row = csv.Require("row");
        int label = csv.Find("label"), split = csv.Find("split");
        if (csv.Rows.Count == 0)
            throw new Fault(FaultKind.Input, $"{csv.Path} names no patches.");
        var patches = new List<ListedPatch>(csv.Rows.Count);
        foreach (string[] fields in csv.Rows)
        {
            if (!IsInteger(fields[col], out int c) || !IsInteger(fields[row], out int r))
                throw new Fault(FaultKind.Input, $"{csv.Path}: {fields[file]} has col '{fields[col]}', row '{fields[row]}'; both must be whole numbers.");
            if (fields[slide].Length == 0 || fields[file].Length == 0)
                throw new Fault(FaultKind.Input, $"{csv.Path} has a line with no file or no slide: {string.Join(',', fields)}.");
            patches.Add(new(Path.Combine(folder, fields[file]), fields[slide], c, r,
                label < 0 ? null : fields[label], split < 0 ? null : fields[split]));
        }
        return patches;
    }

    private static IEnumerable<ListedPatch> FromClassFolder(string classFolder)
    {
        string label = Path.GetFileName(classFolder);
        foreach (string file in Images(classFolder))
        {
            string[] parts = Path.GetFileNameWithoutExtension(file).Split('_');
            int end = parts.Length > 3 && parts[^1] == label ? parts.Length - 1 : parts.Length;
            yield return Positioned(file, parts, end, label);
        }
    }

    private static ListedPatch FromFlatName(string file)
    {
        string[] parts = Path.GetFileNameWithoutExtension(file).Split('_');
        return Positioned(file, parts, parts.Length - 1, parts.Length > 3 ? parts[^1] : null);
    }

    /// <summary>Reads … slide, col, row from the name's parts before <paramref name="end"/>; Slide is null where they are not there.</summary>
    private static ListedPatch Positioned(string file, string[] parts, int end, string? label) =>
        end >= 3 && IsInteger(parts[end - 2], out int col) && IsInteger(parts[end - 1], out int row)
            ? new(file, string.Join('_', parts[..(end - 2)]), col, row, label, null)
            : new(file, null, 0, 0, label, null);

    private static void RefuseMixedNames(List<ListedPatch> patches)
    {
        int without = patches.Count(patch => patch.Slide is null);
        if (without > 0 && without < patches.Count)
            throw new Fault(FaultKind.Input, $"{without} of {patches.Count} patch names carry no coordinates, the first "
                + $"{patches.First(patch => patch.Slide is null).File}; name them <slide>_<col>_<row>_<label> or write a {CsvName}.");
    }

    private static List<string> Images(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(PatchImage.IsImage).Order(StringComparer.Ordinal)];

    private static bool IsInteger(string text, out int value) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
