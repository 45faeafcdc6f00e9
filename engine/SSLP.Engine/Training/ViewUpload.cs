using SSLP.Interop.Cuda;

namespace SSLP.Engine.Training;

/// <summary>
/// Views on their way to a CUDA device: each is written into page-locked memory of its own and copied on a stream beside stream 0, on which
/// libtorch computes; stream 0 waits for the copy, the copy for what stream 0 still reads (<see cref="UploadRing"/>). The host waits for
/// neither.
/// </summary>
internal sealed unsafe class ViewUpload : IDisposable
{
    private readonly CudaContext _context;
    private readonly UploadRing _ring;
    private readonly ulong[] _destinations;

    /// <param name="context">The device's primary context; owned from here on.</param>
    /// <param name="destinations">Device address of each view.</param>
    /// <param name="viewBytes">Bytes of a view.</param>
    public ViewUpload(CudaContext context, ulong[] destinations, long viewBytes)
    {
        (_context, _destinations) = (context, destinations);
        _ring = new UploadRing(context, destinations.Length, viewBytes);
    }

    /// <summary>Where to write a view. All work on its content before must have been enqueued on stream 0.</summary>
    public float* Begin(int view)
    {
        // Before the first copy, too: libtorch may have given memory to the view that kernels on stream 0 have not done with.
        _ring.EnqueueConsumed(view, _context.DefaultStream);
        _ring.WaitForSlot(view);
        return (float*)_ring.Host(view);
    }

    /// <summary>Sends the view. Work that is enqueued on stream 0 from here on reads it.</summary>
    public void Send(int view) => _ring.EnqueueUpload(view, _destinations[view], _ring.SlotBytes, _context.DefaultStream);

    public void Dispose()
    {
        _ring.Dispose();
        _context.Dispose();
    }
}
