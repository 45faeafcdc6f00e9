using System.Runtime.CompilerServices;
using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// Where device kernels run: memory, copies and launches, all in order on one queue. A CUDA device in use; under test
/// such a device behind a driver that executes the embedded texts, or one that only writes down what it is asked.
/// </summary>
internal unsafe interface IComputeDevice : IDisposable
{
    /// <summary>Device memory, not initialised; disposing frees it once the queue has passed.</summary>
    IDeviceBlock Allocate(long bytes);

    /// <summary>Copies to the device; the source may be reused on return.</summary>
    void Upload(ulong destination, void* source, long bytes);

    /// <summary>Copies from the device, after all that was enqueued before.</summary>
    void ReadBack(void* destination, ulong source, long bytes);

    /// <summary>Sets bytes.</summary>
    void EnqueueFill(ulong destination, byte value, long bytes);

    /// <summary>Launches a kernel of <see cref="PtxLibrary"/> in groups of its own size.</summary>
    void EnqueueLaunch(string kernel, LaunchGrid grid, ref KernelArguments arguments);
}

/// <summary>A piece of device memory, on a 256-byte boundary.</summary>
internal interface IDeviceBlock : IDisposable
{
    ulong Address { get; }
}

/// <summary>A typed array on a device that grows and never shrinks. Growing drops the contents.</summary>
internal sealed unsafe class DeviceArray<T>(IComputeDevice device) : IDisposable where T : unmanaged
{
    private IDeviceBlock? _block;

    /// <summary>Elements.</summary>
    public long Length { get; private set; }

    /// <summary>Device address of an element.</summary>
    public ulong AddressOf(long element) => (_block?.Address ?? 0) + (ulong)(element * sizeof(T));

    /// <summary>Makes room for a number of elements, at least one.</summary>
    public DeviceArray<T> EnsureLength(long length)
    {
        length = Math.Max(length, 1);
        if (length <= Length)
            return this;
        _block?.Dispose();
        _block = device.Allocate(length * sizeof(T));
        Length = length;
        return this;
    }

    public void Upload(ReadOnlySpan<T> values, long first = 0)
    {
        if (first + values.Length > Length)
            throw new ArgumentException($"{values.Length} elements from {first} do not fit an array of {Length}.");
        fixed (T* source = values)
            device.Upload(AddressOf(first), source, (long)values.Length * sizeof(T));
    }

    public void ReadBack(Span<T> values, long first = 0)
    {
        if (first + values.Length > Length)
            throw new ArgumentException($"{values.Length} elements from {first} are not in an array of {Length}.");
        fixed (T* destination = values)
            device.ReadBack(destination, AddressOf(first), (long)values.Length * sizeof(T));
    }

    public void EnqueueClear(long count) => device.EnqueueFill(AddressOf(0), 0, count * sizeof(T));

    public void Dispose() => _block?.Dispose();
}

/// <summary>Adds device arrays to a launch's arguments.</summary>
internal static class KernelArgumentsExtensions
{
    public static void View<T>(this ref KernelArguments arguments, DeviceArray<T> array, long first = 0) where T : unmanaged =>
        arguments.View(array.AddressOf(first), array.Length - first);

    /// <summary>An array of dense rows as a matrix of a given shape.</summary>
    public static DeviceMatrix AsMatrix(this DeviceArray<float> array, MatrixView shape) =>
        new(array.AddressOf(0), shape.Rows, shape.Width);

    /// <summary>Float rows, which the kernels see four values at a time.</summary>
    public static void Quads(this ref KernelArguments arguments, DeviceArray<float> array, long first = 0) =>
        arguments.View(array.AddressOf(first), (array.Length - first) / 4);

    /// <summary>Pairs of bf16, which the kernels see eight values at a time.</summary>
    public static void Eights(this ref KernelArguments arguments, DeviceArray<uint> array) =>
        arguments.View(array.AddressOf(0), array.Length / 4);

    /// <summary>Groups of <paramref name="size"/> that cover <paramref name="count"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint GroupsOf(this int size, long count) => checked((uint)((count + size - 1) / size));
}
