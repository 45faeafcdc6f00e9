using SSLP.Data.Files;

namespace SSLP.Cli;

/// <summary>How the process ends.</summary>
internal static class ExitCodes
{
    /// <summary>A failed run.</summary>
    public const int Error = 1;

    /// <summary>A command line, key or value that means nothing.</summary>
    public const int Usage = 2;

    /// <summary>A training that cannot go on because of what it learned: numbers that are not finite, or stop_on_collapse.</summary>
    public const int Diverged = 3;

    public static int Of(FaultKind kind) => kind switch
    {
        FaultKind.Usage => Usage,
        FaultKind.Diverged => Diverged,
        _ => Error,
    };
}
