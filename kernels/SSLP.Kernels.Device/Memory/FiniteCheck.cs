using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Whether a step can go on, in one word that kernels set and read: what must not move when something went wrong looks there first, and
/// the host learns of it with what it reads anyway.
/// </summary>
public static class FiniteCheck
{
    /// <summary>flags[0] gets <paramref name="bit"/> where one of the values is NaN or infinite; else it keeps what it has.</summary>
    /// <param name="quads">Groups of four values.</param>
    public static void CheckFinite(ArrayView<Float4> values, ArrayView<int> flags, long quads, int bit)
    {
        // A thread owns every (GridDimX · DimX)-th four values.
        bool isFinite = true;
        for (long q = (long)Grid.IdxX * Group.DimX + Group.IdxX; q < quads; q += (long)Grid.DimX * Group.DimX)
        {
            Float4 value = values[q];
            isFinite &= DeviceMath.IsFinite(value.X) && DeviceMath.IsFinite(value.Y) && DeviceMath.IsFinite(value.Z)
                && DeviceMath.IsFinite(value.W);
        }

        if (!isFinite)
            Atomic.Or(ref flags[0], bit);
    }
}
