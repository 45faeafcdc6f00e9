using SSLP.Interop.Cuda;
using SSLP.Interop.Slides;

namespace SSLP.Data.Files;

/// <summary>Whose fault it is, and what can be done about it. A host maps kinds to exit codes or status codes.</summary>
public enum FaultKind
{
    /// <summary>A command line, key or value that means nothing.</summary>
    Usage,

    /// <summary>What was named is not there, not readable, or not what the work needs.</summary>
    Input,

    /// <summary>A file is damaged, or does not hold what its format promises.</summary>
    Data,

    /// <summary>A device, driver or native library that was asked for is missing or does not serve.</summary>
    Device,

    /// <summary>Memory or disk do not suffice, or a place cannot be written.</summary>
    Space,

    /// <summary>A training that cannot go on because of what it learned, not of the machine: the same options would end the same
    /// way.</summary>
    Diverged,

    /// <summary>The work was stopped from outside; what was done is kept.</summary>
    Stopped,

    /// <summary>A fault of this program.</summary>
    Internal,
}

/// <summary>
/// The one type that the engine throws. Its message is one sentence for a person: what is wrong, where, and what to do; never a stack
/// trace.
/// </summary>
/// <param name="kind">Whose fault it is.</param>
/// <param name="sentence"> One sentence, or two where the way on is the second. What it quotes of a file may hold anything: line ends and
/// other control characters become blanks, and what is longer than a page is cut.
/// </param>
/// <param name="inner">What was caught, for a log.</param>
public sealed class Fault(FaultKind kind, string sentence, Exception? inner = null) : Exception(OneLine(sentence), inner)
{
    /// <summary>Whose fault it is.</summary>
    public FaultKind Kind { get; } = kind;

    /// <summary>
    /// What went wrong as a fault, whatever was thrown. A task's or loop's wrapper is opened, a file system's exception is its own
    /// sentence, and what nobody foresaw is a fault of this program.
    /// </summary>
    public static Fault Of(Exception thrown) => Innermost(thrown) switch
    {
        Fault fault => fault,
        OperationCanceledException stopped => new(FaultKind.Stopped, "Stopped.", stopped),
        IOException io when IsFull(io) =>
            new(FaultKind.Space, $"No space is left: {io.Message.TrimEnd('.')}. Free some, or write elsewhere.", io),
        FileNotFoundException or DirectoryNotFoundException => new(FaultKind.Input, Sentence(Innermost(thrown)), thrown),
        IOException or UnauthorizedAccessException => new(FaultKind.Input, Sentence(Innermost(thrown)), thrown),
        SlideException slide => new(FaultKind.Input, slide.Message, slide),
        CudaException cuda => new(FaultKind.Device, cuda.Message, cuda),
        InvalidDataException data => new(FaultKind.Data, Sentence(data), data),
        OutOfMemoryException memory =>
            new(FaultKind.Space, $"Memory does not suffice: {memory.Message.TrimEnd('.')}. Ask for less at once.", memory),
        Exception other => new(FaultKind.Internal, $"{other.GetType().Name}: {other.Message.ReplaceLineEndings(" ")}", thrown),
    };

    private static string OneLine(string sentence)
    {
        const int page = 1800;
        if (sentence.Length <= page && !sentence.AsSpan().ContainsAnyInRange('\0', '\x1f')
            && !sentence.Contains('\x7f', StringComparison.Ordinal))
            return sentence;
        string line = new([.. sentence.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? ' ' : c)]);
        return line.Length <= page ? line : $"{line.AsSpan(0, page)}…";
    }

    /// <summary>The first of what a task or a parallel loop wraps; a fault before all others.</summary>
    private static Exception Innermost(Exception thrown)
    {
        if (thrown is AggregateException { InnerExceptions.Count: > 0 } many)
        {
            IReadOnlyList<Exception> all = many.Flatten().InnerExceptions;
            return Innermost(all.FirstOrDefault(e => e is Fault) ?? all[0]);
        }

        return thrown is TypeInitializationException or System.Reflection.TargetInvocationException && thrown.InnerException is { } inner
            ? Innermost(inner) : thrown;
    }

    // ENOSPC, EDQUOT; ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL as HRESULTs.
    private static bool IsFull(IOException io) => io.HResult is 28 or 122 || unchecked((uint)io.HResult) is 0x80070070 or 0x80070027;

    private static string Sentence(Exception thrown) => thrown.Message.ReplaceLineEndings(" ");
}
