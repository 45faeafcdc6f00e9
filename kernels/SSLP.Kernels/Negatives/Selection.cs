using System.Numerics;

namespace SSLP.Kernels;

/// <summary>Order statistics without a sort.</summary>
internal static class Selection
{
    /// <summary>
    /// The value that would stand at <paramref name="index"/> if the values were sorted ascending. Reorders them; no NaN allowed.
    /// Hoare's quickselect with the median of three as pivot: O(n) expected. Values equal to the pivot stop both scans, so ties
    /// split evenly instead of degrading.
    /// </summary>
    public static T Smallest<T>(Span<T> values, int index) where T : struct, INumber<T>
    {
        int low = 0, high = values.Length - 1;
        while (low < high)
        {
            T pivot = MedianOfThree(values[low], values[(int)(((uint)low + (uint)high) / 2)], values[high]);
            int left = low - 1, right = high + 1;
            while (true)
            {
                while (values[++left] < pivot)
                    ;
                while (values[--right] > pivot)
                    ;
                if (left >= right)
                    break;
                (values[left], values[right]) = (values[right], values[left]);
            }
            // values[low..right] ≤ pivot ≤ values[right+1..high], both parts non-empty.
            if (right == high)
                right--;
            if (index <= right)
                high = right;
            else
                low = right + 1;
        }
        return values[low];
    }

    private static T MedianOfThree<T>(T a, T b, T c) where T : struct, INumber<T> =>
        T.Max(T.Min(a, b), T.Min(T.Max(a, b), c));
}
