using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>Habits that neither the compiler nor the formatter holds; those that they do stand in .editorconfig.</summary>
public sealed class HabitsTests
{
    private const int Columns = 140;

    private static readonly string[] Endings = [".cs", ".cu", ".h", ".hpp", ".c", ".cpp", ".py"];

    /// <summary>Folders that builds and Python leave beside the sources.</summary>
    private static readonly string[] Left = ["bin", "obj", "__pycache__"];

    [Theory]
    [InlineData("engine")]
    [InlineData("kernels")]
    [InlineData("interop")]
    [InlineData("bench")]
    [InlineData("tests")]
    public void No_line_has_more_than_140_columns(string folder)
    {
        string[] files = [.. Sources(new DirectoryInfo(Path.Combine(Repository.Root, folder)))];
        Assert.NotEmpty(files);
        string[] longer = [.. files.SelectMany(file => File.ReadLines(file).Index().Where(line => line.Item.Length > Columns)
            .Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line.Index + 1} has {line.Item.Length}"))];
        Assert.True(longer.Length == 0, $"more than {Columns} columns:{Environment.NewLine}{string.Join(Environment.NewLine, longer)}");
    }

    private static IEnumerable<string> Sources(DirectoryInfo folder) =>
        folder.EnumerateFiles().Where(file => Endings.Contains(file.Extension)).Select(file => file.FullName)
            .Concat(folder.EnumerateDirectories().Where(inner => !Left.Contains(inner.Name)).SelectMany(Sources));
}
