using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>
/// Tensors as they are at one moment, written while training changes them: one piece of native memory, taken at the first checkpoint and
/// kept for all others. A copy of its own for each tensor leaves holes in the allocator's memory, which grows with every checkpoint.
/// </summary>
internal sealed unsafe class TensorSnapshot : IDisposable
{
    private const int Alignment = 64;

    private readonly AlignedBuffer<byte> _memory = new();

    /// <summary>Takes them all. What was taken before must have been written: this is the same memory.</summary>
    /// <param name="tensors">By their names; of any type, layout and device.</param>
    /// <returns>For the file, in the same order; they hold until the next call.</returns>
    public IReadOnlyList<SafetensorsItem> Take(IEnumerable<(string Name, Tensor Value)> tensors)
    {
        (string Name, Tensor Value)[] all = [.. tensors];
        byte* memory = _memory.EnsureLength(all.Sum(tensor => Whole(BytesOf(tensor.Value))));
        var items = new SafetensorsItem[all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            (string name, Tensor value) = all[i];
            using Tensor detached = value.detach();
            using Tensor host = KernelBridge.ToHost(detached);
            long bytes = BytesOf(value);
            if (bytes > 0)
                Buffer.MemoryCopy((void*)KernelBridge.Address(host), memory, bytes, bytes);
            items[i] = SafetensorsItem.From(name, SafetensorsDtypes.FromTorch(value.dtype), value.shape, memory);
            memory += Whole(bytes);
        }
        return items;
    }

    public void Dispose() => _memory.Dispose();

    private static long BytesOf(Tensor tensor) => tensor.numel() * tensor.element_size();

    private static long Whole(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
