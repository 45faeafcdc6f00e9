using SSLP.Interop.Cuda;

namespace SSLP.Native;

/// <summary>What a handle stands for. Counts of use are the table's, under its lock.</summary>
/// <param name="kind">What it is called in sentences: "bank".</param>
/// <param name="isExclusive">One thread at a time may use it.</param>
/// <param name="uses">What it was opened from or works on: those cannot be closed before it.</param>
internal abstract class NativeObject(string kind, bool isExclusive, params NativeObject[] uses) : IDisposable
{
    public string Kind { get; } = kind;

    /// <summary>Remembers which CUDA context the host's thread has, for as long as a call of this takes.</summary>
    public virtual CurrentContext KeepCurrent() => uses.Length > 0 ? uses[0].KeepCurrent() : default;

    public bool IsExclusive { get; } = isExclusive;

    public IReadOnlyList<NativeObject> Uses { get; } = uses;

    /// <summary>Calls that are at work with it now.</summary>
    public int Calls { get; set; }

    /// <summary>What is open of it, by kind.</summary>
    public Dictionary<string, int> Dependents { get; } = [];

    /// <summary>Ends the running call as soon as it can, from any thread; what cannot be cancelled says so.</summary>
    /// <exception cref="MisuseException">Nothing of this kind runs long.</exception>
    public virtual void Cancel() =>
        throw new MisuseException(Status.Usage,
            $"A {Kind} has no call that can be cancelled; a context, a loader and a trainer have.");

    public abstract void Dispose();
}
