using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// Integers of the host on their way to a device, through page-locked memory: nobody waits for the copy, but for that of the call
/// <see cref="Slots"/> before where it is still to come. Used by one thread at a time.
/// </summary>
/// <param name="context">Of the device; stays the caller's.</param>
/// <param name="device">Where they go; borrowed.</param>
internal sealed unsafe class SentInts(CudaContext context, IComputeDevice device) : IDisposable
{
    /// <summary>Copies that may be under way.</summary>
    public const int Slots = 8;

    private readonly PinnedBuffer?[] _staging = new PinnedBuffer?[Slots];
    private readonly CudaEvent?[] _copied = new CudaEvent?[Slots];
    private readonly DeviceArray<int> _values = new(device);
    private int _next;

    /// <summary>Sends some, which the caller may change on return.</summary>
    /// <returns>Device address, a multiple of 16; what lies there is good for what is enqueued before the next call.</returns>
    public ulong Send(ReadOnlySpan<int> values)
    {
        context.MakeCurrent();
        int slot = _next++ % Slots;
        CudaEvent copied = _copied[slot] ??= context.CreateEvent();
        if (!copied.HasPassed)
            copied.Synchronize();
        long bytes = Math.Max(1, values.Length) * (long)sizeof(int);
        if (_staging[slot] is not { } staging || staging.Bytes < bytes)
        {
            _staging[slot]?.Dispose();
            _staging[slot] = staging = context.AllocatePinned(bytes);
        }

        values.CopyTo(new Span<int>(staging.Pointer, values.Length));
        _values.EnsureLength(values.Length);
        device.Upload(_values.AddressOf(0), staging.Pointer, values.Length * (long)sizeof(int));
        context.DefaultStream.EnqueueRecord(copied);
        return _values.AddressOf(0);
    }

    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])[_values, .. _staging, .. _copied])
            part?.Dispose();
    }
}
