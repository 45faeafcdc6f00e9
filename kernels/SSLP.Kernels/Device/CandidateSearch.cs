using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>What the scores in a search's keys are.</summary>
internal enum CandidateScores
{
    /// <summary>Chains of float32, the CPU's bits.</summary>
    Float32,

    /// <summary>The same, of rows that one product of bf16 on tensor cores could not rule out.</summary>
    Rounded,

    /// <summary>Three products of bf16 on tensor cores, near float32 and not the same bits: lists are in their order.</summary>
    Split,
}

/// <summary>
/// The device's answer to every question about ranks: for each query the bank rows down to the rank it needs, in buckets by descending
/// score and then ascending row, sorted where that is asked for. Thresholds come from a sample of the bank; a list that turns out too short
/// or too long for its room is found out by its count, and the search repeats with what was learnt. Exact for the scores that it was asked
/// for.
/// </summary>
/// <remarks>Device bytes: 16·Q·capacity for the lists (20 with tensor cores), capacity being about the largest rank needed; 4·Q·S + 4·S·D
/// for the sample, S ≤ 8192.</remarks>
internal sealed partial class CandidateSearch : IDisposable
{
    // One row of 256 in large banks: buckets are cut by the sampled keys that reach a query's threshold.
    private const int MinSample = 1024, MostOfUsual = 8192, MaxSample = 65536, RowsASample = 256;

    // As in the device code: keys wanted in a bucket, and most buckets.
    private const int BucketKeys = 768, MaxBuckets = 1024;

    /// <summary>As in the device code: keys of a list that a group takes at a time.</summary>
    public const int SliceKeys = 8192;

    /// <summary>Standard deviations of the sample's count by which the threshold is lowered, and room kept beyond it.</summary>
    private const double Margin = 6;

    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly int _sampleRows;
    private readonly DeviceArray<float> _samples, _sampleScores;
    private readonly DeviceArray<int> _sampleIds, _ranks, _counts, _bucketCounts, _bucketStarts, _cursors;
    private readonly DeviceArray<ulong> _thresholds, _borders, _keys, _dealt;
    private readonly TensorLists? _tensor;
    private readonly SplitOperands? _split;
    private int[] _hostRanks = [];
    private int[] _hostCounts = [];

    public CandidateSearch(BankMirror mirror, IComputeDevice device, CandidateScores scores)
    {
        _tensor = scores == CandidateScores.Rounded ? new TensorLists(device) : null;
        _split = scores == CandidateScores.Split ? new SplitOperands(device) : null;
        (_mirror, _device) = (mirror, device);
        int rows = mirror.Bank.RowCount;
        _sampleRows = rows > 4 * MinSample ? Math.Clamp(rows / 32, MinSample, Math.Clamp(rows / RowsASample, MostOfUsual, MaxSample)) : 0;
        (_samples, _sampleScores) = (new(device), new(device));
        (_sampleIds, _ranks, _counts) = (new(device), new(device), new(device));
        (_bucketCounts, _bucketStarts, _cursors) = (new(device), new(device), new(device));
        (_thresholds, _borders, _keys, _dealt) = (new(device), new(device), new(device), new(device));
        DrawSample(rows);
    }

    /// <summary>[Q, <see cref="Capacity"/>] candidates of the last search: sorted after <see cref="Run"/>, in buckets after
    /// <see cref="Enqueue"/>.</summary>
    public DeviceArray<ulong> Keys => Buckets == 1 ? _keys : _dealt;

    /// <summary>[Q] how many each query has.</summary>
    public DeviceArray<int> Counts => _counts;

    /// <summary>[Q, <see cref="Buckets"/> + 1] where the lists' buckets begin; not written where there is one.</summary>
    public DeviceArray<int> BucketStarts => _bucketStarts;

    /// <summary>[Q, <see cref="Buckets"/>] the keys that the buckets were cut at.</summary>
    public DeviceArray<ulong> Borders => _borders;

    /// <summary>Room for one query's candidates.</summary>
    public int Capacity { get; private set; }

    /// <summary>Of each list: what one group sorts in shared memory, where the sample can tell as many apart.</summary>
    public int Buckets => _sampleRows == 0 ? 1 : Math.Clamp(Capacity / BucketKeys, 2, MaxBuckets);

    /// <summary>Searches for all queries.</summary>
    /// <param name="queries">[Q, stride] on the device.</param>
    /// <param name="ownRows">[Q] on the device: the row left out, or −1.</param>
    /// <param name="needed">[Q] rows wanted by each query; 0 asks for none.</param>
    /// <param name="optional">Queries that may turn out to be none: nobody's, or of a row that is alone in its class. Their lists stay
    /// empty.</param>
    public void Run(DeviceArray<float> queries, DeviceArray<int> ownRows, ReadOnlySpan<int> needed, OptionalQueries? optional = null)
    {
        int count = needed.Length, rows = _mirror.Bank.RowCount;
        DeviceArray<float> bank = _mirror.Current();
        int optionalFrom = optional?.From ?? int.MaxValue;
        if (_hostRanks.Length < count)
            (_hostRanks, _hostCounts) = (new int[count], new int[count]);
        _ranks.EnsureLength(count);
        _counts.EnsureLength(count);
        _split?.Queries.Round(queries, count, _mirror.StrideQuads);
        if (_sampleRows > 0)
            ScoreSample(bank, queries, count);
        int largest = 1;
        foreach (int need in needed)
            largest = Math.Max(largest, need);
        Capacity = CapacityFor(largest, rows);
        for (double margin = 1; ; margin *= 4)
        {
            for (int q = 0; q < count; q++)
                _hostRanks[q] = RankFor(needed[q], margin);
            _ranks.Upload(_hostRanks.AsSpan(0, count));
            SetThresholds(_ranks.AddressOf(0), count, ownRows, optional);
            bool fits = true;
            if (_tensor is null)
                Collect(bank, queries, ownRows, count);
            else
                fits = CollectRounded(_tensor, bank, queries, ownRows, count);
            if (fits && Suffices(needed, rows, optionalFrom))
                break;
        }

        Deal(count);
        Sort(count);
    }

    /// <summary>What a search is where no query asks for a row: empty lists, without a pass over the bank.</summary>
    public void Skip(int queries)
    {
        Capacity = 1;
        foreach (DeviceArray<ulong> array in (DeviceArray<ulong>[])[_keys, _dealt, _borders])
            array.EnsureLength(queries);
        _bucketStarts.EnsureLength(queries);
        _counts.EnsureLength(queries).EnqueueClear(queries);
    }

    public void Dispose()
    {
        _tensor?.Dispose();
        _split?.Dispose();
        foreach (IDisposable array in (IDisposable[])
            [_samples, _sampleScores, _thresholds, _sampleIds, _ranks, _counts, _bucketCounts, _bucketStarts, _cursors, _borders,
                _keys, _dealt])
            array.Dispose();
    }

    private void DrawSample(int rows)
    {
        int[] ids = new int[_sampleRows];
        for (int s = 0; s < ids.Length; s++)
            ids[s] = (int)((long)s * rows / ids.Length);
        _sampleIds.EnsureLength(ids.Length).Upload(ids);
        _samples.EnsureLength((long)ids.Length * _mirror.Bank.Stride);
    }

    private void ScoreSample(DeviceArray<float> bank, DeviceArray<float> queries, int count)
    {
        _sampleScores.EnsureLength((long)count * _sampleRows);
        DeviceRows.EnqueueGather(_device, bank, _sampleIds, _samples, _sampleRows, _mirror.StrideQuads);
        if (_split is not null)
        {
            ScoreSplitSample(_split, count);
            return;
        }

        var score = new KernelArguments();
        score.Quads(queries);
        score.Quads(_samples);
        score.View(_sampleScores);
        score.Int32(count);
        score.Int32(_sampleRows);
        score.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("ScoreSamples",
            new LaunchGrid(ScoreTileSide.GroupsOf(_sampleRows), ScoreTileSide.GroupsOf(count)), ref score);
    }

    /// <summary>Side of the device's score tile in queries and in rows.</summary>
    internal const int ScoreTileSide = 128;

    // The sample's rank that is the threshold of a list of as many rows: one below 0 keeps every row, one beyond the sample none.
    private int RankFor(int needed, double margin)
    {
        double expected = (double)needed * _sampleRows / _mirror.Bank.RowCount;
        double rank = expected + margin * (Margin * Math.Sqrt(expected) + Margin);
        return needed == 0 ? int.MaxValue : rank < _sampleRows ? (int)rank : -1;
    }

    private void SetThresholds(ulong ranks, int count, DeviceArray<int> ownRows, OptionalQueries? optional)
    {
        _thresholds.EnsureLength(count);
        _sampleScores.EnsureLength(1);
        _borders.EnsureLength((long)count * Buckets);
        var arguments = new KernelArguments();
        arguments.View(_sampleScores);
        arguments.View(_sampleIds);
        arguments.View(ranks, count);
        arguments.View(ownRows);
        arguments.View(optional?.ClassOf ?? ownRows);
        arguments.View(optional?.ClassStart ?? ownRows);
        arguments.View(_thresholds);
        arguments.View(_borders);
        arguments.Int32(_sampleRows);
        arguments.Int32(optional?.From ?? int.MaxValue);
        arguments.Int32(Buckets);
        _device.EnqueueLaunch("SelectThresholds", new LaunchGrid((uint)count), ref arguments);
    }

    private int CapacityFor(int needed, int rows)
    {
        if (_sampleRows == 0)
            return rows;
        double expected = (double)needed * _sampleRows / rows, rank = expected + Margin * Math.Sqrt(expected) + Margin;
        return (int)Math.Min((rank + Margin * Math.Sqrt(rank) + Margin) / _sampleRows * rows, rows);
    }

    private void Collect(DeviceArray<float> bank, DeviceArray<float> queries, DeviceArray<int> ownRows, int count)
    {
        _keys.EnsureLength((long)count * Capacity);
        _counts.EnqueueClear(count);
        if (_split is not null)
        {
            CollectSplit(_split, ownRows, count);
            return;
        }

        int rows = _mirror.Bank.RowCount;
        var arguments = new KernelArguments();
        arguments.Quads(queries);
        arguments.Quads(bank);
        arguments.View(_thresholds);
        arguments.View(ownRows);
        arguments.View(_keys);
        arguments.View(_counts);
        arguments.Int32(count);
        arguments.Int64(rows);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(Capacity);
        _device.EnqueueLaunch("CollectCandidates", new LaunchGrid(ScoreTileSide.GroupsOf(rows), ScoreTileSide.GroupsOf(count)),
            ref arguments);
    }

    // Whether every list has what it needs and none overflowed. One that was to keep every row and has fewer is of scores that are no
    // numbers; an empty one is of an optional query that is none, since a threshold from the sample has sampled rows above it.
    private bool Suffices(ReadOnlySpan<int> needed, int rows, int optionalFrom)
    {
        bool suffices = Fits(_counts, needed.Length);
        for (int q = 0; q < needed.Length; q++)
            suffices &= _hostCounts[q] >= Math.Min(needed[q], rows - 1) || _hostRanks[q] < 0 || (q >= optionalFrom && _hostCounts[q] == 0);
        return suffices;
    }

    // Reads the counts, and widens the room where a list overflowed.
    private bool Fits(DeviceArray<int> counts, int queries)
    {
        counts.ReadBack(_hostCounts.AsSpan(0, queries));
        int longest = Capacity;
        foreach (int found in _hostCounts.AsSpan(0, queries))
            longest = Math.Max(longest, found);
        bool fits = longest == Capacity;
        Capacity = longest;
        return fits;
    }

    private void Sort(int count)
    {
        KernelArguments arguments = BucketArguments();
        _device.EnqueueLaunch("SortBuckets", new LaunchGrid(checked((uint)count * (uint)Buckets)), ref arguments);
    }

    private KernelArguments BucketArguments()
    {
        var arguments = new KernelArguments();
        arguments.View(Keys);
        arguments.View(_counts);
        arguments.View(_bucketStarts);
        arguments.Int32(Capacity);
        arguments.Int32(Buckets);
        return arguments;
    }

    private void Deal(int count)
    {
        int buckets = Buckets;
        _bucketStarts.EnsureLength((long)count * (buckets + 1));
        if (buckets == 1)
            return;
        long sizes = (long)count * buckets;
        _bucketCounts.EnsureLength(sizes).EnqueueClear(sizes);
        _cursors.EnsureLength(sizes).EnqueueClear(sizes);
        _dealt.EnsureLength((long)count * Capacity);
        var grid = new LaunchGrid((uint)count, SliceKeys.GroupsOf(Capacity));
        var sizesOf = new KernelArguments();
        sizesOf.View(_keys);
        sizesOf.View(_counts);
        sizesOf.View(_borders);
        sizesOf.View(_bucketCounts);
        sizesOf.Int32(Capacity);
        sizesOf.Int32(buckets);
        _device.EnqueueLaunch("CountBuckets", grid, ref sizesOf);

        var deal = new KernelArguments();
        deal.View(_keys);
        deal.View(_counts);
        deal.View(_borders);
        deal.View(_bucketCounts);
        deal.View(_cursors);
        deal.View(_bucketStarts);
        deal.View(_dealt);
        deal.Int32(Capacity);
        deal.Int32(buckets);
        _device.EnqueueLaunch("DealBuckets", grid, ref deal);
    }
}

/// <summary>Queries of a search from <paramref name="From"/> on that are bank rows in search of their own class.</summary>
/// <param name="ClassOf">[N] on the device.</param>
/// <param name="ClassStart">[classes + 1] on the device.</param>
internal readonly record struct OptionalQueries(int From, DeviceArray<int> ClassOf, DeviceArray<int> ClassStart);
