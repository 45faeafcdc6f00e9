using System.Runtime.InteropServices;

namespace SSLP.Native;

/// <summary>The host's progress function: told from any thread, one call at a time; what it returns but 0 ends the work.</summary>
internal sealed unsafe class HostProgress(
    delegate* unmanaged[Cdecl]<void*, long, long, byte*, int> function, void* user, long total, CancellationTokenSource stop)
{
    private readonly Lock _gate = new();
    private long _done;
    private int _refused;

    public void Report(string sentence)
    {
        if (function == null)
            return;
        nint text = Marshal.StringToCoTaskMemUTF8(sentence);
        try
        {
            lock (_gate)
            {
                if (_refused != 0)
                    return;
                _refused = function(user, ++_done, total, (byte*)text);
            }
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
        if (_refused != 0)
            stop.Cancel();
    }

    /// <summary>Work that the function may end.</summary>
    /// <exception cref="MisuseException">It did.</exception>
    public T Told<T>(Func<T> work)
    {
        T result;
        try
        {
            result = work();
        }
        catch (Exception) when (_refused != 0)
        {
            throw Refused();
        }
        return _refused == 0 ? result : throw Refused();
    }

    private MisuseException Refused() =>
        new(Status.Callback, $"The host's progress function returned {_refused} after {_done:N0} of {total:N0}: the work was ended there.");
}

/// <summary>Progress of a library below as the host's.</summary>
internal sealed class ForwardedProgress<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
