namespace SSLP.Data.Files;

/// <summary>Files that systems and programs leave beside the real ones: resource forks, locks, what is half written.</summary>
internal static class Companions
{
    private static readonly string[] Endings = [".lock", ".tmp", ".temp", ".part", ".partial", ".crdownload", ".bak", ".swp", "~"];

    public static bool IsOne(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith('.') || name.StartsWith("~$", StringComparison.Ordinal)
            || path.Contains("__MACOSX", StringComparison.Ordinal)
            || Endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
    }
}
