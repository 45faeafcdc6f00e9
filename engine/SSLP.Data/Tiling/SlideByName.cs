using SSLP.Data.Slides;

namespace SSLP.Data.Tiling;

/// <summary>
/// The slide that a file of another program is of, by the file's path without its ending: the slide's own path, its name, or the name of
/// the folder that it lies in alone (a case). Of two slides that a name may mean neither is taken.
/// </summary>
internal sealed class SlideByName(IReadOnlyList<SlideFile> slides)
{
    private readonly ILookup<string, SlideFile> _byPath = Keyed(slides, slide => slide.Name);
    private readonly ILookup<string, SlideFile> _byName = Keyed(slides, slide => Path.GetFileName(slide.Name));
    private readonly ILookup<string, SlideFile> _byFolder =
        slides.ToLookup(slide => Path.GetFileName(Path.GetDirectoryName(slide.Name) ?? ""), StringComparer.Ordinal);

    /// <param name="key">"S1", "S1.svs", "caseA/S1".</param>
    /// <exception cref="FormatException">None, or more than one.</exception>
    public SlideFile Find(string key)
    {
        SlideFile[] found = [.. _byPath[key].Distinct()];
        if (found.Length == 0)
        {
            string name = Path.GetFileName(key);
            found = [.. _byName[name].Distinct()];
            if (found.Length > 1 && found.Where(
                slide => key.EndsWith('/' + Path.ChangeExtension(slide.Name, null), StringComparison.Ordinal)).ToArray() is [var inPath])
                return inPath;
            if (found.Length == 0 && name.Length > 0)
                found = [.. _byFolder[name]];
        }
        return found.Length switch
        {
            1 => found[0],
            0 => throw new FormatException($"it has coordinates of {key}, and no slide of that name was given"),
            _ => throw new FormatException(
                $"it may be of {string.Join(" or ", found.Take(3).Select(slide => slide.Name))}: put it at the path of its slide, as in " +
                $"{Path.ChangeExtension(found[0].Name, ".h5")}"),
        };
    }

    private static ILookup<string, SlideFile> Keyed(IReadOnlyList<SlideFile> slides, Func<SlideFile, string> keyOf) =>
        slides.SelectMany(slide => ((string[])[keyOf(slide), Path.ChangeExtension(keyOf(slide), null)]).Distinct()
            .Select(key => (Key: key, Slide: slide)))
            .ToLookup(pair => pair.Key, pair => pair.Slide, StringComparer.Ordinal);
}
