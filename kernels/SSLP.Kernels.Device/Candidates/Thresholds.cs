using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// What a sample of the bank says of each query's order: the key down to which rows are candidates, and keys that cut those into buckets
/// of about as many each. Keys hold the row, too: equal scores are told apart, so that a bank of equal rows gives lists as long as any
/// other.
/// </summary>
public static class Thresholds
{
    /// <summary>Sampled keys that are sorted for the borders.</summary>
    private const int Sorted = 2048;

    private const int DigitBits = 8, Digits = 1 << DigitBits;

    /// <summary>Below every key of a bank.</summary>
    private static ulong Everything => DeviceMath.RankedKey(float.NegativeInfinity, int.MaxValue);

    /// <summary>Above every key.</summary>
    private static ulong Nothing => DeviceMath.RankedKey(float.PositiveInfinity, -1);

    /// <summary>
    /// thresholds[q] ← the key of rank ranks[q] (0 the highest) among the query's samples; one that all rows reach where the rank is below
    /// 0, one that none does where it is beyond the samples or the query is not wanted: from <paramref name="optionalFrom"/> on queries
    /// are bank rows that look for rows of their own class, and there is nothing to look for where the row is none (−1) or alone in its
    /// class.
    /// borders [Q, buckets] ← descending keys at equal ranks of the samples down to the threshold; the first is not used.
    /// </summary>
    /// <param name="scores">[Q, S].</param>
    /// <param name="sampleRows">[S] the samples' bank rows.</param>
    public static void SelectThresholds(
        ArrayView<float> scores, ArrayView<int> sampleRows, ArrayView<int> ranks, ArrayView<int> ownRows, ArrayView<int> classOf,
        ArrayView<int> classStart,
        ArrayView<ulong> thresholds, ArrayView<ulong> borders, int sampleCount, int optionalFrom, int buckets)
    {
        // One group owns one query.
        ArrayView<ulong> keys = SharedMemory.Allocate<ulong>(Sorted);
        ArrayView<int> counts = SharedMemory.Allocate<int>(Digits);
        ArrayView<int> partial = SharedMemory.Allocate<int>(GroupBinSort.Partials);
        ArrayView<int> found = SharedMemory.Allocate<int>(4);
        int query = Grid.IdxX, rank = ranks[query];
        if (query >= optionalFrom && !HasCompany(ownRows[query], classOf, classStart))
            rank = int.MaxValue;
        var samples = new Samples(scores, sampleRows, (long)query * sampleCount, sampleCount);
        ulong threshold = rank < 0 ? Everything : rank >= sampleCount ? Nothing : KeyAt(rank, samples, counts, partial, found, keys);
        if (Group.IdxX == 0)
            thresholds[query] = threshold;
        if (buckets == 1)
            return;
        ArrayView<ulong> order = SharedMemory.Allocate<ulong>(Sorted);
        ArrayView<int> bins = SharedMemory.Allocate<int>(GroupBinSort.Bins);
        int count = TakeReaching(samples, threshold, rank, keys, found);
        GroupBinSort.Descending(keys, count, order, bins, partial);
        for (int bucket = Group.IdxX; bucket < buckets; bucket += Group.DimX)
            borders[(long)query * buckets + bucket] = count == 0 ? 0ul : order[(int)((long)bucket * count / buckets)];
    }

    private static bool HasCompany(int own, ArrayView<int> classOf, ArrayView<int> classStart)
    {
        if (own < 0)
            return false;
        int group = classOf[own];
        return classStart[group + 1] - classStart[group] > 1;
    }

    /// <summary>
    /// The key at a place of the descending order, a byte at a time from the top until one sample is left. All threads get it.
    /// </summary>
    private static ulong KeyAt(int place, Samples samples, ArrayView<int> counts, ArrayView<int> partial, ArrayView<int> found,
        ArrayView<ulong> key)
    {
        ulong prefix = 0;
        int shift = 64;
        do
        {
            shift -= DigitBits;
            counts[Group.IdxX] = 0;
            Group.Barrier();
            for (int s = Group.IdxX; s < samples.Count; s += Group.DimX)
            {
                ulong digitAndAbove = samples.Key(s) >> shift;
                if (digitAndAbove >> DigitBits == prefix)
                    Atomic.Add(ref counts[(int)(digitAndAbove & (Digits - 1))], 1);
            }

            Group.Barrier();
            int digit = Digits - 1 - Group.IdxX, own = counts[digit];
            int reaching = GroupScan.InclusiveSum(own, partial);
            if (reaching > place && reaching - own <= place)
            {
                found[0] = digit;
                found[1] = place - (reaching - own);
                found[2] = own;
            }

            Group.Barrier();
            prefix = prefix << DigitBits | (uint)found[0];
            place = found[1];
        }
        while (found[2] > 1 && shift > 0);

        Group.Barrier();
        for (int s = Group.IdxX; s < samples.Count; s += Group.DimX)
        {
            if (samples.Key(s) >> shift == prefix)
                key[0] = samples.Key(s);
        }

        Group.Barrier();
        return key[0];
    }

    /// <summary>Sampled keys that reach the threshold, all or evenly chosen ones, in any order; how many.</summary>
    private static int TakeReaching(Samples samples, ulong threshold, int rank, ArrayView<ulong> keys, ArrayView<int> found)
    {
        int reaching = rank < 0 ? samples.Count : rank >= samples.Count ? 0 : rank + 1;
        int step = reaching <= Sorted ? 1 : (2 * reaching + Sorted - 1) / Sorted;
        Group.Barrier();  // all have read the key
        if (Group.IdxX == 0)
            found[3] = 0;
        Group.Barrier();
        for (int s = Group.IdxX * step; s < samples.Count; s += Group.DimX * step)
        {
            ulong key = samples.Key(s);
            if (key < threshold)
                continue;
            int at = Atomic.Add(ref found[3], 1);
            if (at < Sorted)
                keys[at] = key;
        }

        Group.Barrier();
        return IntrinsicMath.Min(found[3], Sorted);
    }

    /// <summary>One query's sampled keys.</summary>
    private readonly struct Samples(ArrayView<float> scores, ArrayView<int> rows, long first, int count)
    {
        public int Count => count;

        public ulong Key(int s) => DeviceMath.RankedKey(scores[first + s], rows[s]);
    }
}
