using Xunit;

namespace SSLP.Tests.Shared;

/// <summary>Real tissue, which is not part of the repository: "../shared/data" beside it, or the folder SSLP_TEST_DATA.</summary>
internal static class TestData
{
    /// <summary>A file of the test data; skips the test, visibly, where it is not there.</summary>
    public static string Path(params string[] parts)
    {
        string? root = Root();
        Assert.SkipWhen(root is null, "No test data: put them at ../shared/data or name the folder in SSLP_TEST_DATA.");
        string path = System.IO.Path.Combine([root, .. parts]);
        Assert.SkipUnless(System.IO.Path.Exists(path), $"The test data lack {path}.");
        return path;
    }

    private static string? Root()
    {
        if (Environment.GetEnvironmentVariable("SSLP_TEST_DATA") is { Length: > 0 } named)
            return named;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "SSLP.Engine.sln")))
            {
                string beside = System.IO.Path.Combine(folder.Parent?.FullName ?? "/", "shared", "data");
                return Directory.Exists(beside) ? beside : null;
            }
        }

        return null;
    }
}
