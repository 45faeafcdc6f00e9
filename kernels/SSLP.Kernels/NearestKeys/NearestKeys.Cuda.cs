using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="INearestKeys"/> on a device. Scores are chains of fused multiply-adds in ascending d, the same bits as the CPU's. Queries go
/// over and answers come back; the bank stays there, in step with the host's.
/// </summary>
internal sealed class NearestKeysCuda : INearestKeys
{
    private readonly MemoryBank _bank;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly CandidateSearch _search;
    private readonly RoundedRows? _rounded;
    private readonly DeviceArray<float> _queries, _similarities, _scales;
    private readonly DeviceArray<int> _ownRows, _rows, _counts, _ranks;

    /// <param name="bank">Borrowed; what is written to it later is followed.</param>
    /// <param name="device">Borrowed.</param>
    /// <param name="scores"> What scores the bank; the answer of a search does not depend on it. With bf16,
    /// <see cref="SimilarityAtRanks"/> counts scores that are off by up to (2⁻¹⁵ + D·2⁻²¹)·‖q‖ for unit rows: its answer is within half a
    /// bin and that.
    /// </param>
    public NearestKeysCuda(MemoryBank bank, IComputeDevice device, DeviceScores scores = DeviceScores.Float32)
    {
        (_bank, _device) = (bank, device);
        _mirror = BankMirror.Borrow(bank, device);
        _search = new CandidateSearch(
            _mirror, device, scores == DeviceScores.BFloat16 ? CandidateScores.Rounded : CandidateScores.Float32);
        _rounded = scores == DeviceScores.BFloat16 ? new RoundedRows(device) { HasRests = true } : null;
        (_queries, _similarities, _scales) = (new(device), new(device), new(device));
        (_ownRows, _rows, _counts, _ranks) = (new(device), new(device), new(device), new(device));
    }

    public void Find(MatrixView queries, ReadOnlySpan<int> ownRows, int k, Span<int> rows, Span<float> similarities)
    {
        NearestKeysLimits.CheckFind(_bank, queries, ownRows, k, rows, similarities);
        if (queries.Rows == 0)
            return;
        Upload(queries, ownRows);
        Search(queries.Rows, k);
        _rows.EnsureLength(rows.Length);
        _similarities.EnsureLength(similarities.Length);
        TakeNearest(queries.Rows, k, _rows.AddressOf(0), _similarities.AddressOf(0));
        _rows.ReadBack(rows);
        _similarities.ReadBack(similarities);
    }

    /// <summary>The same of queries on the device, with the answers there. The lists' lengths are waited for, as an exact answer depends on
    /// them; the answers are not.</summary>
    /// <param name="queries">[B, D].</param>
    /// <param name="ownRows">Device address of the bank row that each query leaves out (−1: none), [B].</param>
    /// <param name="k">As <see cref="NearestKeysLimits"/> checks it.</param>
    /// <param name="rows">Device address, [B, k] int32, written.</param>
    /// <param name="similarities">Device address, [B, k] float32, written.</param>
    /// <param name="report">Gets what is wrong with a query: then nothing is written.</param>
    /// <returns>False where a query is not finite.</returns>
    public bool Find(DeviceMatrix queries, ulong ownRows, int k, ulong rows, ulong similarities, StepReport report)
    {
        report.EnqueueClear();
        _mirror.EnqueueTake(ownRows, queries, _queries, _ownRows, report, queries.Rows);
        if (report.Read().Fault != StepFault.None)
            return false;
        Search(queries.Rows, k);
        TakeNearest(queries.Rows, k, rows, similarities);
        return true;
    }

    public void SimilarityAtRanks(MatrixView queries, ReadOnlySpan<int> ownRows, ReadOnlySpan<int> ranks, Span<float> similarities)
    {
        NearestKeysLimits.CheckRanks(_bank, queries, ownRows, ranks, similarities);
        if (queries.Rows == 0 || ranks.IsEmpty)
            return;
        Upload(queries, ownRows);
        CountRanks(queries.Rows);
        _ranks.EnsureLength(ranks.Length).Upload(ranks);
        _similarities.EnsureLength(similarities.Length);
        var arguments = new KernelArguments();
        arguments.View(_counts);
        arguments.View(_scales);
        arguments.View(_ranks);
        arguments.View(_similarities);
        arguments.Int32(ranks.Length);
        _device.EnqueueLaunch("SimilarityAtRanks", new LaunchGrid((uint)queries.Rows), ref arguments);
        _similarities.ReadBack(similarities);
    }

    public void Dispose()
    {
        _mirror.Dispose();
        _search.Dispose();
        _rounded?.Dispose();
        foreach (IDisposable array in (IDisposable[])[_queries, _similarities, _scales, _ownRows, _rows, _counts, _ranks])
            array.Dispose();
    }

    private void Search(int queries, int k)
    {
        int[] needed = new int[queries];
        Array.Fill(needed, k);
        _search.Run(_queries, _ownRows, needed);
    }

    private void TakeNearest(int queries, int k, ulong rows, ulong similarities)
    {
        var arguments = new KernelArguments();
        arguments.View(_search.Keys);
        arguments.View(rows, (long)queries * k);
        arguments.View(similarities, (long)queries * k);
        arguments.Int32(_search.Capacity);
        arguments.Int32(k);
        _device.EnqueueLaunch("TakeNearest", new LaunchGrid((uint)queries), ref arguments);
    }

    private void Upload(MatrixView queries, ReadOnlySpan<int> ownRows)
    {
        DeviceRows.Upload(queries, _bank.Stride, _queries);
        int[] own = new int[queries.Rows];
        Array.Fill(own, -1);
        ownRows.CopyTo(own);
        _ownRows.EnsureLength(own.Length).Upload(own);
    }

    private void CountRanks(int count)
    {
        _scales.EnsureLength(count);
        var scale = new KernelArguments();
        scale.Quads(_queries);
        scale.View(_scales);
        scale.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("QueryScales", new LaunchGrid((uint)count), ref scale);

        long bins = (long)count * NearestKeysLimits.Bins;
        _counts.EnsureLength(bins).EnqueueClear(bins);
        if (_rounded is not null)
        {
            CountSplitRanks(_rounded, count);
            return;
        }

        var arguments = new KernelArguments();
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.View(_scales);
        arguments.View(_ownRows);
        arguments.View(_counts);
        arguments.Int32(count);
        arguments.Int64(_bank.RowCount);
        arguments.Int32(_mirror.StrideQuads);
        var grid = new LaunchGrid(CandidateSearch.ScoreTileSide.GroupsOf(_bank.RowCount), CandidateSearch.ScoreTileSide.GroupsOf(count));
        _device.EnqueueLaunch("CountRanks", grid, ref arguments);
    }

    private void CountSplitRanks(RoundedRows queries, int count)
    {
        queries.Round(_queries, count, _mirror.StrideQuads);
        const int side = CandidateSearch.ScoreTileSide;
        var splits = BankSplits.Of(_bank.RowCount, side, side.GroupsOf(count), BankSplits.SeveralAMultiprocessor);
        var arguments = new KernelArguments();
        arguments.Eights(queries.Pairs);
        arguments.Eights(_mirror.CurrentRounded(withRests: true).Pairs);
        arguments.View(_scales);
        arguments.View(_ownRows);
        arguments.View(_counts);
        arguments.Int32(count);
        arguments.Int64(_bank.RowCount);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int64(splits.Rows);
        _device.EnqueueLaunch("CountSplitRanks", splits.Grid, ref arguments);
    }
}
