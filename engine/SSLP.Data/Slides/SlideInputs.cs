using System.IO.Enumeration;
using System.Text;
using System.Text.RegularExpressions;
using SSLP.Data.Files;

namespace SSLP.Data.Slides;

/// <summary>Lists of slides in text files, and patterns of paths.</summary>
internal static partial class SlideInputs
{
    private static readonly string[] ListEndings = [".txt", ".lst", ".list"];

    /// <summary>Whether a file lists slides, by its ending.</summary>
    public static bool IsList(string path) => ListEndings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// The paths that a text file lists, one a line; empty lines and such that begin with # are passed over, quotes around a line are taken
    /// off. A path that is not absolute counts from the list's folder, or else from the current one. Where nothing has a line's name as it
    /// stands, what follows " #" is a comment, and backslashes separate folders; only then *, ?, ** and brackets make it a pattern.
    /// </summary>
    /// <exception cref="Fault">A path that does not exist, or a list that is no text or empty.</exception>
    public static IReadOnlyList<string> ReadList(string list)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(list));
        }
        catch (DecoderFallbackException e)
        {
            throw new Fault(FaultKind.Input, $"{list} is no list of slides: it is no text in UTF-8.", e);
        }
        string folder = Path.GetDirectoryName(Path.GetFullPath(list))!;
        var paths = new List<string>();
        var missing = new List<string>();
        string[] lines = text.TrimStart('\uFEFF').Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', '\r');
        foreach ((int number, string line) in lines.Index())
        {
            string entry = line.Trim().Trim('"', '\'');
            if (entry.Length == 0 || entry[0] == '#')
                continue;
            string? path = PathOf(folder, entry);
            if (path is null)
                missing.Add($"line {number + 1}: {entry}");
            else if (IsList(path))
                throw new Fault(FaultKind.Input,
                    $"{list} names a list in line {number + 1} ({entry}); a list names slides, folders and patterns.");
            else
                paths.Add(path);
        }
        if (missing.Count > 0)
        {
            throw new Fault(FaultKind.Input, $"{list} names {missing.Count} of {missing.Count + paths.Count} slides that are not there "
                + $"({string.Join("; ", missing.Take(3))}{(missing.Count > 3 ? "; …" : "")}); paths count from the list's folder.");
        }
        return paths.Count > 0 ? paths : throw new Fault(FaultKind.Input, $"{list} lists no slide: it takes a path a line.");
    }

    /// <summary>What a line of a list names; null where nothing of that name is there.</summary>
    private static string? PathOf(string folder, string entry)
    {
        // As it stands first: signs of a comment or of another system may be part of a name.
        int comment = entry.IndexOf(" #", StringComparison.Ordinal);
        string plain = comment > 0 ? entry[..comment].Trim().Trim('"', '\'') : entry;
        // The folder's own name is no pattern, whatever signs it has.
        return ((string[])[entry, plain, plain.Replace('\\', '/')]).SelectMany(text => (string[])[Path.Combine(folder, text), text])
            .FirstOrDefault(Path.Exists) ?? (IsPattern(plain) ? Path.Combine(folder, plain) : null);
    }

    /// <summary>Whether a path has signs that stand for others.</summary>
    public static bool IsPattern(string path) => path.AsSpan().ContainsAny('*', '?') || Brackets().IsMatch(path);

    /// <summary>One sign of several: [ab], [0-9], [!x].</summary>
    [GeneratedRegex(@"\[!?[^\[\]/]+\]")]
    private static partial Regex Brackets();

    /// <summary>Whether a name is one that a part of a pattern stands for. Folders have names with brackets, too.</summary>
    private static bool Matches(string pattern, string name)
    {
        if (FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false))
            return true;
        if (!Brackets().IsMatch(pattern))
            return false;
        string expression = Regex.Replace(pattern, @"\[(!?)([^\[\]]+)\]|\*|\?|.", part => part.Value switch
        {
            "*" => ".*",
            "?" => ".",
            { Length: > 1 } => (part.Groups[1].Length > 0 ? "[^" : "[")
                + part.Groups[2].Value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("^", @"\^", StringComparison.Ordinal) + "]",
            _ => Regex.Escape(part.Value),
        }, RegexOptions.Singleline);
        try
        {
            return Regex.IsMatch(name, $"^{expression}$", RegexOptions.Singleline | RegexOptions.NonBacktracking);
        }
        catch (RegexParseException)
        {
            // A range that runs backwards stands for nothing.
            return false;
        }
    }

    /// <summary>
    /// What a pattern matches, in order of path, and the folder that it begins at. ** stands for any folders, also none. Folders before it
    /// that have brackets in their names are taken as they stand.
    /// </summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="unreadable">Told each folder that cannot be read.</param>
    /// <exception cref="Fault">Nothing matches.</exception>
    public static (string Root, List<string> Matches) Expand(string pattern, Action<string, Exception> unreadable)
    {
        string[] parts = pattern.Replace('\\', '/').TrimEnd('/').Split('/');
        int first = 0;
        while (first < parts.Length - 1 && (!IsPattern(parts[first]) || IsBracketed(parts.AsSpan(..(first + 1)))))
            first++;
        if (!IsPattern(parts[first]))
            throw new Fault(FaultKind.Input, $"There is no file or folder {pattern}.");
        string root = first == 0 ? "." : string.Join('/', parts[..first]) is { Length: > 0 } folder ? folder : "/";
        var matches = new List<string>();
        if (Directory.Exists(root))
            Match(root, parts.AsSpan(first), matches, unreadable);
        // A pattern that names no ending matches companions of every kind; of files only slides are meant.
        bool named = Path.GetExtension(parts[^1]) is { Length: > 1 } ending && !IsPattern(ending);
        matches.RemoveAll(match => !Directory.Exists(match) && !named && !SlideWalk.HasSlideName(match));
        matches.Sort(StringComparer.Ordinal);
        return matches.Count > 0 ? (root, [.. matches.Distinct(StringComparer.Ordinal)])
            : throw new Fault(FaultKind.Input, $"No slide matches {pattern}.");
    }

    /// <summary>Whether there is a folder of a name with brackets, and with no other sign of a pattern.</summary>
    private static bool IsBracketed(ReadOnlySpan<string> path) =>
        !path[^1].AsSpan().ContainsAny('*', '?') && Directory.Exists(string.Join('/', path));

    private static void Match(string folder, ReadOnlySpan<string> parts, List<string> matches, Action<string, Exception> unreadable)
    {
        if (parts[0] == "**")
        {
            if (parts.Length == 1)
            {
                matches.Add(folder);
                return;
            }
            Match(folder, parts[1..], matches, unreadable);
            foreach (string below in Entries(folder, unreadable)
                .Where(entry => Directory.Exists(entry) && new DirectoryInfo(entry).LinkTarget is null))
                Match(below, parts, matches, unreadable);
            return;
        }
        foreach (string entry in Entries(folder, unreadable))
        {
            if (!Matches(parts[0], Path.GetFileName(entry)))
                continue;
            if (parts.Length == 1)
                matches.Add(entry);
            else if (Directory.Exists(entry))
                Match(entry, parts[1..], matches, unreadable);
        }
    }

    private static IEnumerable<string> Entries(string folder, Action<string, Exception> unreadable)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Where(entry => !SlideWalk.IsCompanion(Path.GetFileName(entry)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            unreadable(folder, e);
            return [];
        }
    }
}
