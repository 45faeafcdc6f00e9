using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The steps from scores to sorted candidates, each against plain sorting, on lengths, ties and samples that mislead.</summary>
[Collection("device")]
public sealed unsafe class CandidateListTests(TestDevice device)
{
    private const int Width = 4, Stride = 16;

    /// <summary>Lengths around powers of two; up to 2560 in shared memory, beyond where the list lies.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(33)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(1000)]
    [InlineData(2560)]
    [InlineData(2561)]
    [InlineData(5003)]
    public void A_list_of_any_length_comes_out_descending(int length)
    {
        var random = new Random(length);
        AssertSorted([.. Enumerable.Range(0, length).Select(_ => (ulong)random.NextInt64())]);
    }

    /// <summary>
    /// Keys that lie too close for bins to part them: a crowd beside one far off; neighbours; the two ends of all numbers.
    /// </summary>
    [Fact]
    public void Keys_that_crowd_one_bin_come_out_descending()
    {
        AssertSorted([.. Enumerable.Range(0, 700).Select(i => (ulong)(i * 7919 % 701)), ulong.MaxValue]);
        AssertSorted([.. Enumerable.Range(0, 1500).Select(i => (1ul << 63) + (ulong)(i * 7 % 1511))]);
        AssertSorted([0, ulong.MaxValue]);
    }

    /// <summary>
    /// Places inside of a bucket, at a bucket's edge, at both ends of the list and beyond it; a bucket that does not fit in shared memory.
    /// </summary>
    [Theory]
    [InlineData(new[] { 100, 0, 700, 50 }, 400)]
    [InlineData(new[] { 100, 0, 700, 50 }, 100)]
    [InlineData(new[] { 100, 0, 700, 50 }, 849)]
    [InlineData(new[] { 100, 0, 700, 50 }, 850)]
    [InlineData(new[] { 100, 0, 700, 50 }, 0)]
    [InlineData(new[] { 30, 3000 }, 1234)]
    [InlineData(new[] { 555 }, 17)]
    [InlineData(new[] { 0 }, 3)]
    public void A_cut_makes_the_first_keys_the_largest_and_sorts_no_other_bucket(int[] sizes, int place)
    {
        int length = sizes.Sum(), buckets = sizes.Length;
        ulong[] order = [.. Enumerable.Range(0, length).Select(i => (ulong)(7 * i + 1)).OrderDescending()], list = [.. order];
        int[] bounds = [0, .. sizes.Select((_, bucket) => sizes.Take(bucket + 1).Sum())];
        for (int bucket = 0; bucket < buckets; bucket++)
            new Random(bucket).Shuffle(list.AsSpan(bounds[bucket], sizes[bucket]));
        using DeviceArray<ulong> keys = Upload<ulong>([.. list, 7]);
        using DeviceArray<int> counts = Upload([length]), starts = Upload(bounds);
        Launch("SortCutBuckets", new LaunchGrid(1),
            a => { a.View(keys); a.View(counts); a.View(starts); a.Int32(length + 1); a.Int32(buckets); a.Int32(place); return a; });
        ulong[] found = Read(keys, length + 1);
        Assert.Equal(order.Take(place).Order(), found.Take(Math.Min(place, length)).Order());
        for (int bucket = 0; bucket < buckets; bucket++)
        {
            bool isCut = bounds[bucket] < place && place < bounds[bucket + 1];
            Assert.Equal((isCut ? order : list).AsSpan(bounds[bucket], sizes[bucket]), found.AsSpan(bounds[bucket], sizes[bucket]));
        }

        Assert.Equal(7ul, found[length]);
    }

    private void AssertSorted(ulong[] list)
    {
        int length = list.Length;
        ulong[] values = [.. list, 7, 9];  // what lies behind stays
        using DeviceArray<ulong> keys = Upload(values);
        using DeviceArray<int> counts = Upload([length]);
        Launch("SortBuckets", new LaunchGrid(1),
            a => { a.View(keys); a.View(counts); a.View(counts); a.Int32(length + 2); a.Int32(1); return a; });
        Assert.Equal([.. values.Take(length).OrderDescending(), 7, 9], Read(keys, length + 2));
    }

    /// <summary>
    /// Three lists, one of them empty; borders that part evenly, that are all alike, and that leave all keys to the last bucket.
    /// </summary>
    [Theory]
    [InlineData(9000, 2)]
    [InlineData(700, 7)]
    [InlineData(8193, 300)]
    [InlineData(1, 1024)]
    public void Keys_that_are_dealt_into_buckets_and_sorted_are_in_order_whatever_the_borders(int length, int buckets)
    {
        const int lists = 3;
        int capacity = length + 5;
        var random = new Random(length);
        ulong[] values = [.. Enumerable.Range(0, lists * capacity).Select(_ => (ulong)random.NextInt64())];
        int[] lengths = [length, 0, length + 99];  // the last has lost keys that found no room
        ulong[] borders = new ulong[lists * buckets];
        for (int b = 0; b < buckets; b++)
            (borders[b], borders[buckets + b], borders[2 * buckets + b]) =
                (Even(values.AsSpan(0, length), b, buckets), 5, b % 2 == 0 ? ulong.MaxValue : ulong.MaxValue - 1);
        using DeviceArray<ulong> keys = Upload(values), cuts = Upload(borders), dealt = Empty<ulong>(lists * capacity);
        using DeviceArray<int> counts = Upload(lengths), sizes = Empty<int>(lists * buckets), cursors = Empty<int>(lists * buckets),
            starts = Empty<int>(lists * (buckets + 1));
        sizes.EnqueueClear(lists * buckets);
        cursors.EnqueueClear(lists * buckets);
        var grid = new LaunchGrid(lists, (uint)(capacity + CandidateBuckets.SliceKeys - 1) / CandidateBuckets.SliceKeys);
        Launch("CountBuckets", grid,
            a => { a.View(keys); a.View(counts); a.View(cuts); a.View(sizes); a.Int32(capacity); a.Int32(buckets); return a; });
        Launch("DealBuckets", grid, a =>
        {
            a.View(keys);
            a.View(counts);
            a.View(cuts);
            a.View(sizes);
            a.View(cursors);
            a.View(starts);
            a.View(dealt);
            a.Int32(capacity);
            a.Int32(buckets);
            return a;
        });
        Launch("SortBuckets", new LaunchGrid((uint)(lists * buckets)),
            a => { a.View(dealt); a.View(counts); a.View(starts); a.Int32(capacity); a.Int32(buckets); return a; });
        Assert.Equal(values.Take(length).OrderDescending(), ReadAt(dealt, 0, length));
        Assert.Equal(values.Skip(2 * capacity).OrderDescending(), ReadAt(dealt, 2 * capacity, capacity));
    }

    /// <summary>
    /// Ranks at both ends, between equal scores, for every row and for none; queries that look for company and have none.
    /// </summary>
    [Theory]
    [InlineData(5, 2)]
    [InlineData(300, 40)]
    [InlineData(5000, 3)]
    public void Thresholds_and_borders_are_those_of_the_sorted_sample(int samples, int buckets)
    {
        int[] ranks = [0, samples - 1, samples / 2, -1, samples, 1, 1, 1, 1];
        int[] own = [.. Enumerable.Repeat(-1, 5), -1, 2, 0, 0];  // from query 5 on: nobody's, alone in its class, one of two
        const int optionalFrom = 5;
        var random = new Random(samples);
        float[] scores = [.. Enumerable.Range(0, ranks.Length * samples)
            .Select(i => i % 3 == 0 ? 0.25f : i % 7 == 0 ? -0f : (float)random.NextDouble() - 0.5f)];
        int[] rows = [.. Enumerable.Range(0, samples).Select(s => 3 * s + 1)];
        using DeviceArray<float> scored = Upload(scores);
        using DeviceArray<int> ids = Upload(rows), asked = Upload(ranks), owners = Upload(own), classOf = Upload([0, 0, 1]),
            classStart = Upload([0, 2, 3]);
        using DeviceArray<ulong> thresholds = Empty<ulong>(ranks.Length), borders = Empty<ulong>(ranks.Length * buckets);
        Launch("SelectThresholds", new LaunchGrid((uint)ranks.Length), a =>
        {
            a.View(scored);
            a.View(ids);
            a.View(asked);
            a.View(owners);
            a.View(classOf);
            a.View(classStart);
            a.View(thresholds);
            a.View(borders);
            a.Int32(samples);
            a.Int32(optionalFrom);
            a.Int32(buckets);
            return a;
        });
        ulong[] found = Read(thresholds, ranks.Length), cuts = Read(borders, ranks.Length * buckets);
        for (int q = 0; q < ranks.Length; q++)
        {
            ulong[] order = [.. Enumerable.Range(0, samples).Select(s => DeviceMath.RankedKey(scores[q * samples + s], rows[s]))
                .OrderDescending()];
            bool none = ranks[q] >= samples || q is 5 or 6;
            Assert.Equal(none ? DeviceMath.RankedKey(float.PositiveInfinity, -1) : ranks[q] < 0
                ? DeviceMath.RankedKey(float.NegativeInfinity, int.MaxValue) : order[ranks[q]], found[q]);
            int reaching = none ? 0 : ranks[q] < 0 ? samples : ranks[q] + 1;
            if (reaching > 2048)
                Assert.Equal(cuts.AsSpan(q * buckets, buckets).ToArray().OrderDescending(), cuts.AsSpan(q * buckets, buckets).ToArray());
            else
                Assert.Equal(Enumerable.Range(0, buckets).Select(b => reaching == 0 ? 0 : order[b * reaching / buckets]),
                    cuts.AsSpan(q * buckets, buckets).ToArray());
        }
    }

    /// <summary>
    /// Collapsed features: all keys tie but for their rows, and lists stay as long as those of any bank. bf16 cannot rule one of them out:
    /// there is room for all.
    /// </summary>
    [Theory]
    [InlineData((int)CandidateScores.Float32)]
    [InlineData((int)CandidateScores.Rounded)]
    [InlineData((int)CandidateScores.Split)]
    public void A_bank_of_equal_rows_gives_short_lists_and_the_lowest_rows(int scores)
    {
        using var bank = new MemoryBank(4500, Width);
        bank.LoadRows(0, [.. Enumerable.Repeat((float[])[0.6f, 0, 0.8f, 0], 4500).SelectMany(x => x)]);
        (ulong[][] lists, int capacity) = Search(bank, [.. bank.Row(0)], [7, -1], [30, 500], null, (CandidateScores)scores);
        Assert.InRange(capacity, 500, scores == (int)CandidateScores.Rounded ? 4500 : 1500);
        Assert.Equal(Enumerable.Range(0, 31).Where(row => row != 7), lists[0].Take(30).Select(DeviceMath.RowOf));
        Assert.Equal(Enumerable.Range(0, 500), lists[1].Take(500).Select(DeviceMath.RowOf));
    }

    /// <summary>
    /// Three products of bf16 of values that bf16 holds are exact: thresholds among equal scores at every row of a tile, own rows at every
    /// one, banks that end inside of a tile and at its end, a threshold that all rows reach and one that none does.
    /// </summary>
    [Theory]
    [InlineData(130)]
    [InlineData(256)]
    [InlineData(67)]
    public void Rows_whose_score_ties_the_threshold_reach_it_up_to_its_row(int rows)
    {
        using var bank = new MemoryBank(rows, Width);
        for (int row = 0; row < rows; row++)
            bank.LoadRows(row, row % 5 == 0 ? [1, 0, 0, 0] : row % 5 == 1 ? [0, 0.25f, 0, 0] : [0.5f, 0, 0, 0]);
        int queries = rows + 2;
        ulong[] thresholds =
        [
            .. Enumerable.Range(0, rows).Select(row => DeviceMath.RankedKey(bank.Row(row)[0], row)),
            DeviceMath.RankedKey(float.NegativeInfinity, int.MaxValue), DeviceMath.RankedKey(float.PositiveInfinity, -1),
        ];
        int[] own = [.. Enumerable.Range(0, rows).Select(row => 3 * row % rows), -1, 0];
        float[] vectors = new float[queries * Stride], values = new float[rows * Stride];
        for (int q = 0; q < queries; q++)
            vectors[q * Stride] = 1;
        for (int row = 0; row < rows; row++)
            bank.Row(row).CopyTo(values.AsSpan(row * Stride));
        using DeviceArray<float> asked = Upload(vectors), held = Upload(values);
        using RoundedRows q2 = new(device) { HasRests = true }, v2 = new(device) { HasRests = true };
        q2.Round(asked, queries, Stride / 4);
        v2.Round(held, rows, Stride / 4);
        using DeviceArray<ulong> reach = Upload(thresholds), keys = Empty<ulong>(queries * rows);
        using DeviceArray<int> owners = Upload(own), counts = Empty<int>(queries);
        counts.EnqueueClear(queries);
        Launch("CollectSplitCandidates", new LaunchGrid((uint)(queries + 127) / 128), a =>
        {
            a.Eights(q2.Pairs);
            a.Eights(v2.Pairs);
            a.View(reach);
            a.View(owners);
            a.View(keys);
            a.View(counts);
            a.Int32(queries);
            a.Int64(rows);
            a.Int32(Stride / 4);
            a.Int32(rows);
            a.Int64(256);
            return a;
        });
        int[] found = Read(counts, queries);
        for (int q = 0; q < queries; q++)
        {
            IEnumerable<ulong> expected = Enumerable.Range(0, rows).Where(row => row != own[q])
                .Select(row => DeviceMath.RankedKey(bank.Row(row)[0], row)).Where(key => key >= thresholds[q]);
            Assert.Equal(expected.Order(), ReadAt(keys, q * rows, found[q]).Order());
        }
    }

    /// <summary>
    /// A query of zeros, which an anchor without an auxiliary one leaves, and one alone in its class ask for nothing and get nothing.
    /// </summary>
    [Fact]
    public void Optional_queries_that_are_none_have_empty_lists_and_cost_the_others_no_room()
    {
        using var bank = MemoryBank.CreateRandom(4500, Width, seed: 3);
        int[] classOf = [.. Enumerable.Range(0, 4500).Select(row => row < 10 ? row / 2 : row - 5)],
            classStart = [0, 2, 4, 6, 8, 10, .. Enumerable.Range(11, 4490)];
        using DeviceArray<int> classes = Upload(classOf), starts = Upload(classStart);
        float[] queries = [.. bank.Row(0), .. bank.Row(2), 0, 0, 0, 0, .. bank.Row(20)];
        (ulong[][] lists, int capacity) = Search(bank, queries, [0, 2, -1, 20], [100, 60, 60, 60], new OptionalQueries(1, classes, starts));
        Assert.InRange(capacity, 100, 1200);
        Assert.Equal(Expected(bank, bank.Row(0), 0, 100), lists[0].Take(100).Select(DeviceMath.RowOf));
        Assert.Equal(Expected(bank, bank.Row(2), 2, 60), lists[1].Take(60).Select(DeviceMath.RowOf));
        Assert.Empty(lists[2]);
        Assert.Empty(lists[3]);
    }

    private static IEnumerable<int> Expected(MemoryBank bank, ReadOnlySpan<float> query, int own, int count)
    {
        float[] q = query.ToArray();
        double[] scores = [.. Enumerable.Range(0, bank.RowCount)
            .Select(row => Enumerable.Range(0, Width).Sum(d => (double)q[d] * bank.Row(row)[d]))];
        return Enumerable.Range(0, bank.RowCount).Where(row => row != own).OrderByDescending(row => scores[row]).ThenBy(row => row)
            .Take(count);
    }

    private (ulong[][] Lists, int Capacity) Search(
        MemoryBank bank, float[] queries, int[] ownRows, int[] needed, OptionalQueries? optional,
        CandidateScores scores = CandidateScores.Float32)
    {
        float[] padded = new float[needed.Length * Stride];
        for (int i = 0; i < needed.Length * Width; i++)
            padded[i / Width * Stride + i % Width] = queries[i % queries.Length];
        using DeviceArray<float> vectors = Upload(padded);
        using DeviceArray<int> own = Upload(ownRows);
        using var mirror = BankMirror.Borrow(bank, device);
        using var search = new CandidateSearch(mirror, device, scores);
        search.Run(vectors, own, needed, optional);
        int[] counts = Read(search.Counts, needed.Length);
        return ([.. Enumerable.Range(0, needed.Length).Select(q => ReadAt(search.Keys, q * search.Capacity, counts[q]))],
            search.Capacity);
    }

    private static ulong Even(ReadOnlySpan<ulong> values, int bucket, int buckets)
    {
        ulong[] order = [.. values.ToArray().OrderDescending()];
        return order[(int)((long)bucket * order.Length / buckets)];
    }

    private delegate KernelArguments Fill(KernelArguments arguments);

    private void Launch(string kernel, LaunchGrid grid, Fill fill)
    {
        KernelArguments arguments = fill(new KernelArguments());
        device.EnqueueLaunch(kernel, grid, ref arguments);
    }

    private DeviceArray<T> Upload<T>(T[] values) where T : unmanaged
    {
        DeviceArray<T> array = Empty<T>(values.Length);
        array.Upload(values);
        return array;
    }

    private DeviceArray<T> Empty<T>(int length) where T : unmanaged => new DeviceArray<T>(device).EnsureLength(length);

    private static T[] Read<T>(DeviceArray<T> array, int length) where T : unmanaged => ReadAt(array, 0, length);

    private static T[] ReadAt<T>(DeviceArray<T> array, int first, int length) where T : unmanaged
    {
        var values = new T[length];
        if (length > 0)
            array.ReadBack(values, first);
        return values;
    }
}
