using SSLP.Interop.Cuda;

namespace SSLP.PtxMachine.Driver;

/// <summary>When what is enqueued happens. A device may do either, and anything between.</summary>
public enum CopyTiming
{
    /// <summary>At once.</summary>
    InOrder,

    /// <summary>
    /// As late as it may: copies and fills wait until a launch on their stream, a wait for their stream or for an event behind them, or the
    /// freeing of memory asks for them. Pinned memory is read then, and not before; pageable memory is staged at once, as the driver does.
    /// </summary>
    Delayed,
}

/// <summary>A call that moves, runs or waits.</summary>
/// <param name="Function">The driver function.</param>
/// <param name="Subject">A launch's kernel.</param>
/// <param name="Bytes">Of a copy or a fill.</param>
/// <param name="Stream">0: the default stream.</param>
public readonly record struct DriverCall(string Function, string Subject, long Bytes, nint Stream);

/// <summary>
/// A CUDA driver whose device is a <see cref="PtxMachine.Machine"/>: what holds its <see cref="Driver"/> loads modules, copies and launches
/// as on a card, and the host executes the PTX. Device memory is the host's. A fault of a kernel is the launch's error, told in the
/// driver's words for it, and every later call fails with it as on a card, until <see cref="ForgetFault"/>.
/// </summary>
public sealed class MachineDriver : IDisposable
{
    private readonly MachineCalls _calls;

    /// <param name="multiprocessors">What the device says it has: launchers size their grids by it.</param>
    /// <param name="edit">What becomes of a module's text before it is loaded: a test plants a fault with it.</param>
    /// <param name="isOnHost">What it says of its memory: a card's is elsewhere.</param>
    public MachineDriver(
        MachineOptions? options = null, CopyTiming timing = CopyTiming.InOrder, int multiprocessors = 132,
        Func<string, string>? edit = null, bool isOnHost = true)
    {
        Machine = new Machine(options);
        _calls = new MachineCalls(Machine, timing, multiprocessors, edit ?? (text => text), isOnHost);
        Driver = new CudaDriver(_calls);
    }

    public Machine Machine { get; }

    /// <summary>To open contexts with.</summary>
    public CudaDriver Driver { get; }

    /// <summary>The fault that a kernel made, or null.</summary>
    public PtxFaultException? Fault => _calls.Fault;

    /// <summary>The calls since <see cref="ForgetCalls"/> that move, run or wait.</summary>
    public DriverCall[] Calls => _calls.Record();

    public void ForgetCalls() => _calls.ForgetRecord();

    /// <summary>Makes the device usable again.</summary>
    public void ForgetFault() => _calls.ForgetFault();

    /// <summary>Frees all memory; contexts must be gone.</summary>
    public void Dispose()
    {
        _calls.Dispose();
        Machine.Dispose();
    }
}
