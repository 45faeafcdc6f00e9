namespace SSLP.Data.Files;

/// <summary>
/// A fault that the user can mend: the message is one sentence that says what is wrong, where, and what to do. The command line prints
/// it without a stack trace and exits with <see cref="ExitCode"/>.
/// </summary>
public class UserException(string message, int exitCode = UserException.Error, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Exit code of a failed run.</summary>
    public const int Error = 1;

    /// <summary>Exit code of a command line, key or value that means nothing.</summary>
    public const int Usage = 2;

    /// <summary>Exit code of a training that cannot go on because of what it learned: numbers that are not finite, or stop_on_collapse.</summary>
    public const int Diverged = 3;

    public int ExitCode { get; } = exitCode;
}
