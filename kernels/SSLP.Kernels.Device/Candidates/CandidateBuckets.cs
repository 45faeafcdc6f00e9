using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Candidates in order: each query's list is dealt into buckets of neighbouring keys by the borders that its sample gave. Within a bucket
/// they lie in any order, until a group sorts it in shared memory: all of them where a list is asked for, one where only the first keys are
/// wanted, as a set. Keys are unique and the order is total: deterministic, though buckets are filled in any order.
/// </summary>
public static class CandidateBuckets
{
    /// <summary>Most buckets of a query.</summary>
    public const int MaxBuckets = 1024;

    /// <summary>Keys of a list that a group deals out.</summary>
    public const int SliceKeys = 8192;

    /// <summary>
    /// Keys of a bucket that are put in order in shared memory; a longer one, which a sample that misleads may make, is sorted where it
    /// lies.
    /// </summary>
    public const int StagedKeys = 2560;

    /// <summary>bucketCounts [Q, buckets] += the keys of each bucket; they must begin as 0. Grid: (Q, slices).</summary>
    public static void CountBuckets(
        ArrayView<ulong> keys, ArrayView<int> counts, ArrayView<ulong> borders, ArrayView<int> bucketCounts, int capacity, int buckets)
    {
        // A group owns one slice of one list.
        ArrayView<ulong> staged = SharedMemory.Allocate<ulong>(MaxBuckets);
        ArrayView<int> sizes = SharedMemory.Allocate<int>(MaxBuckets);
        int query = Grid.IdxX, first = Grid.IdxY * SliceKeys;
        int end = IntrinsicMath.Min(first + SliceKeys, IntrinsicMath.Min(counts[query], capacity));
        if (first >= end)
            return;
        long list = (long)query * capacity, line = (long)query * buckets;
        Begin(borders, line, staged, sizes, buckets);
        Count(keys, list + first, end - first, staged, sizes, buckets);
        for (int bucket = Group.IdxX; bucket < buckets; bucket += Group.DimX)
        {
            if (sizes[bucket] > 0)
                Atomic.Add(ref bucketCounts[line + bucket], sizes[bucket]);
        }
    }

    /// <summary>
    /// dealt [Q, capacity] ← the keys, a bucket after the other; starts [Q, buckets + 1] ← where each begins. cursors [Q, buckets] must
    /// begin as 0.
    /// Grid: (Q, slices).
    /// </summary>
    public static void DealBuckets(
        ArrayView<ulong> keys, ArrayView<int> counts, ArrayView<ulong> borders, ArrayView<int> bucketCounts, ArrayView<int> cursors,
        ArrayView<int> starts, ArrayView<ulong> dealt, int capacity, int buckets)
    {
        // A group owns one slice of one list; a thread a run of buckets, then keys.
        ArrayView<ulong> staged = SharedMemory.Allocate<ulong>(MaxBuckets);
        ArrayView<int> sizes = SharedMemory.Allocate<int>(MaxBuckets);
        ArrayView<int> places = SharedMemory.Allocate<int>(MaxBuckets);
        ArrayView<int> partial = SharedMemory.Allocate<int>(32);
        int query = Grid.IdxX, first = Grid.IdxY * SliceKeys, count = IntrinsicMath.Min(counts[query], capacity);
        int end = IntrinsicMath.Min(first + SliceKeys, count);
        if (first >= end && first > 0)
            return;
        long list = (long)query * capacity, line = (long)query * buckets, startLine = (long)query * (buckets + 1);
        Begin(borders, line, staged, sizes, buckets);
        Count(keys, list + first, end - first, staged, sizes, buckets);

        int each = (buckets + Group.DimX - 1) / Group.DimX, own = Group.IdxX * each,
            ownEnd = IntrinsicMath.Min(own + each, buckets), sum = 0;
        for (int bucket = own; bucket < ownEnd; bucket++)
            sum += bucketCounts[line + bucket];
        int start = GroupScan.InclusiveSum(sum, partial) - sum;
        for (int bucket = own; bucket < ownEnd; bucket++)
        {
            if (first == 0)
                starts[startLine + bucket] = start;
            places[bucket] = start + (sizes[bucket] > 0 ? Atomic.Add(ref cursors[line + bucket], sizes[bucket]) : 0);
            start += bucketCounts[line + bucket];
        }

        if (first == 0 && Group.IdxX == 0)
            starts[startLine + buckets] = count;
        Group.Barrier();
        for (int i = first + Group.IdxX; i < end; i += Group.DimX)
        {
            ulong key = keys[list + i];
            dealt[list + Atomic.Add(ref places[BucketOf(key, staged, buckets)], 1)] = key;
        }
    }

    /// <summary>Sorts each bucket, descending. Grid: Q·buckets.</summary>
    /// <param name="starts">As <see cref="DealBuckets"/> leaves them; not read where there is one bucket, which is the list.</param>
    public static void SortBuckets(ArrayView<ulong> keys, ArrayView<int> counts, ArrayView<int> starts, int capacity, int buckets)
    {
        // A group owns one bucket.
        var lists = new BucketedLists(counts, starts, capacity, buckets);
        int query = Grid.IdxX / buckets, bucket = Grid.IdxX % buckets, start = lists.Start(query, bucket);
        Sort(keys, (long)query * capacity + start, lists.Start(query, bucket + 1) - start);
    }

    /// <summary>
    /// Sorts the bucket that a list's first <paramref name="place"/> keys end in, where they do not fill it: they are the list's largest
    /// then, in whatever order. Grid: Q.
    /// </summary>
    /// <param name="starts">As <see cref="DealBuckets"/> leaves them; not read where there is one bucket, which is the list.</param>
    public static void SortCutBuckets(
        ArrayView<ulong> keys, ArrayView<int> counts, ArrayView<int> starts, int capacity, int buckets, int place)
    {
        // A group owns one list.
        var lists = new BucketedLists(counts, starts, capacity, buckets);
        int query = Grid.IdxX;
        if (place >= lists.Length(query))
            return;
        int bucket = lists.BucketAt(query, place), start = lists.Start(query, bucket);
        if (start < place)
            Sort(keys, (long)query * capacity + start, lists.Start(query, bucket + 1) - start);
    }

    private static void Sort(ArrayView<ulong> keys, long first, int count)
    {
        ArrayView<ulong> staged = SharedMemory.Allocate<ulong>(StagedKeys);
        ArrayView<ulong> sorted = SharedMemory.Allocate<ulong>(StagedKeys);
        ArrayView<int> bins = SharedMemory.Allocate<int>(GroupBinSort.Bins);
        ArrayView<int> partial = SharedMemory.Allocate<int>(GroupBinSort.Partials);
        if (count < 2)
            return;
        if (count > StagedKeys)
        {
            GroupSort.Descending(keys, first, count);
            return;
        }

        for (int i = Group.IdxX; i < count; i += Group.DimX)
            staged[i] = keys[first + i];
        Group.Barrier();
        GroupBinSort.Descending(staged, count, sorted, bins, partial);
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            keys[first + i] = sorted[i];
    }

    private static void Begin(ArrayView<ulong> borders, long line, ArrayView<ulong> staged, ArrayView<int> sizes, int buckets)
    {
        for (int bucket = Group.IdxX; bucket < buckets; bucket += Group.DimX)
        {
            staged[bucket] = borders[line + bucket];
            sizes[bucket] = 0;
        }

        Group.Barrier();
    }

    private static void Count(ArrayView<ulong> keys, long first, int count, ArrayView<ulong> staged, ArrayView<int> sizes, int buckets)
    {
        for (int i = Group.IdxX; i < count; i += Group.DimX)
            Atomic.Add(ref sizes[BucketOf(keys[first + i], staged, buckets)], 1);
        Group.Barrier();
    }

    /// <summary>How many of the borders from the second on lie above the key.</summary>
    private static int BucketOf(ulong key, ArrayView<ulong> borders, int buckets)
    {
        int low = 1, high = buckets;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (borders[middle] > key)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }
}
