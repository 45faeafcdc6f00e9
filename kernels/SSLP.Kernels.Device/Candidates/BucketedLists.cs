using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>Where the buckets of each query's list begin and end, as <see cref="CandidateBuckets"/> deals them.</summary>
/// <param name="counts">[Q] candidates, those without room too.</param>
/// <param name="starts">[Q, buckets + 1]; not read where there is one bucket, which is the list.</param>
internal readonly struct BucketedLists(ArrayView<int> counts, ArrayView<int> starts, int capacity, int buckets)
{
    public int Length(int query) => IntrinsicMath.Min(counts[query], capacity);

    /// <summary>The bucket's first place in the list, up to the list's end for the bucket that would follow the last.</summary>
    public int Start(int query, int bucket)
    {
        int start = 0, length = Length(query);
        if (bucket == buckets)
            start = length;
        else if (bucket > 0 && length > 0)
            start = starts[(long)query * (buckets + 1) + bucket];
        return start;
    }

    /// <summary>The bucket that a place of the list lies in.</summary>
    public int BucketAt(int query, int place)
    {
        int low = 0, high = buckets - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Start(query, middle) <= place)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}
