namespace SSLP.Data.Patches;

/// <summary>One image file of a patches folder, with what its place, its name or patches.csv says of it.</summary>
/// <param name="File">Its path.</param>
/// <param name="Slide">The slide; null where nothing says it.</param>
/// <param name="X">Across, as it was written; null where nothing says where the patch lies.</param>
/// <param name="Y">Down, the same.</param>
/// <param name="Label">The class, or null.</param>
/// <param name="Split">The split, or null.</param>
internal readonly record struct ListedPatch(string File, string? Slide, long? X, long? Y, string? Label, string? Split)
{
    public string? Patient { get; init; }
}

/// <summary>A patches folder as it lies on disk.</summary>
/// <param name="Patches">Images that are patches; by path, ordinal, or of patches.csv: as written.</param>
/// <param name="Understood">How names and folders, or columns, were read: a phrase.</param>
internal sealed record PatchListing(List<ListedPatch> Patches, string Understood)
{
    /// <summary>Files of the folder that are no patches: a line of what, how many and which is the first, a kind each.</summary>
    public List<string> LeftOut { get; } = [];

    /// <summary>Side of a patch in the units of its place where the names say it, else 0.</summary>
    public long Step { get; init; }

    /// <summary>True where places are said to be pixels; else their numbers tell.</summary>
    public bool InPixels { get; init; }

    /// <summary>Micrometres per pixel that patches.csv gives; null where it gives none.</summary>
    public double? Mpp { get; init; }
}
