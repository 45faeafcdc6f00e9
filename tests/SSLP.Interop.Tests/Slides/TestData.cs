using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Real slides and faulty files, which are not part of the repository: "../shared/data" beside it, or the folder
/// SSLP_TEST_DATA.</summary>
internal static class TestData
{
    /// <summary>A file or folder of the test data; the test is skipped where there are none.</summary>
    public static string Path(params string[] parts)
    {
        string? root = Root();
        Assert.SkipWhen(root is null, "No test data: put them at ../shared/data or name the folder in SSLP_TEST_DATA.");
        return System.IO.Path.Combine([root!, .. parts]);
    }

    private static string? Root()
    {
        if (Environment.GetEnvironmentVariable("SSLP_TEST_DATA") is { Length: > 0 } named)
            return Directory.Exists(named) ? named : null;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "SSLP.Engine.sln")) && folder.Parent is { } outside)
            {
                string data = System.IO.Path.Combine(outside.FullName, "shared", "data");
                return Directory.Exists(data) ? data : null;
            }
        }
        return null;
    }
}
