using System.Runtime.CompilerServices;

namespace SSLP.Kernels;

/// <summary>
/// A (similarity, row) pair as one 64-bit number whose descending order is: larger similarity first, then lower row. Selecting and
/// sorting then compare integers, and no two candidates are equal.
/// </summary>
internal static class RankedKey
{
    public static ulong Of(float similarity, int row)
    {
        // −0 + 0 is +0: the two zeros tie. Negative floats order backwards as integers: flip all their bits; else set the sign bit.
        uint bits = BitConverter.SingleToUInt32Bits(similarity + 0f);
        uint ordered = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
        return ((ulong)ordered << 32) | ~(uint)row;
    }

    public static int Row(ulong key) => (int)~(uint)key;

    public static float Similarity(ulong key)
    {
        uint ordered = (uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((ordered & 0x8000_0000) != 0 ? ordered & 0x7FFF_FFFF : ~ordered);
    }

    /// <summary>Reorders keys so that the <paramref name="count"/> largest come first, in any order, the least of them last.</summary>
    public static void SelectLargest(Span<ulong> keys, int count)
    {
        int low = 0, high = keys.Length - 1, nth = count - 1;
        // Hoare's selection. Median of three splits well; should it not, sorting what is left bounds the work.
        for (int splits = 2 * (32 - int.LeadingZeroCount(keys.Length)); low < high; splits--)
        {
            if (splits == 0)
            {
                SortDescending(keys[low..(high + 1)]);
                return;
            }
            int last = Partition(keys, low, high);
            if (nth <= last)
                high = last;
            else
                low = last + 1;
        }
    }

    public static void SortDescending(Span<ulong> keys)
    {
        keys.Sort();
        keys.Reverse();
    }

    /// <summary>Returns m with low ≤ m &lt; high, keys[low..m] ≥ pivot ≥ keys[m+1..high].</summary>
    private static int Partition(Span<ulong> keys, int low, int high)
    {
        ulong pivot = MedianOfThree(keys[low], keys[low + (high - low) / 2], keys[high]);
        int i = low - 1, j = high + 1;
        while (true)
        {
            while (keys[++i] > pivot)
                continue;
            while (keys[--j] < pivot)
                continue;
            if (i >= j)
                return Math.Min(j, high - 1);
            (keys[i], keys[j]) = (keys[j], keys[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MedianOfThree(ulong a, ulong b, ulong c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
