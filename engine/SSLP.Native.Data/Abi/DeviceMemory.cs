using System.Runtime.CompilerServices;
using SSLP.Interop.Cuda;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>Device memory of the host, checked before a kernel is given it: what a kernel does with a wrong address takes the host's
/// context with it.</summary>
internal static unsafe class DeviceMemory
{
    // Kernels load 16 bytes at once.
    private const ulong Alignment = 16;

    /// <summary>Floats [rows, width].</summary>
    /// <exception cref="MisuseException">Null, not of this device, too short, or not aligned.</exception>
    public static DeviceMatrix Matrix(
        CudaContext context, float* given, int rows, int width, [CallerArgumentExpression(nameof(given))] string name = "") =>
        new(Address(context, given, Abi.Count(rows, width, name) * (long)sizeof(float), name), rows, width);

    /// <summary>A number of bytes.</summary>
    /// <inheritdoc cref="Matrix"/>
    public static ulong Address(
        CudaContext context, void* given, long bytes, [CallerArgumentExpression(nameof(given))] string name = "")
    {
        if (bytes == 0)
            return 0;
        Abi.NotNull(given, name);
        ulong address = (ulong)given;
        int device = context.Device.Ordinal;
        int? found = context.DeviceOf(address);
        if (found is null)
        {
            throw new MisuseException(Status.Usage,
                $"{name} is no device memory: this function takes memory of device {device}, and the one without a stream the host's.");
        }

        if (found != device)
            throw new MisuseException(Status.Usage, $"{name} is memory of device {found}, and the kernels are on device {device}.");
        if (context.DeviceOf(address + (ulong)bytes - 1) != device)
            throw new MisuseException(Status.Size, $"{name} is to hold {bytes} bytes, and the device's memory ends before.");
        return address % Alignment == 0 ? address : throw new MisuseException(Status.Usage,
            $"{name} is at device address 0x{address:x}, which is not a multiple of {Alignment}.");
    }
}
