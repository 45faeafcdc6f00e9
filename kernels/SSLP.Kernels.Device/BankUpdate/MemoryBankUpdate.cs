using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>v_r ← unit((1 − m)·v_r + m·f_i) for r = anchors[i].</summary>
public static class MemoryBankUpdate
{
    /// <summary>
    /// Blends and renormalises the anchors' rows. A row that occurs twice is blended twice, in the batch's order, by the group of its first
    /// occurrence. A blend of length 0 has no direction: the row keeps its value. Where a flag is set nothing is written.
    /// </summary>
    /// <param name="flags">[1] of <see cref="FiniteCheck"/>.</param>
    public static void UpdateBank(
        ArrayView<int> anchors, ArrayView<Float4> features, ArrayView<Float4> bank, ArrayView<int> flags, int batch, int strideQuads,
        float momentum)
    {
        // One group owns one anchor; a thread owns every DimX-th four values of D.
        ArrayView<float> partial = SharedMemory.Allocate<float>(DeviceMath.GroupSize);
        if (flags[0] != 0)
            return;
        int row = anchors[Grid.IdxX], earlier = 0, last = Grid.IdxX;
        for (int b = Group.IdxX; b < batch; b += Group.DimX)
        {
            bool isSame = anchors[b] == row;
            earlier += isSame && b < Grid.IdxX ? 1 : 0;
            last = isSame && b > last ? b : last;
        }

        // Places in a batch are whole numbers that a float holds.
        if (GroupReduce.Sum((float)earlier, partial) > 0f)
            return;
        int end = (int)GroupReduce.Max((float)last, partial);
        for (int b = Grid.IdxX; b <= end; b++)
        {
            if (anchors[b] != row)
                continue;
            float squared = 0f;
            for (int d = Group.IdxX; d < strideQuads; d += Group.DimX)
            {
                Float4 blend = Blend(bank, row, features, b, strideQuads, d, momentum);
                squared += blend.X * blend.X + blend.Y * blend.Y + blend.Z * blend.Z + blend.W * blend.W;
            }

            squared = GroupReduce.Sum(squared, partial);
            if (squared == 0f)
                continue;
            float scale = 1f / MathF.Sqrt(squared);
            for (int d = Group.IdxX; d < strideQuads; d += Group.DimX)
                bank[(long)row * strideQuads + d] = Float4.Scale(Blend(bank, row, features, b, strideQuads, d, momentum), scale);
        }
    }

    private static Float4 Blend(ArrayView<Float4> bank, int row, ArrayView<Float4> features, int b, int strideQuads, int d,
        float momentum) =>
        Float4.MultiplyAdd(momentum, features[(long)b * strideQuads + d], Float4.Scale(bank[(long)row * strideQuads + d], 1f - momentum));
}
