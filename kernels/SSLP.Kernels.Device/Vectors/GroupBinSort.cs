using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Sorts keys in shared memory by a group of 256: they are dealt into 1024 bins of equal width between the largest and the smallest, and a
/// thread puts the few keys of each of its four bins in order. About a sixth of a network's work where keys are spread evenly; where one
/// bin gets more than a few, the network (<see cref="GroupSort"/>) sorts them all. Equal scores are no crowd: keys hold their rows.
/// </summary>
public static class GroupBinSort
{
    /// <summary>Shared memory that it needs beside the keys: bins, and one value a warp and a flag.</summary>
    public const int Bins = 1024, Partials = 33;

    private const int BinBits = 10, BinsAThread = Bins / DeviceMath.GroupSize, MostInBin = 16, Flag = Partials - 1;

    /// <summary>sorted ← the first keys, largest first, for all threads; keys may be in any order afterwards.</summary>
    /// <param name="sorted">As long as the keys, and 64 at least.</param>
    public static void Descending(ArrayView<ulong> keys, int count, ArrayView<ulong> sorted, ArrayView<int> bins, ArrayView<int> partial)
    {
        ulong largest = 0ul, smallest = ulong.MaxValue;
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            largest = IntrinsicMath.Max(largest, keys[i]);
            smallest = IntrinsicMath.Min(smallest, keys[i]);
        }

        for (int step = 16; step > 0; step /= 2)
        {
            largest = IntrinsicMath.Max(largest, Warp.ShuffleXor(largest, step));
            smallest = IntrinsicMath.Min(smallest, Warp.ShuffleXor(smallest, step));
        }

        if (Warp.LaneIdx == 0)
        {
            sorted[Group.IdxX / 32] = largest;
            sorted[32 + Group.IdxX / 32] = smallest;
        }

        for (int bin = Group.IdxX; bin < Bins; bin += Group.DimX)
            bins[bin] = 0;
        if (Group.IdxX == 0)
            partial[Flag] = 0;
        Group.Barrier();
        for (int warp = 0; warp < Group.DimX / 32; warp++)
        {
            largest = IntrinsicMath.Max(largest, sorted[warp]);
            smallest = IntrinsicMath.Min(smallest, sorted[32 + warp]);
        }

        int shift = IntrinsicMath.Max(0, 64 - BinBits - IntrinsicMath.BitOperations.LeadingZeroCount(largest - smallest));
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            Atomic.Add(ref bins[(int)((largest - keys[i]) >> shift)], 1);
        Group.Barrier();
        if (!Place(bins, partial))
        {
            GroupSort.Descending(keys, 0, count);
            for (int i = Group.IdxX; i < count; i += Group.DimX)
                sorted[i] = keys[i];
            Group.Barrier();
            return;
        }

        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            ulong key = keys[i];
            sorted[Atomic.Add(ref bins[(int)((largest - key) >> shift)], 1)] = key;
        }

        Group.Barrier();
        // A bin's number is now its end, and the next one's beginning.
        int first = Group.IdxX * BinsAThread, start = first == 0 ? 0 : bins[first - 1];
        for (int bin = first; bin < first + BinsAThread; bin++)
        {
            int end = bins[bin];
            Insert(sorted, start, end);
            start = end;
        }

        Group.Barrier();
    }

    /// <summary>Sizes of bins become their beginnings; false where one is crowded.</summary>
    private static bool Place(ArrayView<int> bins, ArrayView<int> partial)
    {
        int first = Group.IdxX * BinsAThread;
        int a = bins[first], b = bins[first + 1], c = bins[first + 2], d = bins[first + 3];
        if (IntrinsicMath.Max(IntrinsicMath.Max(a, b), IntrinsicMath.Max(c, d)) > MostInBin)
            Atomic.Or(ref partial[Flag], 1);
        int start = GroupScan.InclusiveSum(a + b + c + d, partial) - (a + b + c + d);
        bins[first] = start;
        bins[first + 1] = start + a;
        bins[first + 2] = start + a + b;
        bins[first + 3] = start + a + b + c;
        Group.Barrier();
        return partial[Flag] == 0;
    }

    private static void Insert(ArrayView<ulong> sorted, int start, int end)
    {
        for (int i = start + 1; i < end; i++)
        {
            ulong moving = sorted[i];
            int at = i;
            while (at > start && sorted[at - 1] < moving)
            {
                sorted[at] = sorted[at - 1];
                at--;
            }

            sorted[at] = moving;
        }
    }
}
