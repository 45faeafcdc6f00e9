using System.Diagnostics;

namespace SSLP.Cli.Verbs;

/// <summary>"tiled 120 of 1,000 slides": rewritten in place on a terminal, a line every half a minute where standard error is a
/// file.</summary>
internal sealed class SlideCount<T>(string done, int total) : IProgress<T>
{
    private static readonly TimeSpan TerminalPause = TimeSpan.FromSeconds(0.2), LogPause = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private long _printed = Stopwatch.GetTimestamp();
    private int _count;

    public void Report(T value)
    {
        lock (_lock)
        {
            bool log = Console.IsErrorRedirected, last = ++_count == total;
            if (!last && Stopwatch.GetElapsedTime(_printed) < (log ? LogPause : TerminalPause))
                return;
            _printed = Stopwatch.GetTimestamp();
            string line = $"{done} {_count:N0} of {total:N0} slides";
            Console.Error.Write(log ? line + "\n" : $"\r{line}\e[K{(last ? "\n" : string.Empty)}");
        }
    }
}
