using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace SSLP.Engine.Torch;

/// <summary>Numbers out of tensors in one copy; TorchSharp's accessor goes element by element.</summary>
internal static class TensorNumbers
{
    /// <summary>A tensor's numbers, row-major, from any device.</summary>
    /// <typeparam name="T">The tensor's own type.</typeparam>
    public static T[] ToArray<T>(this Tensor tensor)
        where T : unmanaged
    {
        var numbers = new T[tensor.numel()];
        tensor.CopyTo<T>(numbers);
        return numbers;
    }

    /// <summary>The same into memory that is there.</summary>
    public static void CopyTo<T>(this Tensor tensor, Span<T> destination)
        where T : unmanaged
    {
        if (tensor.numel() == 0)
            return;
        using Tensor host = tensor.cpu();
        using Tensor dense = host.contiguous();
        MemoryMarshal.Cast<byte, T>(dense.bytes).CopyTo(destination);
    }
}
