using SSLP.Data.Files;
using SSLP.Interop.Cuda;
using static TorchSharp.torch;

namespace SSLP.Engine.Torch;

/// <summary>From the option "device" to a torch device.</summary>
internal static class Devices
{
    /// <exception cref="Fault">A CUDA device was asked for that libtorch does not see.</exception>
    /// <param name="choice">What was asked for.</param>
    /// <param name="place">Number of this process among those of its machine that train together: each takes the next device from the
    /// choice's on, after the last the first.</param>
    public static Device Select(DeviceChoice choice, int place = 0) =>
        Among(choice, cuda.is_available() ? cuda.device_count() : 0, place);

    /// <param name="choice">What was asked for.</param>
    /// <param name="seen">CUDA devices that libtorch sees.</param>
    /// <param name="place">Number of this process among those of its machine.</param>
    /// <exception cref="Fault">A CUDA device was asked for that is not among them.</exception>
    internal static Device Among(DeviceChoice choice, int seen, int place = 0) => choice.Kind switch
    {
        DeviceKind.Cpu => CPU,
        DeviceKind.Cuda when seen == 0 => throw new Fault(FaultKind.Device,
            $"device={choice} was asked for, but libtorch sees no CUDA device: use a CUDA libtorch (README, GPU) or device=cpu."),
        DeviceKind.Cuda when choice.Number >= seen => throw new Fault(FaultKind.Device,
            $"device={choice} was asked for, but libtorch sees {seen} CUDA device{(seen == 1 ? "" : "s")}, counted from 0: "
            + $"take device={new DeviceChoice(DeviceKind.Cuda, seen - 1)}{(seen == 1 ? "" : " or one before it")}, or device=cpu."),
        DeviceKind.Cuda => Numbered((choice.Number + place) % seen),
        DeviceKind.Auto when seen > 0 => Numbered(place % seen),
        _ => CPU,
    };

    private static Device Numbered(int number) => number > 0 ? new Device(TorchSharp.DeviceType.CUDA, number) : CUDA;

    /// <summary>The primary context of a CUDA device, the one that libtorch works in; null for the CPU. The caller disposes it.</summary>
    public static CudaContext? ContextOf(Device device) =>
        device.type == TorchSharp.DeviceType.CUDA ? CudaContext.Retain(NumberOf(device)) : null;

    /// <summary>A CUDA device's number, 0 where it says none; 0 for the CPU.</summary>
    public static int NumberOf(Device device) => Math.Max(0, device.index);
}
