using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Reductions over a group, of a power of two threads, in a fixed tree: every thread gets the result and the order never changes.
/// <c>partial</c> is shared memory for one value a thread; it may be used again at once.
/// A thread keeps its own part in a register: no word is loaded and stored in one step.
/// </summary>
public static class GroupReduce
{
    public static float Sum(float value, ArrayView<float> partial) => Reduce<float, Add>(value, partial);

    public static double Sum(double value, ArrayView<double> partial) => Reduce<double, Add>(value, partial);

    public static float Max(float value, ArrayView<float> partial) => Reduce<float, Largest>(value, partial);

    public static ulong Max(ulong value, ArrayView<ulong> partial) => Reduce<ulong, Largest>(value, partial);

    public static double Max(double value, ArrayView<double> partial) => Reduce<double, Largest>(value, partial);

    private static T Reduce<T, TOperation>(T value, ArrayView<T> partial)
        where T : unmanaged
        where TOperation : struct, IOperation<T>
    {
        TOperation operation = default;
        Group.Barrier();
        partial[Group.IdxX] = value;
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
            {
                value = operation.Of(value, partial[Group.IdxX + half]);
                partial[Group.IdxX] = value;
            }
        }

        Group.Barrier();
        return partial[0];
    }

    private interface IOperation<T>
    {
        T Of(T a, T b);
    }

    private readonly struct Add : IOperation<float>, IOperation<double>
    {
        public float Of(float a, float b) => a + b;

        public double Of(double a, double b) => a + b;
    }

    private readonly struct Largest : IOperation<float>, IOperation<double>, IOperation<ulong>
    {
        public float Of(float a, float b) => DeviceMath.Max(a, b);

        public double Of(double a, double b) => b > a ? b : a;

        public ulong Of(ulong a, ulong b) => IntrinsicMath.Max(a, b);
    }
}
