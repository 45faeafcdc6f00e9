using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>What a step's queries ask of a search: the anchors, a gap that asks for nothing, then optional ones.</summary>
/// <param name="Queries">Q.</param>
/// <param name="Anchors">B.</param>
/// <param name="OptionalFrom">Where the optional ones begin.</param>
/// <param name="Needed">Rows wanted by each anchor.</param>
/// <param name="OptionalNeeded">Rows wanted by each of the others.</param>
internal readonly record struct SearchNeeds(int Queries, int Anchors, int OptionalFrom, int Needed, int OptionalNeeded)
{
    public int Of(int query) => query < Anchors ? Needed : query < OptionalFrom ? 0 : OptionalNeeded;

    public int Most => Math.Max(Needed, Queries > OptionalFrom ? OptionalNeeded : 0);
}

/// <summary>The search that nobody waits for: whether its lists fit is in the step's report, and what it learns there it keeps.</summary>
internal sealed partial class CandidateSearch
{
    private double _margin = 1;
    private int _leastCapacity = 1;

    /// <summary>[Q] rows that tensor cores noted, or the candidates where none are used.</summary>
    public DeviceArray<int> Noted => _tensor?.Counts ?? _counts;

    /// <summary>The sample's rank of each query, for <see cref="Enqueue"/>.</summary>
    public void FillRanks(in SearchNeeds needs, Span<int> ranks)
    {
        for (int q = 0; q < needs.Queries; q++)
            ranks[q] = RankFor(needs.Of(q), _margin);
    }

    /// <summary>Makes room for lists as long as such needs will make them; before <see cref="Enqueue"/>.</summary>
    public void MakeRoom(in SearchNeeds needs)
    {
        Capacity = Math.Min(Math.Max(CapacityFor(Math.Max(1, needs.Most), _mirror.Bank.RowCount), _leastCapacity), _mirror.Bank.RowCount);
        _leastCapacity = Capacity;
        _counts.EnsureLength(needs.Queries);
        _tensor?.Counts.EnsureLength(needs.Queries);
    }

    /// <summary>Searches for all queries; the lists lie in buckets afterwards, which nothing has sorted.</summary>
    /// <param name="queries">[Q, stride] on the device.</param>
    /// <param name="ownRows">[Q] on the device: the row left out, or −1.</param>
    /// <param name="ranks">Device address of what <see cref="FillRanks"/> gave.</param>
    public void Enqueue(DeviceArray<float> queries, DeviceArray<int> ownRows, ulong ranks, in SearchNeeds needs, OptionalQueries optional)
    {
        int count = needs.Queries;
        if (needs.Most == 0)
        {
            Skip(count);
            return;
        }

        DeviceArray<float> bank = _mirror.Current();
        _split?.Queries.Round(queries, count, _mirror.StrideQuads);
        if (_sampleRows > 0)
            ScoreSample(bank, queries, count);
        SetThresholds(ranks, count, ownRows, optional);
        if (_tensor is null)
        {
            Collect(bank, queries, ownRows, count);
        }
        else
        {
            Note(_tensor, queries, ownRows, count);
            Rescore(_tensor, bank, queries, count);
        }

        Deal(count);
    }

    /// <summary>Makes the first <paramref name="place"/> keys of each list the list's largest ones, in whatever order.</summary>
    public void EnqueueCut(int queries, int place)
    {
        KernelArguments arguments = BucketArguments();
        arguments.Int32(place);
        _device.EnqueueLaunch("SortCutBuckets", new LaunchGrid((uint)queries), ref arguments);
    }

    /// <summary>Takes what a report says of the last lists: the next ones have the room, or reach further.</summary>
    public void Widen(in StepReading reading)
    {
        if ((reading.Fault & StepFault.ListTooLong) != 0)
            _leastCapacity = Math.Max(_leastCapacity, (int)reading[StepValue.LongestList]);
        if ((reading.Fault & StepFault.ListTooShort) != 0)
            _margin *= 4;
    }
}
