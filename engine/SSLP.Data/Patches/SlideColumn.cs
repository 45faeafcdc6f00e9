using SSLP.Data.Files;

namespace SSLP.Data.Patches;

/// <summary>One word for every slide, from a CSV file. A slide may be named with its ending or without, with its folder or
/// without.</summary>
internal sealed class SlideColumn
{
    private readonly Dictionary<string, string> _wordOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> _byStem = new(StringComparer.Ordinal);

    private SlideColumn(string path) => Path = path;

    public string Path { get; }

    /// <summary>Slides as the file names them.</summary>
    public IReadOnlyCollection<string> Slides => _wordOf.Keys;

    /// <param name="path">The file.</param>
    /// <param name="what">"patient" or "split", for faults.</param>
    /// <param name="columns">What the column may be called.</param>
    /// <exception cref="Fault">A column is missing, a field empty, or a slide of two words.</exception>
    public static SlideColumn Read(string path, string what, params ReadOnlySpan<string> columns)
    {
        var list = new SlideColumn(path);
        using var csv = Csv.Open(path);
        int slide = csv.Require("slide", "slide_id", "file", "filename"), word = csv.Require(columns);
        while (csv.Read())
        {
            (string name, string own) = (csv.Text(slide).Replace('\\', '/'), csv.Text(word));
            if (name.Length == 0 || own.Length == 0)
                throw new Fault(FaultKind.Input, $"{path} line {csv.Line} has no {(name.Length == 0 ? "slide" : what)}.");
            if (list._wordOf.TryGetValue(name, out string? before) && before != own)
                throw new Fault(FaultKind.Input,
                    $"{path} line {csv.Line}: slide {name} is of {what} {own} and, further up, of {before}; keep one of them.");
            list._wordOf[name] = own;
            // "S1.svs" and "S1.tif" of two patients name no S1.
            string stem = System.IO.Path.ChangeExtension(name, null);
            list._byStem[stem] = list._byStem.TryGetValue(stem, out string? other) && other != own ? null : own;
        }
        return list._wordOf.Count > 0 ? list : throw new Fault(FaultKind.Input, $"{path} names no {what}s.");
    }

    /// <summary>The word of a slide; null where the file has none.</summary>
    public string? Of(string slide) =>
        Names(slide.Replace('\\', '/')).Select(name => _wordOf.GetValueOrDefault(name) ?? _byStem.GetValueOrDefault(name))
            .FirstOrDefault(word => word is not null);

    /// <summary>What a list may call a slide, the longest first.</summary>
    private static IEnumerable<string> Names(string name)
    {
        yield return name;
        yield return System.IO.Path.ChangeExtension(name, null);
        yield return System.IO.Path.GetFileName(name);
        yield return System.IO.Path.GetFileNameWithoutExtension(name);
    }
}
