using SSLP.Data.Files;
using SSLP.Data.Slides;

namespace SSLP.Data.Annotations;

/// <summary>
/// The file of annotations of every slide of a folder: called as the slide, with or without the slide's own extension, at the slide's path
/// below the folder or, where no other slide has its name, anywhere in it.
/// </summary>
internal sealed class AnnotationFolder
{
    private static readonly string[] OutlineEndings = [".geojson", ".json", ".xml"], MaskEndings = [".tif", ".tiff"];
    private static readonly string[] PackedEndings = [".zip", ".gz"], MaskMarks = ["_mask", "-mask", ".mask"];

    private readonly string _folder;
    private readonly string _what;
    private readonly ILookup<string, string> _byPath;
    private readonly ILookup<string, string> _byName;
    private readonly HashSet<string> _sharedStems;
    private readonly HashSet<string> _used = [];
    private readonly List<string> _files;

    /// <param name="folder">Searched with what is below it.</param>
    /// <param name="slides">All slides that files may be of.</param>
    /// <param name="masks">Take TIFFs too.</param>
    /// <param name="what">"region" or "annotation", for faults.</param>
    /// <exception cref="Fault">No such folder, or none of its files is of a kind that is read.</exception>
    public AnnotationFolder(string folder, IReadOnlyList<SlideFile> slides, bool masks, string what)
    {
        (_folder, _what) = (folder, what);
        string[] endings = masks ? [.. OutlineEndings, .. MaskEndings] : OutlineEndings;
        if (!Directory.Exists(folder))
            throw new Fault(FaultKind.Input,
                $"{folder} is not a folder; give the folder of the slides' {what} files ({string.Join(' ', endings)}).");
        _files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => !Companions.IsOne(Path.GetRelativePath(folder, path)) && Stem(path, endings) is not null)
            .Order(StringComparer.Ordinal)];
        if (_files.Count == 0)
            throw new Fault(FaultKind.Input,
                $"{folder} holds no {what} file; they are called as the slide and end in {string.Join(' ', endings)}, packed as .zip or " +
                $".gz or not.");
        _byPath = _files.ToLookup(path => Stem(Path.GetRelativePath(folder, path).Replace('\\', '/'), endings)!, StringComparer.Ordinal);
        _byName = _files.ToLookup(path => Stem(Path.GetFileName(path), endings)!, StringComparer.Ordinal);
        _sharedStems = [.. slides.GroupBy(slide => StemOf(slide.Name), StringComparer.Ordinal).Where(same => same.Count() > 1)
            .Select(same => same.Key)];
    }

    /// <summary>Files that belong to no slide that was asked for, by name.</summary>
    public IReadOnlyList<string> Unused
    {
        get
        {
            lock (_used)
                return [.. _files.Where(file => !_used.Contains(file)).Select(file => Path.GetRelativePath(_folder, file))];
        }
    }

    /// <summary>The file of a slide; null where there is none. Thread-safe.</summary>
    /// <exception cref="Fault">Two files could be its, or its file could be another slide's.</exception>
    public string? Of(SlideFile slide)
    {
        string name = slide.Name.Replace('\\', '/'), stem = StemOf(name);
        string[] found = [.. ((string[])[name, Path.ChangeExtension(name, null)]).SelectMany(key => _byPath[key]).Distinct()];
        if (found.Length == 0)
        {
            found = [.. ((string[])[Path.GetFileName(name), stem]).SelectMany(key => _byName[key]).Distinct()];
            if (found.Length > 0 && _sharedStems.Contains(stem))
                throw new Fault(FaultKind.Input,
                    $"{found[0]} may be of any of the slides called {stem}; put it into a folder called as the slide's, below {_folder}.");
        }
        if (found.Length > 1)
            throw new Fault(FaultKind.Input,
                $"{slide.Name} has {found.Length} {_what} files, " +
                $"{string.Join(" and ", found.Select(file => Path.GetRelativePath(_folder, file)))}; keep one.");
        if (found.Length == 0)
            return null;
        lock (_used)
            _used.Add(found[0]);
        return found[0];
    }

    /// <summary>A slide's name without folder and extension.</summary>
    public static string StemOf(string slideName) => Path.GetFileNameWithoutExtension(slideName);

    public static bool IsMask(string path) => MaskEndings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>A path without the endings of its kind, null for a file of another kind: "S1.svs.geojson.gz" is of "S1.svs", "S1_mask.tif"
    /// of "S1".</summary>
    private static string? Stem(string path, string[] endings)
    {
        string? packed = PackedEndings.FirstOrDefault(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
        string open = packed is null ? path : path[..^packed.Length];
        string? ending = endings.FirstOrDefault(ending => open.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
        if (ending is null || (packed is not null && MaskEndings.Contains(ending)))
            return string.Equals(packed, ".zip", StringComparison.OrdinalIgnoreCase) ? open : null;
        string stem = open[..^ending.Length];
        string? mark = IsMask(path) ? MaskMarks.FirstOrDefault(mark => stem.EndsWith(mark, StringComparison.OrdinalIgnoreCase)) : null;
        return mark is null ? stem : stem[..^mark.Length];
    }
}
