using SSLP.Interop.Cuda;

namespace SSLP.Engine.Processes;

/// <summary>The processes of a run as NCCL joins them, each on its CUDA device.</summary>
internal sealed unsafe class NcclCommunicator : IDisposable
{
    // All of libtorch's work runs on stream 0: what is enqueued there comes after the backward pass and before the optimizer's step.
    private const nint LibtorchsStream = 0;

    private readonly NcclLibrary _library;
    private readonly CudaContext _context;
    private readonly CudaEvent _summed;
    private nint _communicator;

    /// <param name="library">NCCL.</param>
    /// <param name="context">Of this process's device; owned from here on, if this does not throw.</param>
    /// <param name="id">Of the first process.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many there are.</param>
    public NcclCommunicator(NcclLibrary library, CudaContext context, in NcclLibrary.UniqueId id, int rank, int size)
    {
        (_library, _context) = (library, context);
        context.MakeCurrent();
        _communicator = library.Begin(id, rank, size);
        _summed = context.CreateEvent();
    }

    /// <summary>Waits until the device has done what it was given: a backward pass is this process's own work, and not a wait for the
    /// others.</summary>
    public void WaitForOwn()
    {
        _context.MakeCurrent();
        _context.DefaultStream.Synchronize();
    }

    /// <summary>Sums over the processes, in place, and waits for it. A network error is told of; that a process of the same machine is
    /// gone is the launcher's to notice, as with MPI alone.</summary>
    /// <param name="values">float32, in the device's memory.</param>
    /// <param name="count">How many.</param>
    public void Sum(void* values, long count)
    {
        _context.MakeCurrent();
        try
        {
            _library.EnqueueSum(_communicator, values, count, LibtorchsStream);
            _context.DefaultStream.EnqueueRecord(_summed);
            var wait = new SpinWait();
            do
            {
                _library.CheckEnqueued(_communicator);
                wait.SpinOnce(sleep1Threshold: -1); // some tens of microseconds a look: a sum takes milliseconds
            }
            while (!_summed.HasPassed);
        }
        catch
        {
            Abort();
            throw;
        }
    }

    /// <summary>Leaves without the others.</summary>
    public void Abort()
    {
        if (_communicator != 0)
            _library.Abort(_communicator);
        _communicator = 0;
    }

    /// <summary>Leaves, when all others do.</summary>
    public void Dispose()
    {
        if (_communicator != 0)
            _library.End(_communicator);
        _communicator = 0;
        _summed.Dispose();
        _context.Dispose();
    }
}
