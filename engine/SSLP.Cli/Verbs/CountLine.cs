using System.Diagnostics;

namespace SSLP.Cli.Verbs;

/// <summary>"120/478 patches", rewritten in place on a terminal; silent where standard error is a file.</summary>
internal sealed class CountLine(string what, int total) : IProgress<int>
{
    private long _printed;

    public void Report(int value)
    {
        if (Console.IsErrorRedirected || (value < total && _printed != 0 && Stopwatch.GetElapsedTime(_printed) < TimeSpan.FromSeconds(0.2)))
            return;
        _printed = Stopwatch.GetTimestamp();
        Console.Error.Write($"\r{value}/{total} {what}\e[K{(value >= total ? "\n" : string.Empty)}");
    }
}
