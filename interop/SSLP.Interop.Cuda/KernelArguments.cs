using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace SSLP.Interop.Cuda;

/// <summary>
/// The arguments of one launch, in the order of the kernel's parameters. Each takes a slot of 16 bytes, which is the largest parameter
/// there is: a view, {u64 address, i64 length}, as ILGPU's ArrayView is passed. Lives on the stack and allocates nothing.
/// </summary>
public ref struct KernelArguments
{
    /// <summary>Most parameters that a kernel here may have.</summary>
    public const int Capacity = 24;

    private Slots _slots;

    /// <summary>How many have been added.</summary>
    public int Count { get; private set; }

    [UnscopedRef]
    internal Span<ulong> Values => _slots;

    /// <summary>Adds a view of device memory.</summary>
    /// <param name="address">Device address; a multiple of 16, since kernels load 16 bytes at once.</param>
    /// <param name="length">Elements.</param>
    /// <exception cref="ArgumentException">The address is not aligned: a libtorch view with an offset must be made contiguous
    /// first.</exception>
    public void View(ulong address, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (address % 16 != 0)
            throw new ArgumentException(
                $"Argument {Count} is at device address 0x{address:x}, which is not a multiple of 16; copy the tensor (contiguous " +
                $"memory) first.", nameof(address));
        Add(address, (ulong)length);
    }

    /// <summary>Adds a 32-bit integer.</summary>
    public void Int32(int value) => Add((uint)value, 0);

    /// <summary>Adds a 64-bit integer.</summary>
    public void Int64(long value) => Add((ulong)value, 0);

    /// <summary>Adds a float.</summary>
    public void Single(float value) => Add(BitConverter.SingleToUInt32Bits(value), 0);

    /// <summary>Adds a double.</summary>
    public void Double(double value) => Add(BitConverter.DoubleToUInt64Bits(value), 0);

    private void Add(ulong low, ulong high)
    {
        if (Count == Capacity)
            throw new InvalidOperationException($"A kernel takes at most {Capacity} parameters.");
        _slots[2 * Count] = low;
        _slots[2 * Count + 1] = high;
        Count++;
    }

    [InlineArray(2 * Capacity)]
    private struct Slots
    {
        private ulong _first;
    }
}
