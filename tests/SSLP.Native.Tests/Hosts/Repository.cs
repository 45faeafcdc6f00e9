namespace SSLP.Native.Tests.Hosts;

/// <summary>Where things lie.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Header => Path.Combine(Root, "interop", "native", "include", "sslp.h");

    public static string Include => Path.GetDirectoryName(Header)!;

    public static string Example(string name) => Path.Combine(Root, "interop", "native", "examples", name);

    /// <summary>Release or Debug, as these tests were built.</summary>
    public static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SSLP.Engine.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside of the repository.");
    }
}
