using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>The pass over the bank on tensor cores: rows that bf16 cannot rule out are noted, then decided in float32; or three products of
/// bf16 decide.</summary>
internal sealed partial class CandidateSearch
{
    private const int RescoringGroup = 256;

    // Of one query; each takes its share of the list.
    private const uint MostRescoringGroups = 1024;

    // False where the noted rows did not fit: there is room now, and the pass must be repeated.
    private bool CollectRounded(TensorLists tensor, DeviceArray<float> bank, DeviceArray<float> queries,
        DeviceArray<int> ownRows, int count)
    {
        Note(tensor, queries, ownRows, count);
        if (!Fits(tensor.Counts, count))
            return false;
        Rescore(tensor, bank, queries, count);
        return true;
    }

    private void Note(TensorLists tensor, DeviceArray<float> queries, DeviceArray<int> ownRows, int count)
    {
        RoundedRows rounded = _mirror.CurrentRounded();
        tensor.Queries.Round(queries, count, _mirror.StrideQuads);
        tensor.Rows.EnsureLength((long)count * Capacity);
        tensor.Counts.EnsureLength(count).EnqueueClear(count);
        NoteRows(tensor, rounded, ownRows, count);
    }

    private void Rescore(TensorLists tensor, DeviceArray<float> bank, DeviceArray<float> queries, int count)
    {
        _keys.EnsureLength((long)count * Capacity);
        _counts.EnqueueClear(count);
        var arguments = new KernelArguments();
        arguments.Quads(queries);
        arguments.Quads(bank);
        arguments.View(_thresholds);
        arguments.View(tensor.Rows);
        arguments.View(tensor.Counts);
        arguments.View(_keys);
        arguments.View(_counts);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(Capacity);
        _device.EnqueueLaunch("RescoreCandidates",
            new LaunchGrid((uint)count, Math.Min(RescoringGroup.GroupsOf(Capacity), MostRescoringGroups)), ref arguments);
    }

    private void NoteRows(TensorLists tensor, RoundedRows bank, DeviceArray<int> ownRows, int count)
    {
        int rows = _mirror.Bank.RowCount;
        var splits = BankSplits.Of(rows, ScoreTileSide, ScoreTileSide.GroupsOf(count), BankSplits.SeveralAMultiprocessor);
        var arguments = new KernelArguments();
        arguments.Eights(tensor.Queries.Pairs);
        arguments.Eights(bank.Pairs);
        arguments.View(_thresholds);
        arguments.View(tensor.Queries.Lengths);
        arguments.View(bank.Largest);
        arguments.View(ownRows);
        arguments.View(tensor.Rows);
        arguments.View(tensor.Counts);
        arguments.Int32(count);
        arguments.Int64(rows);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(Capacity);
        arguments.Int64(splits.Rows);
        _device.EnqueueLaunch("CollectRoundedCandidates", splits.Grid, ref arguments);
    }

    private void ScoreSplitSample(SplitOperands split, int count)
    {
        split.Samples.Round(_samples, _sampleRows, _mirror.StrideQuads);
        var splits = BankSplits.Of(_sampleRows, ScoreTileSide, ScoreTileSide.GroupsOf(count), BankSplits.SeveralAMultiprocessor);
        var arguments = new KernelArguments();
        arguments.Eights(split.Queries.Pairs);
        arguments.Eights(split.Samples.Pairs);
        arguments.View(_sampleScores);
        arguments.Int32(count);
        arguments.Int32(_sampleRows);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int64(splits.Rows);
        _device.EnqueueLaunch("ScoreSplitSamples", splits.Grid, ref arguments);
    }

    private void CollectSplit(SplitOperands split, DeviceArray<int> ownRows, int count)
    {
        RoundedRows bank = _mirror.CurrentRounded(withRests: true);
        int rows = _mirror.Bank.RowCount;
        var splits = BankSplits.Of(rows, ScoreTileSide, ScoreTileSide.GroupsOf(count), BankSplits.SeveralAMultiprocessor);
        var arguments = new KernelArguments();
        arguments.Eights(split.Queries.Pairs);
        arguments.Eights(bank.Pairs);
        arguments.View(_thresholds);
        arguments.View(ownRows);
        arguments.View(_keys);
        arguments.View(_counts);
        arguments.Int32(count);
        arguments.Int64(rows);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(Capacity);
        arguments.Int64(splits.Rows);
        _device.EnqueueLaunch("CollectSplitCandidates", splits.Grid, ref arguments);
    }

    /// <summary>What the tensor cores need beyond the float32 search.</summary>
    private sealed class TensorLists(IComputeDevice device) : IDisposable
    {
        public RoundedRows Queries { get; } = new(device);

        public DeviceArray<int> Rows { get; } = new(device);

        public DeviceArray<int> Counts { get; } = new(device);

        public void Dispose()
        {
            Queries.Dispose();
            Rows.Dispose();
            Counts.Dispose();
        }
    }

    /// <summary>Sums of two bf16 that three products take, beside the bank's.</summary>
    private sealed class SplitOperands(IComputeDevice device) : IDisposable
    {
        public RoundedRows Queries { get; } = new(device) { HasRests = true };

        public RoundedRows Samples { get; } = new(device) { HasRests = true };

        public void Dispose()
        {
            Queries.Dispose();
            Samples.Dispose();
        }
    }
}
