using System.CommandLine;
using System.Runtime.InteropServices;
using SSLP.Data.Files;

namespace SSLP.Cli;

/// <summary>
/// What all verbs share: exit codes (0 done, 1 error, 2 usage), one sentence for a fault, Ctrl-C and SIGTERM as a request to stop.
/// Results go to standard output, progress and faults to standard error, unwrapped: scripts read them.
/// </summary>
internal static class Shell
{
    private static readonly CancellationTokenSource StopSource = new();

    /// <summary>Cancelled by the first Ctrl-C or SIGTERM; the second one ends the process.</summary>
    public static CancellationToken Stop => StopSource.Token;

    public static int Run(RootCommand root, string[] args)
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, RequestStop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, RequestStop);
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
            return Fail(string.Join(" ", parsed.Errors.Select(e => e.Message)) + " See --help.", UserException.Usage);
        try
        {
            // Our own handlers stop long work with a checkpoint; the library's would kill it after two seconds.
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UserException fault)
        {
            return Fail(fault.Message, fault.ExitCode);
        }
        catch (OperationCanceledException)
        {
            return Fail("Stopped.", UserException.Error);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException or TilingException)
        {
            return Fail(fault.Message, UserException.Error);
        }
    }

    /// <summary>A warning on standard error; work goes on.</summary>
    public static void Warn(string sentence) => Console.Error.WriteLine($"warning: {sentence}");

    /// <summary>A line of progress on standard error.</summary>
    public static void Say(string sentence) => Console.Error.WriteLine(sentence);

    private static int Fail(string sentence, int code)
    {
        Console.Error.WriteLine($"error: {sentence}");
        return code;
    }

    private static void RequestStop(PosixSignalContext context)
    {
        if (StopSource.IsCancellationRequested)
            return; // The default action: the process ends now.
        context.Cancel = true;
        Console.Error.WriteLine("stopping after this step; again to stop at once");
        StopSource.Cancel();
    }
}
