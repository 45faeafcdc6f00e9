namespace SSLP.Cli.Tests.Solution;

/// <summary>The sources that these tests were built from.</summary>
internal static class Repository
{
    public static string Root
    {
        get
        {
            DirectoryInfo? folder = new(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SSLP.Engine.sln")))
                folder = folder.Parent;
            return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside of the repository.");
        }
    }
}
