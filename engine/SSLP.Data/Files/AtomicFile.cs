namespace SSLP.Data.Files;

/// <summary>
/// Writes a whole file or none of it: under a temporary name beside the target, flushed to the disk, then renamed over it.
/// Until the rename the previous file is untouched, so a full disk or a kill never costs the last good copy.
/// </summary>
internal static class AtomicFile
{
    /// <param name="path">Where the file ends up; its folder is made if it is missing.</param>
    /// <param name="write">Writes the content; the stream can seek. An exception leaves the previous file as it was.</param>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new AtomicStream(path);
        write(file.Content);
        file.Commit();
    }

    /// <summary>The same, for a library that insists on a path of its own to write to.</summary>
    public static void WriteTo(string path, Action<string> write)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Environment.ProcessId}.partial";
        try
        {
            write(temporary);
            using (FileStream stream = new(temporary, FileMode.Open, FileAccess.ReadWrite))
                stream.Flush(flushToDisk: true);

            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}

/// <summary>The same for a file that is written piece by piece: it is there, whole, from <see cref="Commit"/> on; what is disposed of
/// before leaves nothing.</summary>
internal sealed class AtomicStream : IDisposable
{
    private readonly string _path, _temporary;
    private bool _isOpen = true;

    /// <param name="path">Where the file ends up; its folder is made if it is missing.</param>
    public AtomicStream(string path)
    {
        _path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        // In the same folder, since a rename is atomic only within one file system.
        _temporary = $"{_path}.{Environment.ProcessId}.partial";
        Content = new FileStream(_temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16);
    }

    /// <summary>The content, to be written; it can seek.</summary>
    public FileStream Content { get; }

    /// <summary>Flushes to the disk and renames over the target.</summary>
    public void Commit()
    {
        Content.Flush(flushToDisk: true);
        Content.Dispose();
        File.Move(_temporary, _path, overwrite: true);
        _isOpen = false;
    }

    public void Dispose()
    {
        if (!_isOpen)
            return;
        _isOpen = false;
        Content.Dispose();
        File.Delete(_temporary);
    }
}
