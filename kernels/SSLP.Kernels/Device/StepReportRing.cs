using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// Copies of a report as it was behind each of the last steps, in page-locked memory: the device writes a copy when it comes there, and the
/// host reads it when it likes, which by then has mostly passed.
/// </summary>
internal sealed unsafe class StepReportRing : IDisposable
{
    private readonly CudaContext _context;
    private readonly StepReport _report;
    private readonly PinnedBuffer _copies;
    private readonly CudaEvent[] _written;

    /// <param name="context">Of the kernels; stays the caller's.</param>
    /// <param name="report">Borrowed.</param>
    /// <param name="slots">Steps that may be under way.</param>
    public StepReportRing(CudaContext context, StepReport report, int slots)
    {
        (_context, _report) = (context, report);
        _copies = context.AllocatePinned((long)slots * StepReport.Bytes);
        _written = [.. Enumerable.Range(0, slots).Select(_ => context.CreateEvent())];
    }

    /// <summary>The report as it will be when all that was enqueued so far is done goes into a slot.</summary>
    public void Enqueue(int slot)
    {
        _context.MakeCurrent();
        _context.DefaultStream.EnqueueReadBack(Copy(slot), _report.Address, StepReport.Bytes);
        _context.DefaultStream.EnqueueRecord(_written[slot]);
    }

    /// <summary>What a slot holds; waits where the device has not come there yet.</summary>
    public StepReading Read(int slot)
    {
        _context.MakeCurrent();
        if (!_written[slot].HasPassed)
            _written[slot].Synchronize();
        return new StepReading(new ReadOnlySpan<byte>(Copy(slot), StepReport.Bytes));
    }

    public void Dispose()
    {
        foreach (CudaEvent written in _written)
            written.Dispose();
        _copies.Dispose();
    }

    private byte* Copy(int slot) => _copies.Pointer + slot * StepReport.Bytes;
}
