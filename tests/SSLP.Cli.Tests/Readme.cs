using SSLP.Cli.Tests.Solution;

namespace SSLP.Cli.Tests;

/// <summary>A fenced block of README.md.</summary>
/// <param name="Language">The word behind the fence.</param>
/// <param name="Lines">What is in it.</param>
internal sealed record Fence(string Language, IReadOnlyList<string> Lines)
{
    /// <summary>All of README.md's, in order.</summary>
    public static IReadOnlyList<Fence> All()
    {
        List<Fence> fences = [];
        List<string>? lines = null;
        foreach (string line in File.ReadLines(Path.Combine(Repository.Root, "README.md")))
        {
            if (!line.StartsWith("```", StringComparison.Ordinal))
                lines?.Add(line);
            else if (lines is not null)
                lines = null;
            else
                fences.Add(new Fence(line[3..].Trim(), lines = []));
        }

        return fences;
    }

    /// <summary>The shell commands of all fences, without their comments.</summary>
    public static IEnumerable<string> Commands() =>
        from fence in All()
        where fence.Language == "sh"
        from line in fence.Lines
        let command = (line.IndexOf(" #", StringComparison.Ordinal) is >= 0 and var hash ? line[..hash] : line).Trim()
        where command.Length > 0
        select command;
}

/// <summary>The README's job on slides of one's own, line by line in one folder, on slides made here and with fewer steps.</summary>
public sealed class ReadmeJob : IDisposable
{
    /// <summary>What stands in the README → what stands here.</summary>
    private static readonly (string There, string Here)[] Smaller =
    [
        ("/data/slides", "slides"),
        ("--set epochs=100", "--set epochs=1 --set input_size=32"),
        ("batch_size=128", "batch_size=8"),
    ];

    private readonly List<(string Line, int ExitCode, string Error)> _done = [];

    public ReadmeJob()
    {
        string slides = Path.Combine(Folder, "slides");
        Sslp.Result made = Sslp.Run("synth", "--out", slides, "--slides", "4", "--size", "2048", "--patch", "256");
        if (made.ExitCode != 0)
            throw new InvalidOperationException(made.Error);
        File.Move(Path.Combine(slides, "labels.csv"), Path.Combine(Folder, "labels.csv"));
        foreach (string line in Fence.Commands().Where(line => line.StartsWith("sslp ", StringComparison.Ordinal)))
        {
            string here = line;
            foreach ((string there, string to) in Smaller)
                here = here.Replace(there, to, StringComparison.Ordinal);
            Sslp.Result result = Sslp.RunIn(Folder, [.. here.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)]);
            _done.Add((line, result.ExitCode, result.Error));
        }
    }

    /// <summary>Where they ran.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("sslp-readme-").FullName;

    /// <summary>Each line, how it ended and what it said of that.</summary>
    public IReadOnlyList<(string Line, int ExitCode, string Error)> Done => _done;

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
