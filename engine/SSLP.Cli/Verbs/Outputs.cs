using SSLP.Data.Files;

namespace SSLP.Cli.Verbs;

/// <summary>Where a verb is to write: what cannot be written is said before hours are spent on what goes there.</summary>
internal static class Outputs
{
    /// <summary>A file to write, or to write anew; the folders above it are made when it is written.</summary>
    /// <param name="path">As the flag gives it.</param>
    /// <param name="flag">For the sentence.</param>
    /// <exception cref="Fault">It is a folder, or nothing can be written where it is to lie.</exception>
    public static string RequireFile(string path, string flag)
    {
        if (path.Length == 0 || Path.EndsInDirectorySeparator(path) || Directory.Exists(path))
            throw new Fault(FaultKind.Usage,
                $"{flag} takes a file to write, and '{path}' is {(path.Length == 0 ? "no name" : "a folder")}.");
        RequireWritable(Path.GetDirectoryName(Path.GetFullPath(path))!, path, flag);
        return path;
    }

    /// <summary>A folder to write into; it is made when something is written.</summary>
    /// <exception cref="Fault">It is a file, or nothing can be written there.</exception>
    public static string RequireFolder(string path, string flag)
    {
        if (path.Length == 0 || File.Exists(path))
            throw new Fault(FaultKind.Usage, $"{flag} takes a folder, and '{path}' is {(path.Length == 0 ? "no name" : "a file")}.");
        RequireWritable(Path.GetFullPath(path), path, flag);
        return path;
    }

    /// <summary>Tries with a file that is gone at once, in the nearest folder that is there: rights alone tell too little of
    /// mounts.</summary>
    private static void RequireWritable(string folder, string path, string flag)
    {
        string nearest = folder;
        while (!Directory.Exists(nearest) && Path.GetDirectoryName(nearest) is { } above)
        {
            if (File.Exists(nearest))
                throw new Fault(FaultKind.Input, $"{flag} '{path}' lies below '{nearest}', which is a file.");
            nearest = above;
        }
        try
        {
            string trial = Path.Combine(nearest, $".sslp-{Environment.ProcessId}.partial");
            using var file = new FileStream(trial, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Fault(FaultKind.Input, $"Nothing can be written into '{nearest}', where {flag} '{path}' is to lie: check the rights "
                + $"and the disk, or name another place ({e.Message.TrimEnd('.')}).", e);
        }
    }
}
