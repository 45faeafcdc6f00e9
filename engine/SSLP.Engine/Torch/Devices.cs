using SSLP.Data.Files;
using SSLP.Interop.Cuda;
using static TorchSharp.torch;

namespace SSLP.Engine.Torch;

/// <summary>From the option "device" to a torch device.</summary>
internal static class Devices
{
    /// <exception cref="Fault">CUDA was asked for and libtorch sees no device.</exception>
    public static Device Select(DeviceKind kind) => kind switch
    {
        DeviceKind.Cpu => CPU,
        DeviceKind.Cuda when !cuda.is_available() => throw new Fault(FaultKind.Device,
            "device=cuda was asked for, but libtorch sees no CUDA device: use a CUDA libtorch (README, GPU) or device=cpu."),
        DeviceKind.Cuda => CUDA,
        _ => cuda.is_available() ? CUDA : CPU,
    };

    /// <summary>The primary context of a CUDA device, the one that libtorch works in; null for the CPU. The caller disposes it.</summary>
    public static CudaContext? ContextOf(Device device) =>
        device.type == TorchSharp.DeviceType.CUDA ? CudaContext.Retain(NumberOf(device)) : null;

    /// <summary>A CUDA device's number, 0 where it says none; 0 for the CPU.</summary>
    public static int NumberOf(Device device) => Math.Max(0, device.index);
}
