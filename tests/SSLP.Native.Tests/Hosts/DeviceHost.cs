using SSLP.Interop.Cuda;
using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>
/// A host with a CUDA device: the PTX machine behind the driver's calls, with copies as late as a device may make them. What waits for too
/// little is found: a kernel that reads what nothing wrote yet is the machine's fault.
/// </summary>
internal sealed unsafe class DeviceHost : IDisposable
{
    private readonly List<IDisposable> _memory = [];
    private readonly CudaContext _own;

    public DeviceHost()
    {
        _own = CudaContext.Retain(0, Machine.Driver);
        Stream = _own.CreateStream();
        SslpContextOptions options = Host.ContextOptions();
        options.Kernels = 2;
        Context = Handles.Open(new NativeContext(&options, Machine.Driver));
    }

    public MachineDriver Machine { get; } = new(timing: CopyTiming.Delayed);

    /// <summary>The handle of a context whose kernels are on the device.</summary>
    public nint Context { get; }

    /// <summary>The host's own.</summary>
    public CudaStream Stream { get; }

    /// <summary>Calls since <see cref="MachineDriver.ForgetCalls"/> that make the host wait, but for a step's report that is on its way to
    /// page-locked memory.</summary>
    public string[] Waits => [.. Machine.Calls.Where(call => call.Function.Contains("Synchronize", StringComparison.Ordinal)
        || (call.Function.Contains("DtoH", StringComparison.Ordinal) && call.Bytes != 256)).Select(call => call.Function)];

    public CudaStream AnotherStream()
    {
        CudaStream another = _own.CreateStream();
        _memory.Add(another);
        return another;
    }

    /// <summary>Device memory that nothing wrote.</summary>
    public void* Empty(long bytes)
    {
        DeviceBuffer buffer = _own.AllocateDevice(bytes);
        _memory.Add(buffer);
        return (void*)buffer.Address;
    }

    public byte* Pinned(long bytes)
    {
        PinnedBuffer buffer = _own.AllocatePinned(bytes);
        _memory.Add(buffer);
        return buffer.Pointer;
    }

    /// <summary>Values on their way to the device in the order of <see cref="Stream"/>.</summary>
    public float* Sent(float[] values)
    {
        long bytes = values.Length * (long)sizeof(float);
        byte* pinned = Pinned(bytes);
        void* device = Empty(bytes);
        values.CopyTo(new Span<float>(pinned, values.Length));
        Stream.EnqueueUpload((ulong)device, pinned, bytes);
        return (float*)device;
    }

    /// <summary>What the device has when <see cref="Stream"/> has passed.</summary>
    public T[] Read<T>(void* device, int count)
        where T : unmanaged
    {
        byte* pinned = Pinned(count * (long)sizeof(T));
        Stream.EnqueueReadBack(pinned, (ulong)device, count * (long)sizeof(T));
        Stream.Synchronize();
        return new Span<T>(pinned, count).ToArray();
    }

    public void Dispose()
    {
        Host.Succeeded(Host.Close(Context));
        foreach (IDisposable memory in _memory)
            memory.Dispose();
        Stream.Dispose();
        _own.Dispose();
        Assert.Equal(0, Machine.Machine.Memory.Count);  // all that the library took on the device is given back
        Machine.Dispose();
    }
}
