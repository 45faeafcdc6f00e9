using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Reductions over a group, of a power of two threads, in a fixed tree: every thread gets the result and the order never changes.
/// <c>partial</c> is shared memory for one value a thread; it may be used again at once.
/// A thread keeps its own part in a register: no word is loaded and stored in one step.
/// </summary>
public static class GroupReduce
{
    public static float Sum(float value, ArrayView<float> partial)
    {
        Group.Barrier();
        partial[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
            {
                value += partial[Group.IdxX + half];
                partial[Group.IdxX] = value;
            }
        }

        Group.Barrier();
        return partial[0];
    }

    public static double Sum(double value, ArrayView<double> partial)
    {
        Group.Barrier();
        partial[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
            {
                value += partial[Group.IdxX + half];
                partial[Group.IdxX] = value;
            }
        }

        Group.Barrier();
        return partial[0];
    }

    public static float Max(float value, ArrayView<float> partial)
    {
        Group.Barrier();
        partial[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
            {
                value = DeviceMath.Max(value, partial[Group.IdxX + half]);
                partial[Group.IdxX] = value;
            }
        }

        Group.Barrier();
        return partial[0];
    }

    public static ulong Max(ulong value, ArrayView<ulong> partial)
    {
        Group.Barrier();
        partial[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
            {
                value = IntrinsicMath.Max(value, partial[Group.IdxX + half]);
                partial[Group.IdxX] = value;
            }
        }

        Group.Barrier();
        return partial[0];
    }

    public static double Max(double value, ArrayView<double> partial)
    {
        Group.Barrier();
        partial[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
            {
                double other = partial[Group.IdxX + half];
                value = other > value ? other : value;
                partial[Group.IdxX] = value;
            }
        }

        Group.Barrier();
        return partial[0];
    }
}
