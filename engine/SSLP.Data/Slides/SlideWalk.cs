using SSLP.Data.Files;

namespace SSLP.Data.Slides;

/// <summary>
/// Walks folders for slides, each folder and each file once, whatever links lead to it. What is reached without links comes first, so that
/// a link into a folder changes no name of what is in it.
/// </summary>
internal sealed class SlideWalk
{
    /// <summary>Endings that slides have; DICOM is told by its own.</summary>
    public static readonly string[] Extensions =
        [".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".bif", ".svslide", ".vms", ".vmu", ".czi", ".btf", ".tf8", ".tf2", ".qptiff"];

    private const string Dicom = ".dcm";

    /// <summary>Folders of systems and programs, besides hidden ones.</summary>
    private static readonly string[] SystemFolders =
        ["@eaDir", "lost+found", "__MACOSX", "#snapshot", "@Recycle", "$RECYCLE.BIN", "#recycle", "@Recently-Snapshot",
            "System Volume Information", "~snapshot", "Network Trash Folder", "Temporary Items"];

    private readonly HashSet<FileIdentity> _folders = [], _files = [];
    private readonly List<string> _nowhere = [], _unnamed = [], _noFiles = [], _unreadable = [];
    private int _again;

    /// <summary>What a person should know of what was not listed: folders that cannot be read, links to nothing, files that were reached
    /// twice.</summary>
    public IEnumerable<string> Notes
    {
        get
        {
            foreach (string folder in _unreadable)
                yield return folder;
            if (_nowhere.Count > 0)
                yield return $"{Counted.Of(_nowhere.Count, "link")} to slides {(_nowhere.Count == 1 ? "leads" : "lead")} nowhere: " +
                    $"{Few(_nowhere)}";
            if (_unnamed.Count > 0)
                yield return $"{Counted.Of(_unnamed.Count, "slide")} can't be opened, since the bytes of the name are no UTF-8; rename " +
                    $"{(_unnamed.Count == 1 ? "it" : "them")}: {Few(_unnamed)}";
            if (_noFiles.Count > 0)
                yield return $"{Counted.Of(_noFiles.Count, "pipe or device", "pipes or devices")} called as slides, left out: " +
                    $"{Few(_noFiles)}";
            if (_again > 0)
                yield return $"{Counted.Of(_again, "path")} more {(_again == 1 ? "leads" : "lead")} to slides that are listed already; " +
                    "each slide is taken once";
        }
    }

    /// <summary>All slides in a folder and below.</summary>
    /// <param name="root">The folder; it may be one DICOM slide itself.</param>
    /// <returns>Names are paths below the folder, with forward slashes.</returns>
    public List<SlideFile> Folder(string root)
    {
        var found = new List<SlideFile>();
        var later = new Queue<string>();
        later.Enqueue(root);
        // Links to files of a round wait until its folders are done.
        while (later.Count > 0)
        {
            var links = new List<string>();
            for (int folders = later.Count; folders > 0; folders--)
                Enter(root, later.Dequeue(), found, links);
            foreach (string link in links.Order(StringComparer.Ordinal))
                if (Directory.Exists(link))
                    later.Enqueue(link);
                else
                    AddFile(root, link, found);
        }
        return found;
    }

    /// <summary>Whether a path that a pattern matched leads to a file or folder; what leads to none is noted.</summary>
    public bool Leads(string path)
    {
        if (FileIdentity.IsNoFile(path))
        {
            _noFiles.Add(path);
            return false;
        }
        if (FileIdentity.Of(path) is not null)
            return true;
        // Names of bytes that are no UTF-8 can be seen here and not opened.
        (path.Contains('\uFFFD', StringComparison.Ordinal) ? _unnamed : _nowhere).Add(path);
        return false;
    }

    /// <summary>A file that was named; false where it is listed already.</summary>
    public bool IsNew(string path)
    {
        if (FileIdentity.Of(path) is not { } identity || _files.Add(identity))
            return true;
        _again++;
        return false;
    }

    /// <summary>Notes a folder that cannot be read.</summary>
    public void Unreadable(string folder, Exception why) =>
        _unreadable.Add(
            $"the folder {folder} cannot be read ({(why is UnauthorizedAccessException ? "no right to" : why.Message.TrimEnd('.'))}); " +
            $"the rest is listed");

    /// <summary>Whether a file's or folder's name is one that a slide has.</summary>
    /// <remarks>Copying leaves blanks behind the ending, which nobody sees.</remarks>
    public static bool HasSlideName(string path) =>
        Extensions.Contains(Path.GetExtension(path).TrimEnd(), StringComparer.OrdinalIgnoreCase);

    private void Enter(string root, string folder, List<SlideFile> found, List<string> links)
    {
        if (FileIdentity.Of(folder) is not { } identity || !_folders.Add(identity))
            return;
        FileSystemInfo[] entries;
        try
        {
            entries = [.. new DirectoryInfo(folder)
                .EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false })
                .OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Unreadable(folder, e);
            return;
        }
        bool dicom = false;
        foreach (FileSystemInfo entry in entries)
        {
            if (IsCompanion(entry.Name))
                continue;
            bool isFolder = entry is DirectoryInfo;
            if (isFolder && File.Exists(entry.FullName + ".mrxs"))
                continue; // MIRAX: a file and, of the same name, the folder of its parts.
            dicom |= !isFolder && entry.Name.EndsWith(Dicom, StringComparison.OrdinalIgnoreCase);
            if (entry.LinkTarget is not null && (isFolder || HasSlideName(entry.Name)))
                links.Add(entry.FullName);
            else if (isFolder)
                EnterBelow(root, entry.FullName, found, links);
            else if (HasSlideName(entry.Name))
                AddFile(root, entry.FullName, found);
        }
        if (dicom)
            found.Add(new(folder == root ? Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar))
                : SlideListing.NameBelow(root, folder), folder));
    }

    /// <summary>A folder that is called as a slide and holds none is listed, so that it is reported.</summary>
    private void EnterBelow(string root, string folder, List<SlideFile> found, List<string> links)
    {
        int before = found.Count + links.Count;
        Enter(root, folder, found, links);
        if (HasSlideName(folder) && found.Count + links.Count == before)
            found.Add(new(SlideListing.NameBelow(root, folder), folder));
    }

    private void AddFile(string root, string path, List<SlideFile> found)
    {
        if (Leads(path) && IsNew(path))
            found.Add(new(SlideListing.NameBelow(root, path), path));
    }

    /// <summary>Whether a file or folder is one of systems and programs, and no one's slides.</summary>
    public static bool IsCompanion(string name) =>
        Companions.IsOne(name) || SystemFolders.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static string Few(List<string> paths) => string.Join(", ", paths.Take(3)) + (paths.Count > 3 ? ", …" : "");
}
