using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The kernels that take the rows at drawn ranks out of dealt lists, against plain sorting.</summary>
[Collection("device")]
public sealed class SemiHardNegativesTests(TestDevice device)
{
    /// <summary>How the scores of a list lie.</summary>
    public enum Scores
    {
        /// <summary>Evenly.</summary>
        Even,

        /// <summary>All the same: rows alone tell keys apart.</summary>
        Equal,

        /// <summary>Two values and a few far off: bins of a bucket that holds both are crowded.</summary>
        Crowded,

        /// <summary>As cosines of random vectors lie.</summary>
        Normal,
    }

    /// <summary>One bucket and many; borders by the scores, which part them evenly, and borders that leave nearly all to one bucket, in
    /// shared memory and beyond it; lists of one key; as many buckets as there may be, most of them empty.</summary>
    [Theory]
    [InlineData(Scores.Even, 4000, 6, false)]
    [InlineData(Scores.Even, 2500, 1, false)]
    [InlineData(Scores.Even, 3001, 1, false)]
    [InlineData(Scores.Equal, 3000, 4, false)]
    [InlineData(Scores.Crowded, 3000, 5, false)]
    [InlineData(Scores.Normal, 5003, 7, false)]
    [InlineData(Scores.Normal, 2000, 5, true)]
    [InlineData(Scores.Normal, 4000, 5, true)]
    [InlineData(Scores.Even, 1, 2, false)]
    [InlineData(Scores.Normal, 9000, 1024, false)]
    public void Rows_at_drawn_ranks_are_those_of_the_order_without_S_and_F(Scores scores, int length, int buckets, bool mislead)
    {
        var lists = new Lists(scores, length, buckets, mislead);
        // Every rank from a place on, beyond the list too; single ones at both ends; none.
        foreach (int[] ranks in (int[][])
            [
                [.. Enumerable.Range(Math.Max(0, length - 40), 50)],
                [.. ((int[])[0, 1, length / 3, length / 2, length - 1]).Distinct().Order()],
                [],
                [.. Enumerable.Range(0, 90)],
            ])
            AssertTaken(lists, ranks);
    }

    [Fact]
    public void A_list_whose_every_row_is_left_out_gives_none() =>
        AssertTaken(new Lists(Scores.Even, 300, 3, false) { ExcludesAll = true }, [0, 1, 2, 299]);

    private void AssertTaken(Lists lists, int[] ranks)
    {
        const int batch = Lists.Batch;
        int capacity = lists.Capacity, buckets = lists.Buckets;
        using DeviceArray<ulong> keys = Upload(lists.Keys), borders = Upload(lists.Borders);
        using DeviceArray<int> counts = Upload(lists.Lengths), starts = Upload(lists.Starts), drawn = Upload(ranks),
            spatial = Upload(lists.Spatial), spatialCounts = Upload(lists.SpatialCounts), feature = Upload(lists.Feature),
            featureCounts = Upload(lists.FeatureCounts), excluded = Empty<int>(batch * (lists.MostSpatial + lists.MostFeature)),
            filters = Empty<int>(batch * SemiHardNegatives.FilterWords), dropped = Empty<int>(batch * buckets),
            firstRanks = Empty<int>(batch * (buckets + 1)), firstDrawn = Empty<int>(batch * (buckets + 1)), taken = Empty<int>(batch),
            rows = Empty<int>(batch * 100);
        Launch("ExcludeRows", new LaunchGrid(batch), a =>
        {
            a.View(spatial);
            a.View(spatialCounts);
            a.View(feature);
            a.View(featureCounts);
            a.View(excluded);
            a.View(filters);
            a.View(dropped);
            a.Int32(lists.MostSpatial);
            a.Int32(lists.MostFeature);
            a.Int32(buckets);
            return a;
        });
        Launch("DropExcluded", new LaunchGrid(batch, (uint)(capacity + CandidateBuckets.SliceKeys - 1) / CandidateBuckets.SliceKeys), a =>
        {
            a.View(keys);
            a.View(counts);
            a.View(starts);
            a.View(spatialCounts);
            a.View(featureCounts);
            a.View(excluded);
            a.View(filters);
            a.View(dropped);
            a.Int32(capacity);
            a.Int32(lists.MostSpatial);
            a.Int32(lists.MostFeature);
            a.Int32(buckets);
            return a;
        });
        Launch("CutRanks", new LaunchGrid(batch), a =>
        {
            a.View(counts);
            a.View(starts);
            a.View(dropped);
            a.View(drawn.AddressOf(0), ranks.Length);
            a.View(firstRanks);
            a.View(firstDrawn);
            a.View(taken);
            a.Int32(capacity);
            a.Int32(buckets);
            a.Int32(ranks.Length);
            return a;
        });
        Launch("TakeNegatives", new LaunchGrid((uint)(batch * buckets)), a =>
        {
            a.View(keys);
            a.View(counts);
            a.View(starts);
            a.View(borders);
            a.View(firstRanks);
            a.View(firstDrawn);
            a.View(drawn.AddressOf(0), ranks.Length);
            a.View(rows);
            a.Int32(capacity);
            a.Int32(buckets);
            a.Int32(100);
            return a;
        });
        int[] reached = Read(taken, batch);
        for (int b = 0; b < batch; b++)
        {
            ulong[] order = [.. lists.OrderWithoutExcluded(b)];
            ulong[] expected = [.. ranks.Where(rank => rank < order.Length).Select(rank => order[rank])];
            Assert.Equal(expected.Length, reached[b]);
            if (expected.Length == 0)
                continue;
            Assert.Equal(expected.Select(DeviceMath.RowOf), ReadAt(rows, b * 100, expected.Length));
        }
    }

    /// <summary>Three anchors: a whole list with rows in S, in F, in both and in neither list; an empty list; one that leaves out
    /// nothing.</summary>
    private sealed class Lists
    {
        public const int Batch = 3;

        private readonly ulong[][] _keys;

        public Lists(Scores scores, int length, int buckets, bool mislead)
        {
            var random = new Random(length + buckets);
            (Capacity, Buckets) = (length + 3, buckets);
            _keys = [KeysOf(scores, length, random), [], KeysOf(scores, Math.Max(1, length / 2), random)];
            Lengths = [.. _keys.Select(list => list.Length)];
            (Keys, Borders, Starts) = (new ulong[Batch * Capacity], new ulong[Batch * buckets], new int[Batch * (buckets + 1)]);
            for (int b = 0; b < Batch; b++)
                Deal(b, mislead);
            int[] own = [.. _keys[0].Select(DeviceMath.RowOf)];
            MostSpatial = 7;
            Spatial = [own[0], own[^1], own[own.Length / 2], 999_999, 5, 6, 7, .. new int[2 * MostSpatial]];
            Feature = [.. own.Where((_, i) => i % 9 == 1).Append(own[0]).Order()];
            MostFeature = Feature.Length;
            Feature = [.. Feature, .. new int[2 * MostFeature]];
        }

        public int Capacity { get; }

        public int Buckets { get; }

        public ulong[] Keys { get; }

        public int[] Lengths { get; }

        public ulong[] Borders { get; }

        public int[] Starts { get; }

        public int MostSpatial { get; }

        public int MostFeature { get; private set; }

        public int[] Spatial { get; }

        public int[] Feature { get; private set; }

        public int[] SpatialCounts { get; } = [4, 3, 0];

        public int[] FeatureCounts => [MostFeature, 0, 0];

        public bool ExcludesAll
        {
            init
            {
                Feature = [.. _keys[0].Select(DeviceMath.RowOf).Order()];
                MostFeature = Feature.Length;
                Feature = [.. Feature, .. new int[2 * MostFeature]];
            }
        }

        public IEnumerable<ulong> OrderWithoutExcluded(int b)
        {
            HashSet<int> excluded =
                [.. Spatial.AsSpan(b * MostSpatial, SpatialCounts[b]), .. Feature.AsSpan(b * MostFeature, FeatureCounts[b])];
            return _keys[b].Where(key => !excluded.Contains(DeviceMath.RowOf(key))).OrderDescending();
        }

        private static ulong[] KeysOf(Scores scores, int length, Random random)
        {
            int[] rows = [.. Enumerable.Range(0, 3 * length)];
            random.Shuffle(rows);
            return [.. rows.Take(length).Select(row => DeviceMath.RankedKey(scores switch
            {
                Scores.Even => (float)random.NextDouble(),
                Scores.Equal => 0.25f,
                Scores.Crowded => row % 97 == 0 ? (float)random.NextDouble() : row % 2 == 0 ? 0.5f : 0.25f,
                _ => (float)(0.1 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble())),
            }, row))];
        }

        // Into the buckets that the borders make of the list, each in the order it comes.
        private void Deal(int b, bool mislead)
        {
            ulong[] order = [.. _keys[b].OrderDescending()];
            Span<ulong> borders = Borders.AsSpan(b * Buckets, Buckets);
            for (int bucket = 0; bucket < Buckets && order.Length > 0; bucket++)
                borders[bucket] = order[mislead ? Math.Min(3 * bucket, order.Length - 1) : (int)((long)bucket * order.Length / Buckets)];
            ulong[] cuts = borders.ToArray();
            int at = 0;
            ILookup<int, ulong> dealt = _keys[b].ToLookup(key => cuts.Skip(1).Count(cut => cut > key));
            for (int bucket = 0; bucket < Buckets; bucket++)
            {
                Starts[b * (Buckets + 1) + bucket] = at;
                foreach (ulong key in dealt[bucket])
                    Keys[b * Capacity + at++] = key;
            }

            Starts[b * (Buckets + 1) + Buckets] = at;
        }
    }

    private delegate KernelArguments Fill(KernelArguments arguments);

    private void Launch(string kernel, LaunchGrid grid, Fill fill)
    {
        KernelArguments arguments = fill(new KernelArguments());
        device.EnqueueLaunch(kernel, grid, ref arguments);
    }

    private DeviceArray<T> Upload<T>(T[] values) where T : unmanaged
    {
        DeviceArray<T> array = Empty<T>(Math.Max(1, values.Length));
        if (values.Length > 0)
            array.Upload(values);
        return array;
    }

    private DeviceArray<T> Empty<T>(int length) where T : unmanaged => new DeviceArray<T>(device).EnsureLength(length);

    private static T[] Read<T>(DeviceArray<T> array, int length) where T : unmanaged => ReadAt(array, 0, length);

    private static T[] ReadAt<T>(DeviceArray<T> array, int first, int length) where T : unmanaged
    {
        var values = new T[length];
        array.ReadBack(values, first);
        return values;
    }
}
