using System.Diagnostics.CodeAnalysis;
using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// A CUDA device: its primary context, in which libtorch works too, and stream 0, libtorch's own, so that kernels are in order with what
/// libtorch enqueued before and will enqueue after. The driver compiles each kernel at its first launch.
/// </summary>
internal sealed unsafe class CudaComputeDevice : IComputeDevice
{
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly Dictionary<string, Loaded> _kernels = [];
    private readonly Lock _loading = new(), _ordering = new();
    private CudaEvent? _mark;

    /// <param name="ordinal">Device number, as libtorch counts.</param>
    /// <param name="driver">The driver; null: the system's.</param>
    /// <exception cref="InvalidOperationException">There is no driver or device; the message says why.</exception>
    public CudaComputeDevice(int ordinal = 0, CudaDriver? driver = null)
    {
        _context = CudaContext.Retain(ordinal, driver);
        _stream = _context.DefaultStream;
    }

    /// <summary>The context that kernels run in.</summary>
    public CudaContext Context => _context;

    /// <summary>What the device is.</summary>
    public CudaDeviceInfo Device => _context.Device;

    public IDeviceBlock Allocate(long bytes) => new Block(_context.AllocateDevice(bytes));

    // From pageable memory the driver returns once it has staged the bytes.
    public void Upload(ulong destination, void* source, long bytes)
    {
        _context.MakeCurrent();
        _stream.EnqueueUpload(destination, source, bytes);
    }

    public void ReadBack(void* destination, ulong source, long bytes)
    {
        _context.MakeCurrent();
        _stream.EnqueueReadBack(destination, source, bytes);
        _stream.Synchronize();
    }

    public void EnqueueFill(ulong destination, byte value, long bytes)
    {
        _context.MakeCurrent();
        _stream.EnqueueFill(destination, value, bytes);
    }

    public void EnqueueLaunch(string kernel, LaunchGrid grid, ref KernelArguments arguments)
    {
        _context.MakeCurrent();
        Loaded? loaded;
        // Operations of one set may be launched from several threads.
        lock (_loading)
        {
            if (!_kernels.TryGetValue(kernel, out loaded))
                _kernels.Add(kernel, loaded = Load(kernel));
        }

        loaded.Function.EnqueueLaunch(_stream, grid, (uint)loaded.GroupSize, ref arguments);
    }

    /// <summary>Work of the kernels in the order of a stream of the host's, until it is disposed.</summary>
    public StreamOrder InOrderOf(CudaStream hosts)
    {
        _context.MakeCurrent();
        return new(this, hosts);
    }

    /// <summary>What <paramref name="later"/> gets from here on waits, on the device, for what <paramref name="earlier"/> has.</summary>
    internal void EnqueueOrder(CudaStream earlier, CudaStream later)
    {
        if (earlier.Value == later.Value)
            return;
        // A wait is for the mark's latest record, so that one mark serves all who take it in turn.
        lock (_ordering)
        {
            _mark ??= _context.CreateEvent();
            earlier.EnqueueRecord(_mark);
            later.EnqueueWait(_mark);
        }
    }

    /// <summary>Throws for features that a kernel found not finite; waits for stream 0.</summary>
    /// <param name="features">As they are now: the host may have changed them since.</param>
    /// <param name="name">What a row of them is called.</param>
    /// <exception cref="ArgumentException">Always.</exception>
    [DoesNotReturn]
    public void RefuseNonFinite(DeviceMatrix features, Func<int, string> name)
    {
        float[] values = new float[features.Length];
        fixed (float* data = values)
        {
            ReadBack(data, features.Address, features.Length * sizeof(float));
            int row = new MatrixView(data, features.Rows, features.Width).FirstNonFiniteRow();
            throw new ArgumentException(row >= 0 ? $"{name(row)} holds a value that is not finite."
                : "A row on the device held a value that was not finite, and has been changed since.");
        }
    }

    public void Dispose()
    {
        _mark?.Dispose();
        foreach (Loaded loaded in _kernels.Values)
            loaded.Module.Dispose();
        _context.Dispose();
    }

    private Loaded Load(string kernel)
    {
        byte[] text = PtxLibrary.Text(kernel);
        EmbeddedKernel embedded = PtxLibrary.Kernels[kernel];
        CudaModule module = _context.LoadModule(kernel, text);
        return new Loaded(module, module.Function(embedded.Entry), embedded.GroupSize);
    }

    private sealed record Loaded(CudaModule Module, CudaFunction Function, int GroupSize);

    private sealed class Block(DeviceBuffer buffer) : IDeviceBlock
    {
        public ulong Address => buffer.Address;

        public void Dispose() => buffer.Dispose();
    }
}
