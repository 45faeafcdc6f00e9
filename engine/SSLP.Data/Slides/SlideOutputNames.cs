using System.Security.Cryptography;
using System.Text;

namespace SSLP.Data.Slides;

/// <summary>
/// Names of the files that are written for slides, a distinct one for each. Only where two slides would share one is it another than the
/// plain rule gives; file systems that do not tell case apart count.
/// </summary>
internal static class SlideOutputNames
{
    /// <summary>Names without the slides' endings, folders kept: "a/S1". Where S1.svs and S1.tif would share one, both keep their
    /// endings.</summary>
    public static string[] Stems(IReadOnlyList<string> slides)
    {
        string[] stems = [.. slides.Select(slide => Path.ChangeExtension(slide, null))];
        HashSet<string> shared = Shared(stems);
        return [.. slides.Select((slide, i) => shared.Contains(stems[i]) ? slide : stems[i])];
    }

    /// <summary>
    /// Names without folders: "a_S1.svs". Where a/S1.svs and a_S1.svs would share one, that in the folder gets eight digits of its name's
    /// SHA-256 in addition, whichever other slides there are.
    /// </summary>
    public static string[] Flat(IReadOnlyList<string> slides)
    {
        string[] flat = [.. slides.Select(slide => slide.Replace('/', '_').Replace('\\', '_'))];
        HashSet<string> shared = Shared(flat);
        return [.. slides.Select((slide, i) => shared.Contains(flat[i]) && flat[i] != slide ? $"{flat[i]}-{Digits(slide)}" : flat[i])];
    }

    /// <summary>Paths below the folder that all of them have in common, with forward slashes: what lies above is the machine's
    /// own.</summary>
    public static string[] Below(IReadOnlyList<string> paths)
    {
        string? folder = paths.Count == 0 ? null : Path.GetDirectoryName(paths[0]);
        while (!string.IsNullOrEmpty(folder) && !paths.All(path => path.StartsWith(
            folder.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
            folder = Path.GetDirectoryName(folder);
        return [.. paths.Select(path => (string.IsNullOrEmpty(folder) ? path : Path.GetRelativePath(folder, path)).Replace('\\', '/')
            .TrimStart('/'))];
    }

    private static HashSet<string> Shared(string[] names) =>
        names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1).Select(group => group.Key)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);

    private static string Digits(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8];
}
