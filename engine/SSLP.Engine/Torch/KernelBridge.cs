using System.Runtime.InteropServices;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Torch;

/// <summary>The one place where tensors become the kernels' pointers and shapes.</summary>
internal static unsafe partial class KernelBridge
{
    /// <summary>A dense float32 matrix in host memory as the kernels see it; valid while the tensor lives.</summary>
    /// <param name="matrix">[rows, width], float32, contiguous, on the CPU.</param>
    /// <exception cref="ArgumentException">Another type, layout or device.</exception>
    public static MatrixView View(Tensor matrix)
    {
        if (matrix.dtype != ScalarType.Float32 || matrix.Dimensions != 2 || matrix.device_type != TorchSharp.DeviceType.CPU
            || !matrix.is_contiguous())
            throw new ArgumentException(
                $"The kernels take a dense float32 matrix on the CPU, not {matrix.dtype} {string.Join('×', matrix.shape)} on " +
                $"{matrix.device}.");
        // Tensor memory is native: the span's address stays where it is.
        fixed (byte* data = matrix.bytes)
            return new MatrixView((float*)data, (int)matrix.shape[0], (int)matrix.shape[1]);
    }

    /// <summary>The tensor itself where the kernels can read it, else a dense copy on the CPU, of the caller's scope.</summary>
    public static Tensor ToHost(Tensor matrix) => matrix.cpu().contiguous();

    /// <summary>Address of a dense tensor's first element, on whatever device it is; valid while the tensor lives.</summary>
    public static ulong Address(Tensor dense)
    {
        if (!dense.is_contiguous())
            throw new ArgumentException($"A tensor {string.Join('×', dense.shape)} that is not dense has no address to copy to.");
        return (ulong)THSTensor_data(dense.Handle);
    }

    /// <summary>A dense float32 matrix where it lies, for kernels that work there; valid while the tensor lives.</summary>
    /// <param name="matrix">[rows, width], float32, contiguous, on the kernels' device.</param>
    /// <param name="kernels">The CUDA kernels.</param>
    /// <exception cref="ArgumentException">Another type, layout or device.</exception>
    public static DeviceMatrix OnDevice(Tensor matrix, KernelSet kernels)
    {
        if (matrix.dtype != ScalarType.Float32 || matrix.Dimensions != 2 || !AreOn(kernels, matrix.device))
            throw new ArgumentException(
                $"The kernels take a float32 matrix on their own device, not {matrix.dtype} {string.Join('×', matrix.shape)} "
                + $"on {matrix.device}.");
        return new DeviceMatrix(Lent(matrix, kernels), (int)matrix.shape[0], (int)matrix.shape[1]);
    }

    /// <summary>Device address of a dense tensor of 4-byte numbers, which kernels may use from here on; valid while the tensor
    /// lives.</summary>
    public static ulong Lent(Tensor dense, KernelSet kernels)
    {
        ulong address = Address(dense);
        kernels.Context!.Borrow(address, dense.numel() * dense.element_size());
        return address;
    }

    /// <summary>Whether the kernels work in the memory that a device's tensors are in.</summary>
    public static bool AreOn(KernelSet kernels, Device device) => kernels.Context is { } context
        && (device.type == TorchSharp.DeviceType.CUDA ? context.Device.Ordinal == Devices.NumberOf(device) : context.IsOnHost);

    /// <summary>The first numbers of a dense float32 tensor, on whatever device it is, as the kernels see them; valid while it
    /// lives.</summary>
    public static VectorView Vector(Tensor dense, long count)
    {
        if (dense.dtype != ScalarType.Float32 || count > dense.numel())
            throw new ArgumentException($"{count} float32 numbers are not in a tensor of {dense.numel()} {dense.dtype}.");
        return new VectorView((float*)Address(dense), count);
    }

    /// <summary>The optimizer's kernel for tensors of a device, the caller's; null where none of these kernels works in its
    /// memory.</summary>
    public static IMomentumSgd? MomentumSgd(KernelSet kernels, Device device) =>
        device.type != TorchSharp.DeviceType.CUDA ? kernels.MomentumSgd(onHost: true)
        : kernels.Backend == KernelBackend.Cuda ? kernels.MomentumSgd(onHost: false)
        : null;

    /// <summary>
    /// Whether the host may have a kernel move weights: always where it reads the report's faults itself, on the device; where it works on
    /// the host, beside kernels that work there too, while the report has none.
    /// </summary>
    public static bool MayMove(IMomentumSgd? kernel, StepReport report)
    {
        if (kernel is not MomentumSgdCuda device)
            return report.FaultOnHost == StepFault.None;
        device.JudgeBy(report);
        return true;
    }

    /// <summary>Some bytes of a dense tensor on the CPU, of whatever size the whole is; valid while the tensor lives.</summary>
    /// <param name="dense">The tensor.</param>
    /// <param name="offset">The first byte.</param>
    /// <param name="count">How many.</param>
    public static Span<byte> Bytes(Tensor dense, long offset, int count)
    {
        if (dense.device_type != TorchSharp.DeviceType.CPU)
            throw new ArgumentException($"A tensor on {dense.device} has no bytes in host memory.");
        return new((byte*)Address(dense) + offset, count);
    }

    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_data(nint handle);
}
