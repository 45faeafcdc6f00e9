using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Q_i: the rows at the drawn ranks of the anchor's descending order without {i} ∪ S_i ∪ F_i. The lists, dealt into buckets, hold the
/// excluded rows too: they are dropped first, so that a rank is a place among the keys that are left and lies in one bucket. A bucket is
/// never sorted: its keys are counted into bins, and only those of bins that a rank falls into are put in order.
/// </summary>
public static class SemiHardNegatives
{
    /// <summary>Threads of <see cref="ExcludeRows"/>: F may have thousands of rows to sort.</summary>
    public const int ExcludeGroupSize = 1024;

    /// <summary>Words of the filter of excluded rows: a bit for each row modulo 65,536.</summary>
    public const int FilterWords = 2048;

    /// <summary>Keys of one bin that are compared with each other; where a rank falls into a larger one, the bucket is sorted.</summary>
    private const int MostInBin = 16;

    private const int BinBits = 10, Bins = 1 << BinBits, BinsAThread = Bins / DeviceMath.GroupSize;

    private const int Partials = 33, Flag = Partials - 1;

    /// <summary>
    /// excluded [B, spatialCapacity + featureCapacity] ← S ∪ F by ascending row, twice what is in both; filters [B, words] ← their bits.
    /// dropped [B, buckets] ← 0. Grid: B.
    /// </summary>
    public static void ExcludeRows(
        ArrayView<int> spatialRows, ArrayView<int> spatialCounts, ArrayView<int> featureRows, ArrayView<int> featureCounts,
        ArrayView<int> excluded, ArrayView<int> filters, ArrayView<int> dropped, int spatialCapacity, int featureCapacity, int buckets)
    {
        // One group owns one anchor; a thread owns excluded rows.
        ArrayView<int> filter = SharedMemory.Allocate<int>(FilterWords);
        int b = Grid.IdxX;
        int spatial = IntrinsicMath.Min(spatialCounts[b], spatialCapacity), feature = IntrinsicMath.Min(featureCounts[b], featureCapacity);
        long first = (long)b * (spatialCapacity + featureCapacity);
        for (int word = Group.IdxX; word < FilterWords; word += Group.DimX)
            filter[word] = 0;
        for (int bucket = Group.IdxX; bucket < buckets; bucket += Group.DimX)
            dropped[(long)b * buckets + bucket] = 0;
        Group.Barrier();
        for (int e = Group.IdxX; e < spatial + feature; e += Group.DimX)
        {
            int row = e < spatial ? spatialRows[(long)b * spatialCapacity + e] : featureRows[(long)b * featureCapacity + e - spatial];
            excluded[first + e] = row;
            Atomic.Or(ref filter[row / 32 % FilterWords], 1 << row % 32);
        }

        Group.Barrier();
        for (int word = Group.IdxX; word < FilterWords; word += Group.DimX)
            filters[(long)b * FilterWords + word] = filter[word];
        GroupSort.Ascending(excluded, first, spatial + feature);
    }

    /// <summary>
    /// The keys of excluded rows become 0, below every other; dropped [B, buckets] += how many of each bucket are. One walk over the lists,
    /// whatever scored them. Grid: (B, slices of <see cref="CandidateBuckets.SliceKeys"/>).
    /// </summary>
    /// <param name="keys">[≥ B, candidateCapacity] the anchors' candidates in buckets, own rows left out.</param>
    public static void DropExcluded(
        ArrayView<ulong> keys, ArrayView<int> candidateCounts, ArrayView<int> starts,
        ArrayView<int> spatialCounts, ArrayView<int> featureCounts, ArrayView<int> excluded, ArrayView<int> filters, ArrayView<int> dropped,
        int candidateCapacity, int spatialCapacity, int featureCapacity, int buckets)
    {
        // One group owns one slice of one anchor's list; a thread owns keys.
        ArrayView<int> filter = SharedMemory.Allocate<int>(FilterWords);
        var lists = new BucketedLists(candidateCounts, starts, candidateCapacity, buckets);
        int b = Grid.IdxX, begin = Grid.IdxY * CandidateBuckets.SliceKeys;
        int end = IntrinsicMath.Min(begin + CandidateBuckets.SliceKeys, lists.Length(b));
        int rows = IntrinsicMath.Min(spatialCounts[b], spatialCapacity) + IntrinsicMath.Min(featureCounts[b], featureCapacity);
        if (begin >= end || rows == 0)
            return;
        for (int word = Group.IdxX; word < FilterWords; word += Group.DimX)
            filter[word] = filters[(long)b * FilterWords + word];
        Group.Barrier();
        long list = (long)b * candidateCapacity, first = (long)b * (spatialCapacity + featureCapacity);
        for (int i = begin + Group.IdxX; i < end; i += Group.DimX)
        {
            int row = DeviceMath.RowOf(keys[list + i]);
            if ((filter[row / 32 % FilterWords] >> row % 32 & 1) == 0 || !Holds(excluded, first, rows, row))
                continue;
            keys[list + i] = 0ul;
            Atomic.Add(ref dropped[(long)b * buckets + lists.BucketAt(b, i)], 1);
        }
    }

    /// <summary>
    /// Of each bucket: firstRanks [B, buckets + 1] ← the rank of its largest key among those that are left, and firstDrawn ← the first of
    /// the drawn ranks that is not below it. counts[b] ← the drawn ranks that the list reaches, which are the first, as ranks ascend.
    /// Grid: B.
    /// </summary>
    /// <param name="ranks">[rankCount] ascending, one draw for the batch.</param>
    public static void CutRanks(
        ArrayView<int> candidateCounts, ArrayView<int> starts, ArrayView<int> dropped, ArrayView<int> ranks,
        ArrayView<int> firstRanks, ArrayView<int> firstDrawn, ArrayView<int> counts, int candidateCapacity, int buckets, int rankCount)
    {
        // One group owns one anchor; a thread a run of buckets.
        ArrayView<int> partial = SharedMemory.Allocate<int>(32);
        var lists = new BucketedLists(candidateCounts, starts, candidateCapacity, buckets);
        int b = Grid.IdxX, each = (buckets + Group.DimX - 1) / Group.DimX, own = Group.IdxX * each,
            ownEnd = IntrinsicMath.Min(own + each, buckets), sum = 0;
        for (int bucket = own; bucket < ownEnd; bucket++)
            sum += dropped[(long)b * buckets + bucket];
        int upTo = GroupScan.InclusiveSum(sum, partial), before = upTo - sum;
        long line = (long)b * (buckets + 1);
        for (int bucket = own; bucket < ownEnd; bucket++)
        {
            int rank = lists.Start(b, bucket) - before;
            firstRanks[line + bucket] = rank;
            firstDrawn[line + bucket] = LowerBound(ranks, 0, rankCount, rank);
            before += dropped[(long)b * buckets + bucket];
        }

        if (Group.IdxX != Group.DimX - 1)
            return;
        int left = lists.Length(b) - upTo, reached = LowerBound(ranks, 0, rankCount, left);
        firstRanks[line + buckets] = left;
        firstDrawn[line + buckets] = reached;
        counts[b] = reached;
    }

    /// <summary>rows [B, capacity] ← those at the drawn ranks that the bucket holds. Grid: B·buckets.</summary>
    /// <param name="keys">[≥ B, candidateCapacity] as <see cref="DropExcluded"/> leaves them; a bucket may be put in order.</param>
    /// <param name="borders">[≥ B, buckets] as the lists were dealt by.</param>
    public static void TakeNegatives(
        ArrayView<ulong> keys, ArrayView<int> candidateCounts, ArrayView<int> starts, ArrayView<ulong> borders, ArrayView<int> firstRanks,
        ArrayView<int> firstDrawn, ArrayView<int> ranks, ArrayView<int> rows, int candidateCapacity, int buckets, int capacity)
    {
        // One group owns one bucket of one anchor; threads own keys, bins or ranks.
        ArrayView<ulong> placed = SharedMemory.Allocate<ulong>(CandidateBuckets.StagedKeys);
        ArrayView<int> bins = SharedMemory.Allocate<int>(Bins);
        ArrayView<int> wanted = SharedMemory.Allocate<int>(Bins / 32);
        ArrayView<int> partial = SharedMemory.Allocate<int>(Partials);
        int b = Grid.IdxX / buckets, bucket = Grid.IdxX % buckets;
        long cut = (long)b * (buckets + 1) + bucket;
        int from = firstDrawn[cut], to = firstDrawn[cut + 1], firstRank = firstRanks[cut], left = firstRanks[cut + 1] - firstRank;
        if (from == to)
            return;
        var lists = new BucketedLists(candidateCounts, starts, candidateCapacity, buckets);
        int start = lists.Start(b, bucket), count = lists.Start(b, bucket + 1) - start;
        long first = (long)b * candidateCapacity + start, taken = (long)b * capacity;
        if (count <= CandidateBuckets.StagedKeys)
        {
            for (int bin = Group.IdxX; bin < Bins; bin += Group.DimX)
                bins[bin] = 0;
            for (int word = Group.IdxX; word < Bins / 32; word += Group.DimX)
                wanted[word] = 0;
            if (Group.IdxX == 0)
                partial[Flag] = 0;
            var map = BinMap.Of(keys, first, count, borders, (long)b * buckets, bucket, buckets, placed);
            for (int i = Group.IdxX; i < count; i += Group.DimX)
            {
                ulong key = keys[first + i];
                if (key != 0)
                    Atomic.Add(ref bins[map.BinOf(key)], 1);
            }

            Group.Barrier();
            Begin(bins, partial);
            for (int r = from + Group.IdxX; r < to; r += Group.DimX)
            {
                int bin = BinAt(bins, ranks[r] - firstRank), end = left;
                if (bin + 1 < Bins)
                    end = StartOf(bins[bin + 1]);
                Atomic.Or(ref wanted[bin / 32], 1 << bin % 32);
                if (end - StartOf(bins[bin]) > MostInBin)
                    Atomic.Or(ref partial[Flag], 1);
            }

            Group.Barrier();
            if (partial[Flag] == 0)
            {
                Place(keys, first, count, map, wanted, bins, placed);
                for (int r = from + Group.IdxX; r < to; r += Group.DimX)
                {
                    int place = ranks[r] - firstRank, filled = bins[BinAt(bins, place)];
                    rows[taken + r] = DeviceMath.RowOf(KeyAt(placed, StartOf(filled), filled & 0xFFFF, place));
                }

                return;
            }
        }

        GroupSort.Descending(keys, first, count);
        for (int r = from + Group.IdxX; r < to; r += Group.DimX)
            rows[taken + r] = DeviceMath.RowOf(keys[first + ranks[r] - firstRank]);
    }

    /// <summary>Sizes of bins become their beginnings, in the upper half of a word whose lower half counts the keys that are
    /// placed.</summary>
    private static void Begin(ArrayView<int> bins, ArrayView<int> partial)
    {
        int first = Group.IdxX * BinsAThread;
        int a = bins[first], b = bins[first + 1], c = bins[first + 2], d = bins[first + 3];
        int start = GroupScan.InclusiveSum(a + b + c + d, partial) - (a + b + c + d);
        bins[first] = start << 16;
        bins[first + 1] = start + a << 16;
        bins[first + 2] = start + a + b << 16;
        bins[first + 3] = start + a + b + c << 16;
        Group.Barrier();
    }

    private static int StartOf(int bin) => bin >> 16;

    /// <summary>The bin of the key at a place: the last that begins there or before; empty ones begin where the next does.</summary>
    private static int BinAt(ArrayView<int> bins, int place)
    {
        int bin = 0;
        for (int step = Bins / 2; step > 0; step /= 2)
            bin += StartOf(bins[bin + step]) <= place ? step : 0;
        return bin;
    }

    /// <summary>Puts the keys of wanted bins where those begin, in any order.</summary>
    private static void Place(
        ArrayView<ulong> keys, long first, int count, BinMap map, ArrayView<int> wanted, ArrayView<int> bins, ArrayView<ulong> placed)
    {
        for (int i = Group.IdxX; i < count; i += Group.DimX)
        {
            ulong key = keys[first + i];
            if (key == 0)
                continue;
            int bin = map.BinOf(key);
            if ((wanted[bin / 32] >> bin % 32 & 1) == 0)
                continue;
            int begun = Atomic.Add(ref bins[bin], 1);
            placed[StartOf(begun) + (begun & 0xFFFF)] = key;
        }

        Group.Barrier();
    }

    /// <summary>The key of a bin with as many larger ones before it as the place says.</summary>
    private static ulong KeyAt(ArrayView<ulong> placed, int start, int count, int place)
    {
        ulong found = 0ul;
        for (int i = start; i < start + count; i++)
        {
            ulong key = placed[i];
            int at = start;
            for (int other = start; other < start + count; other++)
                at += placed[other] > key ? 1 : 0;
            found = at == place ? key : found;
        }

        return found;
    }

    private static bool Holds(ArrayView<int> ascending, long first, int count, int number)
    {
        int at = LowerBound(ascending, first, count, number);
        return at < count && ascending[first + at] == number;
    }

    /// <summary>How many of the numbers from the first on are smaller.</summary>
    private static int LowerBound(ArrayView<int> ascending, long first, int count, int number)
    {
        int low = 0, high = count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (ascending[first + middle] < number)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>Bins of equal width between the largest key that a bucket may have and the smallest; the largest keys' is bin 0.</summary>
    private readonly struct BinMap(ulong largest, int shift)
    {
        /// <summary>By the borders, or for the first and the last bucket, which have one on one side only, by the keys.</summary>
        /// <param name="partial">Shared memory for one key a thread; ready for use, as all of the group's words are, on return.</param>
        public static BinMap Of(
            ArrayView<ulong> keys, long first, int count, ArrayView<ulong> borders, long line, int bucket, int buckets,
            ArrayView<ulong> partial)
        {
            ulong largest, smallest;
            if (bucket == 0 || bucket == buckets - 1)
            {
                ulong most = 0ul, least = 0ul; // of their complements
                for (int i = Group.IdxX; i < count; i += Group.DimX)
                {
                    ulong key = keys[first + i];
                    most = IntrinsicMath.Max(most, key);
                    least = IntrinsicMath.Max(least, key == 0 ? 0ul : ~key);
                }

                largest = GroupReduce.Max(most, partial);
                smallest = ~GroupReduce.Max(least, partial);
            }
            else
            {
                largest = borders[line + bucket];
                smallest = borders[line + bucket + 1];
            }

            Group.Barrier();
            return new BinMap(
                largest, IntrinsicMath.Max(0, 64 - BinBits - IntrinsicMath.BitOperations.LeadingZeroCount(largest - smallest)));
        }

        public int BinOf(ulong key) => (int)((largest - key) >> shift);
    }
}
