using System.Runtime.InteropServices;
using SSLP.Data.Files;

namespace SSLP.Native;

/// <summary>The last fault of each thread, as UTF-8 that stays where it is until the thread's next fault.</summary>
internal sealed unsafe class LastFault
{
    [ThreadStatic]
    private static LastFault? _fault;

    private byte* _sentence;
    private byte* _detail;

    // The thread is gone: nobody can hold its pointers by right.
    ~LastFault() => Free();

    public Status Status { get; private set; }

    public byte* Sentence => _sentence;

    public byte* Detail => _detail;

    /// <summary>The calling thread's; null where none of its calls failed.</summary>
    public static LastFault? OfThread => _fault;

    /// <summary>Keeps what was thrown for the thread, and says what its function returns.</summary>
    public static Status Keep(Exception thrown)
    {
        (Status status, string sentence) = Read(thrown);
        LastFault fault = _fault ??= new();
        fault.Free();
        fault.Status = status;
        fault._sentence = (byte*)Marshal.StringToCoTaskMemUTF8(sentence);
        fault._detail = (byte*)Marshal.StringToCoTaskMemUTF8(thrown.ToString());
        return status;
    }

    private static (Status, string) Read(Exception thrown)
    {
        switch (thrown)
        {
            case MisuseException misuse:
                return (misuse.Status, misuse.Message);
            // Below the ABI these say that the caller's shapes or values are wrong; here the caller is the host.
            case ArgumentException argument:
                return (Status.Usage, argument.Message.ReplaceLineEndings(" "));
            default:
                var fault = Fault.Of(thrown);
                return (Statuses.Of(fault.Kind), fault.Message);
        }
    }

    private void Free()
    {
        Marshal.FreeCoTaskMem((nint)_sentence);
        Marshal.FreeCoTaskMem((nint)_detail);
        _sentence = _detail = null;
    }
}
