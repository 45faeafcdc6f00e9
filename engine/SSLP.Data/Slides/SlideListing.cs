using SSLP.Data.Files;

namespace SSLP.Data.Slides;

/// <summary>A slide file and the name it goes by in tables: its path below the folder it was found in, with forward slashes.</summary>
public sealed record SlideFile(string Name, string Path);

/// <summary>Finds slide files by extension, in folders and below.</summary>
public static class SlideListing
{
    private static readonly string[] Extensions =
        [".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".bif", ".svslide", ".vms", ".vmu", ".czi"];

    /// <param name="paths">Folders are searched for slide extensions; files are taken whatever their extension.</param>
    /// <returns>Ordered by name, ordinal. A folder whose own name ends like a slide's is listed too, so that it is reported.</returns>
    /// <exception cref="Fault">A path that does not exist, a folder with no slide, or two slides of one name.</exception>
    public static IReadOnlyList<SlideFile> List(params IEnumerable<string> paths)
    {
        var files = new List<SlideFile>();
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
                files.AddRange(InFolder(path));
            else if (File.Exists(path))
                files.Add(new(Path.GetFileName(path), path));
            else
                throw new Fault(FaultKind.Input, $"There is no file or folder {path}.");
        }
        files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        for (int i = 1; i < files.Count; i++)
            if (files[i].Name == files[i - 1].Name)
                throw new Fault(FaultKind.Input, $"Two slides are called {files[i].Name}: {files[i - 1].Path} and {files[i].Path}; name the folder above both instead.");
        return files;
    }

    private static List<SlideFile> InFolder(string folder)
    {
        List<SlideFile> found = [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
            .Where(path => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            .Select(path => new SlideFile(Path.GetRelativePath(folder, path).Replace('\\', '/'), path))];
        return found.Count > 0 ? found
            : throw new Fault(FaultKind.Input, $"{folder} holds no slide ({string.Join(' ', Extensions)}).");
    }
}
