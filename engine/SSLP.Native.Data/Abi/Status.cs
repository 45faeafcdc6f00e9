using SSLP.Data.Files;

namespace SSLP.Native;

/// <summary>What every exported function returns: SSLP_… of sslp.h. Below 0 is a fault, whose sentence the thread keeps.</summary>
internal enum Status
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>Nothing is left: the epoch, or the training, is at its end. No fault.</summary>
    End = 1,

    /// <summary>An argument, key or value that means nothing.</summary>
    Usage = -1,

    /// <summary>What was named is not there, not readable, or not what the work needs.</summary>
    Input = -2,

    /// <summary>A file is damaged.</summary>
    Data = -3,

    /// <summary>A device or native library is missing or does not serve.</summary>
    Device = -4,

    /// <summary>Memory or disk do not suffice.</summary>
    Space = -5,

    /// <summary>A training that cannot go on because of what it learned.</summary>
    Diverged = -6,

    /// <summary>Cancelled by the host.</summary>
    Stopped = -7,

    /// <summary>A fault of this library.</summary>
    Internal = -8,

    /// <summary>A handle that is null, closed, of another kind, or none of this library's.</summary>
    Handle = -9,

    /// <summary>The handle is at work in another thread, or something that was opened from it is open still.</summary>
    Busy = -10,

    /// <summary>The host was built against another version of sslp.h.</summary>
    Version = -11,

    /// <summary>A struct or buffer of another size than is needed.</summary>
    Size = -12,

    /// <summary>A function of the host said that it failed.</summary>
    Callback = -13,
}

/// <summary>A misuse of the C ABI itself, which no kind of <see cref="Fault"/> names.</summary>
/// <param name="status">What the function returns.</param>
/// <param name="sentence">One sentence for the host's programmer.</param>
internal sealed class MisuseException(Status status, string sentence) : Exception(sentence)
{
    public Status Status { get; } = status;
}

/// <summary>From what was thrown to what a function returns.</summary>
internal static class Statuses
{
    public static Status Of(FaultKind kind) => kind switch
    {
        FaultKind.Usage => Status.Usage,
        FaultKind.Input => Status.Input,
        FaultKind.Data => Status.Data,
        FaultKind.Device => Status.Device,
        FaultKind.Space => Status.Space,
        FaultKind.Diverged => Status.Diverged,
        FaultKind.Stopped => Status.Stopped,
        _ => Status.Internal,
    };
}
