using SSLP.Interop.Cuda;
using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

[CollectionDefinition("device")]
public sealed class DeviceCollection : ICollectionFixture<TestDevice>;

/// <summary>
/// The device that the launchers are tested on: with SSLP_KERNELS=cuda the machine's GPU, else the PTX machine behind the driver's own
/// calls, which executes the embedded texts and checks every access.
/// </summary>
public sealed unsafe class TestDevice : IComputeDevice
{
    private readonly MachineDriver? _machine;
    private readonly CudaComputeDevice _device;

    public TestDevice()
    {
        if (Environment.GetEnvironmentVariable("SSLP_KERNELS") != "cuda")
            _machine = new MachineDriver();
        _device = new CudaComputeDevice(driver: _machine?.Driver);
    }

    IDeviceBlock IComputeDevice.Allocate(long bytes) => _device.Allocate(bytes);

    public void Upload(ulong destination, void* source, long bytes) => _device.Upload(destination, source, bytes);

    public void ReadBack(void* destination, ulong source, long bytes) => _device.ReadBack(destination, source, bytes);

    public void EnqueueFill(ulong destination, byte value, long bytes) => _device.EnqueueFill(destination, value, bytes);

    public void EnqueueLaunch(string kernel, LaunchGrid grid, ref KernelArguments arguments)
    {
        // A test that made a kernel fail is not to take the others with it.
        _machine?.ForgetFault();
        _device.EnqueueLaunch(kernel, grid, ref arguments);
    }

    public void Dispose()
    {
        _device.Dispose();
        _machine?.Dispose();
    }
}
