using Xunit;

namespace SSLP.Cli.Tests.Solution;

/// <summary>What the libraries show to a host is a decision: a change of it is a change of a text that is read in review.</summary>
public sealed class PublicApiTests
{
    [Theory]
    [InlineData("SSLP.Interop.Cuda")]
    [InlineData("SSLP.Interop.Slides")]
    [InlineData("SSLP.Kernels")]
    [InlineData("SSLP.Data")]
    [InlineData("SSLP.Engine")]
    [InlineData("SSLP.Evaluation")]
    public void Shows_what_its_text_says(string assembly)
    {
        string accepted = Path.Combine(Repository.Root, "tests", "SSLP.Cli.Tests", "Solution", "PublicApi", assembly + ".txt");
        string now = PublicApi.Of(assembly);
        Assert.Contains("class SSLP.", now, StringComparison.Ordinal);
        string before = File.Exists(accepted) ? File.ReadAllText(accepted).ReplaceLineEndings("\n") : "";
        if (now == before)
            return;
        string received = Path.Combine(AppContext.BaseDirectory, assembly + ".public.txt");
        File.WriteAllText(received, now);
        Assert.Fail($"""
            The public API of {assembly} is not what {Path.GetRelativePath(Repository.Root, accepted)} says.
            {string.Join('\n', Lines(now).Except(Lines(before)).Select(line => "  + " + line))}
            {string.Join('\n', Lines(before).Except(Lines(now)).Select(line => "  - " + line))}
            If that is meant: cp '{received}' '{accepted}'
            """);
    }

    /// <summary>Members with the type that they are in.</summary>
    private static IEnumerable<string> Lines(string text)
    {
        string type = "";
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] != ' ')
                type = line;
            yield return line[0] == ' ' ? $"{line.Trim()}    in {type}" : line;
        }
    }
}
