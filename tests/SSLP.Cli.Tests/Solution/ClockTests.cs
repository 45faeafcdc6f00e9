using System.Text.RegularExpressions;
using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>A machine's clock may jump: what a run does, and when, is measured by one that does not.</summary>
public sealed partial class ClockTests
{
    /// <summary>Files that write a time for a reader: into a record, a lock's sentence, a file's name.</summary>
    private static readonly string[] Records =
    [
        "engine/SSLP.Cli/Shell/Shell.cs", "engine/SSLP.Engine/Runs/RunLock.cs", "engine/SSLP.Engine/Training/PretrainJob.cs",
        "engine/SSLP.Engine/Training/Trainer.Diverged.cs", "engine/SSLP.Evaluation/Sweeps/SweepRunner.cs",
    ];

    [Fact]
    public void The_wall_clock_is_read_for_records_alone()
    {
        string root = Repository.Root;
        string[] read = [.. ((string[])["engine", "kernels", "interop"])
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(file => WallClock().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        Assert.Equal(Records, read);
        // In a record a time is written; nothing is subtracted from it or compared with it.
        foreach (string file in Records)
            Assert.DoesNotMatch(@"(?:[-<>]\s*DateTime\.UtcNow|DateTime\.UtcNow\s*(?:-|<|>|\.Subtract|\.Add))",
                File.ReadAllText(Path.Combine(root, file)));
    }

    [GeneratedRegex(@"DateTime(?:Offset)?\.(?:Utc)?Now|DateTime\.Today")]
    private static partial Regex WallClock();
}
