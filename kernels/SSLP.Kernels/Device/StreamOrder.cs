using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// Work in the order of a stream of the host's: the kernels' stream waits for what that one has so far, and when this is disposed that one
/// waits for what the kernels' has. Both waits are the device's; the host goes on.
/// </summary>
internal readonly ref struct StreamOrder : IDisposable
{
    private readonly CudaComputeDevice _device;
    private readonly CudaStream _hosts;

    internal StreamOrder(CudaComputeDevice device, CudaStream hosts)
    {
        (_device, _hosts) = (device, hosts);
        device.EnqueueOrder(hosts, device.Context.DefaultStream);
    }

    public void Dispose() => _device.EnqueueOrder(_device.Context.DefaultStream, _hosts);
}
