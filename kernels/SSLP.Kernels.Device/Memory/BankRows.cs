using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Copies of bank rows by their numbers.</summary>
public static class BankRows
{
    /// <summary>copies [n, D] ← bank rows ids[n]; where an id is below 0, zeros.</summary>
    public static void GatherRows(ArrayView<Float4> bank, ArrayView<int> ids, ArrayView<Float4> copies, int strideQuads)
    {
        // One group owns one row.
        int id = ids[Grid.IdxX];
        for (int d = Group.IdxX; d < strideQuads; d += Group.DimX)
            copies[(long)Grid.IdxX * strideQuads + d] = id < 0 ? default : bank[(long)id * strideQuads + d];
    }

    /// <summary>Bank rows ids[n] ← copies [n, D]; no id occurs twice.</summary>
    public static void ScatterRows(ArrayView<Float4> copies, ArrayView<int> ids, ArrayView<Float4> bank, int strideQuads)
    {
        // One group owns one row.
        for (int d = Group.IdxX; d < strideQuads; d += Group.DimX)
            bank[(long)ids[Grid.IdxX] * strideQuads + d] = copies[(long)Grid.IdxX * strideQuads + d];
    }
}
