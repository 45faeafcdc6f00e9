using SSLP.Data.Files;

namespace SSLP.Data.Slides;

/// <summary>Slides of a folder by the names that lists give them: a path below the folder, a file name, or that without its
/// ending.</summary>
internal static class SlideNames
{
    /// <param name="slidesFolder">The folder, or one slide.</param>
    /// <param name="names">As a list gives them.</param>
    /// <param name="list">The list, for a fault.</param>
    /// <returns>The file of every name.</returns>
    /// <exception cref="Fault">A name that no slide has, or two have.</exception>
    public static IReadOnlyList<string> Find(string slidesFolder, IReadOnlyList<string> names, string list)
    {
        ILookup<string, SlideFile>? byName = null, byStem = null;
        IReadOnlyList<SlideFile> listed = [];
        return [.. names.Select(One)];

        string One(string name)
        {
            string direct = Path.Combine(slidesFolder, name);
            if (File.Exists(direct) && !Path.IsPathRooted(name) && !name.Split('/', '\\').Contains(".."))
                return direct;
            if (byName is null)
            {
                listed = SlideListing.List(slidesFolder);
                byName = listed.ToLookup(slide => Path.GetFileName(slide.Name), StringComparer.Ordinal);
                byStem = listed.ToLookup(slide => Path.GetFileNameWithoutExtension(slide.Name), StringComparer.Ordinal);
            }
            SlideFile[] found = [.. listed.Where(slide => slide.Name == name || Path.ChangeExtension(slide.Name, null) == name)];
            if (found.Length == 0)
                found = [.. byName[name]];
            if (found.Length == 0)
                found = [.. byStem![name]];
            return found.Length switch
            {
                1 => found[0].Path,
                0 => throw new Fault(FaultKind.Input,
                    $"{list} names slide '{name}', which is not in {slidesFolder} (neither {name} nor {name} with a slide's ending); "
                    + $"there are {string.Join(", ", listed.Take(3).Select(slide => slide.Name))}{(listed.Count > 3 ? " …" : "")}."),
                _ => throw new Fault(FaultKind.Input, $"{list} names slide '{name}', and {slidesFolder} has {found.Length} of that name "
                    + $"({string.Join(", ", found.Take(3).Select(slide => slide.Name))}); give their paths below the folder."),
            };
        }
    }

    /// <summary>The same for slides that are known by name alone.</summary>
    /// <param name="slides">Their names.</param>
    /// <param name="names">As a list gives them.</param>
    /// <param name="list">The list, for a fault.</param>
    /// <returns>Index of each name's slide; -1 where there is none.</returns>
    /// <exception cref="Fault">A name that two slides have.</exception>
    public static int[] IndexOf(IReadOnlyList<string> slides, IReadOnlyList<string> names, string list)
    {
        ILookup<string, int>[] forms = [.. ((Func<string, string>[])[
            name => name, name => Path.ChangeExtension(name, null), name => Path.GetFileName(name),
            name => Path.GetFileNameWithoutExtension(name)])
            .Select(form => Enumerable.Range(0, slides.Count).ToLookup(i => form(slides[i]), StringComparer.Ordinal))];
        return [.. names.Select(name =>
        {
            int[] found = forms.Select(form => form[name].ToArray()).FirstOrDefault(slides => slides.Length > 0) ?? [];
            return found.Length < 2 ? found.Append(-1).First()
                : throw new Fault(FaultKind.Input, $"{list} names slide '{name}', and there are {found.Length} of that name "
                    + $"({string.Join(", ", found.Take(3).Select(i => slides[i]))}); give them as these are.");
        })];
    }
}
