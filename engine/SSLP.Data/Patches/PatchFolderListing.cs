using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>
/// Lists a patches folder: by its patches.csv, or by names and folders (<see cref="PatchNames"/>). What is in the folder and no patch is
/// counted and named.
/// </summary>
internal static class PatchFolderListing
{
    public const string CsvName = "patches.csv";

    // Sets lie five folders deep at most (WSI/<set>/single/<class>/<slide>); a link back to a folder above would never end.
    private const int MostFolders = 8;

    /// <exception cref="Fault">No such folder, nothing in it, or a file that does not fit its form.</exception>
    public static PatchListing List(string folder)
    {
        if (!Directory.Exists(folder))
            throw new Fault(FaultKind.Input, File.Exists(folder) ? $"{folder} is a file, not a folder of patches."
                : $"{folder} is not a folder.");
        string csv = Path.Combine(folder, CsvName);
        string[] files = Below(folder);
        List<string> images = [.. files.Where(file => PatchImage.IsImage(file) && !IsCompanion(folder, file))];
        PatchListing listing = File.Exists(csv) ? PatchCsv.List(folder, csv)
            : images.Count > 0 ? PatchNames.Read(folder, images)
            : throw new Fault(FaultKind.Input, $"{folder} has no images (png, jpg, tif …) and no {CsvName}.");
        if (File.Exists(csv))
        {
            HashSet<string> listed = [.. listing.Patches.Select(patch => Path.GetFullPath(patch.File))];
            Count(listing, "images are in no line of patches.csv", folder, images.Where(file => !listed.Contains(Path.GetFullPath(file))));
        }
        Count(listing, "files are no images", folder,
            files.Where(file => file != csv && !PatchImage.IsImage(file) || IsCompanion(folder, file)));
        return listing;
    }

    private static string[] Below(string folder)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = 0,
            MaxRecursionDepth = MostFolders,
            IgnoreInaccessible = false
        };
        try
        {
            return [.. Directory.EnumerateFiles(folder, "*", options).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Input, $"{folder} could not be listed: {e.Message}", e);
        }
    }

    /// <summary>What file systems and editors leave beside images: ._name, .ipynb_checkpoints/, __MACOSX/.</summary>
    private static bool IsCompanion(string folder, string file) => Path.GetRelativePath(folder, file).Replace('\\', '/').Split('/')
        .Any(part => part.StartsWith('.') || part is "__MACOSX");

    private static void Count(PatchListing listing, string what, string folder, IEnumerable<string> files)
    {
        string[] left = [.. files];
        if (left.Length > 0)
            listing.LeftOut.Add($"{left.Length} {what}, the first {Path.GetRelativePath(folder, left[0])}");
    }
}
