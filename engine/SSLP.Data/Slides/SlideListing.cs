using System.Collections.ObjectModel;
using SSLP.Data.Files;

namespace SSLP.Data.Slides;

/// <summary>A slide and the name it goes by in tables: its path below the folder it was found in, with forward slashes.</summary>
/// <param name="Name">Its name; no other slide of the list has it.</param>
/// <param name="Path">The file, or the folder of a DICOM slide.</param>
public sealed record SlideFile(string Name, string Path);

/// <summary>Slides in the order of their names, and what a person should know of what was not listed.</summary>
public sealed class SlideList : ReadOnlyCollection<SlideFile>
{
    internal SlideList(IList<SlideFile> slides, IReadOnlyList<string> notes)
        : base(slides) => Notes = notes;

    /// <summary>Sentences without a full stop: folders that cannot be read, links to nothing, files reached twice, names that were made
    /// distinct.</summary>
    public IReadOnlyList<string> Notes { get; }
}

/// <summary>
/// Finds slides: in folders and below, as files, by patterns with <c>*</c>, <c>?</c>, <c>**</c> and brackets (<c>[ab]</c>, <c>[0-9]</c>,
/// <c>[!x]</c>), and in text files that list any of these, a line each. What follows <c> #</c> on a line is a comment, and backslashes
/// separate folders, too; a file or folder that has just such a name is found first.
/// </summary>
public static class SlideListing
{
    /// <param name="inputs">Folders, files, patterns, lists.</param>
    /// <returns> Ordered by name, ordinal; each slide once. Of slides of one name, from several inputs, each has as many folders of its
    /// path before the name as tell it from the others. A folder whose own name ends like a slide's and that holds none is listed too, so
    /// that it is reported.
    /// </returns>
    /// <exception cref="Fault">An input that does not exist or holds no slide.</exception>
    public static SlideList List(params IEnumerable<string> inputs)
    {
        var walk = new SlideWalk();
        var found = new List<SlideFile>();
        var notes = new List<string>();
        foreach (string input in inputs)
            Add(input, walk, found);
        int shared = MakeDistinct(found);
        if (shared > 0)
            notes.Add($"{shared:N0} slides share names and go by their folders' names, too, as in " +
                $"{found.First(slide => slide.Name.Contains('/')).Name}");
        if (found.Count == 0)
            throw new Fault(FaultKind.Input, $"{string.Join(", ", inputs)}: no slide is there, or below it "
                + $"({string.Join(' ', SlideWalk.Extensions)} .dcm).");
        found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return new(found, [.. walk.Notes, .. notes]);
    }

    /// <summary>Endings of tables and texts, which people pass for lists.</summary>
    private static readonly string[] NoSlides = [".csv", ".tsv", ".json", ".yaml", ".yml", ".xlsx", ".xls", ".md"];

    private static void Add(string input, SlideWalk walk, List<SlideFile> found)
    {
        if (Directory.Exists(input))
        {
            List<SlideFile> below = walk.Folder(input);
            if (below.Count == 0 && found.Count == 0)
            {
                string why = string.Join("; ", walk.Notes);
                throw new Fault(FaultKind.Input,
                    $"{input} holds no slide ({string.Join(' ', SlideWalk.Extensions)} .dcm){(why.Length > 0 ? $"; {why}" : "")}.");
            }
            found.AddRange(below);
        }
        else if (File.Exists(input))
        {
            if (FileIdentity.IsNoFile(input))
                throw new Fault(FaultKind.Input, $"{input} is a pipe or a device, and no file.");
            if (SlideInputs.IsList(input))
                foreach (string listed in SlideInputs.ReadList(input))
                    Add(listed, walk, found);
            else if (NoSlides.Contains(Path.GetExtension(input), StringComparer.OrdinalIgnoreCase))
                throw new Fault(FaultKind.Input,
                    $"{input} is no slide; a list of slides is a text file with a path a line whose name ends in .txt, .lst or .list.");
            else if (walk.IsNew(input))
                found.Add(new(Path.GetFileName(input), input));
        }
        else if (SlideInputs.IsPattern(input))
        {
            (string root, List<string> matches) = SlideInputs.Expand(input, walk.Unreadable);
            foreach (string match in matches)
                if (Directory.Exists(match))
                    found.AddRange(walk.Folder(match).Select(slide => slide with { Name = NameBelow(root, slide.Path) }));
                else if (walk.Leads(match) && walk.IsNew(match))
                    found.Add(new(NameBelow(root, match), match));
        }
        else
        {
            throw new Fault(FaultKind.Input, input.Length == 0 ? "A name of slides is empty: name a folder, a file or a list."
                : $"There is no file or folder {input}.");
        }
    }

    /// <summary>A slide's name in tables and files: its path below the folder that was listed, '/' on every system.</summary>
    internal static string NameBelow(string root, string path) => Path.GetRelativePath(root, path).Replace('\\', '/');

    /// <summary>Puts folders before names that several slides have, as few as tell them apart; returns how many slides that were.</summary>
    private static int MakeDistinct(List<SlideFile> slides)
    {
        int changed = 0;
        foreach (IGrouping<string, int> same in Enumerable.Range(0, slides.Count).GroupBy(i => slides[i].Name, StringComparer.Ordinal)
            .Where(group => group.Count() > 1).ToArray())
        {
            int[] group = [.. same];
            string[][] parts = [.. group.Select(
                i => Path.GetFullPath(slides[i].Path).Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries))];
            int own = same.Key.Split('/').Length, folders = own + 1;
            while (folders < parts.Max(part => part.Length) && parts.Select(part => Last(part, folders)).Distinct(StringComparer.Ordinal)
                .Count() < group.Length)
                folders++;
            for (int i = 0; i < group.Length; i++)
                slides[group[i]] = slides[group[i]] with { Name = Last(parts[i], folders) };
            changed += group.Length;
        }
        return changed;
    }

    private static string Last(string[] parts, int count) => string.Join('/', parts.TakeLast(count));
}
