using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IWholeBankLoss"/> on a device: one pass over the bank, split among groups, and a merge. Device bytes beyond the bank:
/// 4·splits·B·⌈D⌉₁₆ for the parts. Deterministic.
/// </summary>
/// <remarks>
/// With bf16 scores every number is a sum of two bf16 values and every product three of tensor cores. For unit vectors a loss is then
/// within 2δ/τ, δ = 2⁻¹⁵ + D·2⁻²¹, of the exact one, and each component of one query's gradient within (4δ/τ + 2⁻¹⁴)/τ, over B for the
/// mean: the worst case, in which all roundings agree. Vectors wider than 128 are scored in float32 all the same.
/// </remarks>
internal sealed class WholeBankLossCuda : IWholeBankLoss
{
    private const int QueriesAGroup = 32, QuadsAGroup = 32, TileRows = 64;

    private const int SplitQueriesAGroup = 128, SplitTileRows = 32, QueriesAFragment = 16;

    private readonly MemoryBank _bank;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly DeviceArray<float> _queries, _positives, _sums, _maxima, _totals, _losses, _gradient;
    private readonly DeviceArray<int> _rows, _own;
    private readonly DeviceArray<uint>? _packed;

    /// <param name="bank">Borrowed; what is written to it later is followed.</param>
    /// <param name="device">Borrowed.</param>
    /// <param name="scores">What scores the bank, see the remarks.</param>
    public WholeBankLossCuda(MemoryBank bank, IComputeDevice device, DeviceScores scores = DeviceScores.Float32)
    {
        (_bank, _device) = (bank, device);
        _mirror = BankMirror.Borrow(bank, device);
        (_queries, _positives, _sums, _maxima, _totals) = (new(device), new(device), new(device), new(device), new(device));
        (_losses, _gradient, _rows, _own) = (new(device), new(device), new(device), new(device));
        _packed = scores == DeviceScores.BFloat16 && _mirror.StrideQuads <= QuadsAGroup ? new DeviceArray<uint>(device) : null;
    }

    public double Evaluate(MatrixView queries, ReadOnlySpan<int> positiveRows, float temperature, Span<float> losses, MatrixView gradient)
    {
        WholeBankLossChecks.Check(_bank, queries, positiveRows, temperature, losses, gradient);
        if (queries.Rows == 0)
            return 0;
        _rows.EnsureLength(positiveRows.Length).Upload(positiveRows);
        _positives.EnsureLength((long)queries.Rows * _bank.Stride);
        DeviceRows.EnqueueGather(_device, _mirror.Current(), _rows, _positives, queries.Rows, _mirror.StrideQuads);
        return Evaluate(queries, extraPositive: false, temperature, losses, gradient);
    }

    public double Evaluate(MatrixView queries, MatrixView positives, float temperature, Span<float> losses, MatrixView gradient)
    {
        WholeBankLossChecks.Check(_bank, queries, positives, temperature, losses, gradient);
        if (queries.Rows == 0)
            return 0;
        DeviceRows.Upload(positives, _bank.Stride, _positives);
        return Evaluate(queries, extraPositive: true, temperature, losses, gradient);
    }

    /// <summary>The same of queries that lie on the device; nothing is waited for. The mean loss and a NaN's fault are in the
    /// report.</summary>
    /// <param name="queries">q [B, D], unit rows.</param>
    /// <param name="positives">Each query's key besides the bank [B, D].</param>
    /// <param name="temperature">τ.</param>
    /// <param name="gradient">dL/dq of the mean loss [B, D], written.</param>
    public void Enqueue(DeviceMatrix queries, DeviceMatrix positives, float temperature, DeviceMatrix gradient, StepReport report)
    {
        TakeRows(queries, _queries, report);
        TakeRows(positives, _positives, report);
        int splits = _packed is null ? Accumulate(queries.Rows, 1 / temperature) : AccumulateSplit(_packed, queries.Rows, 1 / temperature);
        Merge(queries.Rows, splits, extraPositive: true, temperature);
        report.EnqueueMean(_losses.AddressOf(0), queries.Rows);
        var dense = new KernelArguments();
        dense.Quads(_gradient);
        dense.View(gradient.Address, gradient.Length);
        dense.Int32(1);
        dense.Int32(gradient.Width);
        dense.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("SumSlices", new LaunchGrid((uint)gradient.Rows), ref dense);
    }

    private void TakeRows(DeviceMatrix rows, DeviceArray<float> to, StepReport report)
    {
        _rows.EnsureLength(rows.Rows).EnqueueClear(rows.Rows);
        _mirror.EnqueueTake(_rows.AddressOf(0), rows, to, _own, report, rows.Rows);
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])
            [_mirror, _queries, _positives, _sums, _maxima, _totals, _losses, _gradient, _rows, _own])
            part.Dispose();
        _packed?.Dispose();
    }

    private double Evaluate(MatrixView queries, bool extraPositive, float temperature, Span<float> losses, MatrixView gradient)
    {
        DeviceRows.Upload(queries, _bank.Stride, _queries);
        int splits = _packed is null ? Accumulate(queries.Rows, 1 / temperature) : AccumulateSplit(_packed, queries.Rows, 1 / temperature);
        Merge(queries.Rows, splits, extraPositive, temperature);
        _losses.ReadBack(losses);
        DeviceRows.ReadBack(_gradient, _bank.Stride, gradient);
        double sum = 0;
        foreach (float loss in losses)
            sum += loss;
        return sum / losses.Length;
    }

    private int Accumulate(int count, float inverseTemperature)
    {
        uint queryGroups = QueriesAGroup.GroupsOf(count), columnGroups = QuadsAGroup.GroupsOf(_mirror.StrideQuads);
        var splits = BankSplits.Of(_bank.RowCount, TileRows, queryGroups, BankSplits.SeveralAMultiprocessor);
        EnsureParts(splits.Count, count);
        var arguments = new KernelArguments();
        arguments.Quads(_queries);
        arguments.Quads(_mirror.Current());
        arguments.Quads(_sums);
        AddSizes(ref arguments, count, splits, inverseTemperature);
        _device.EnqueueLaunch("AccumulateWholeBank", new LaunchGrid((uint)splits.Count, queryGroups, columnGroups), ref arguments);
        return splits.Count;
    }

    private int AccumulateSplit(DeviceArray<uint> packed, int count, float inverseTemperature)
    {
        uint fragments = QueriesAFragment.GroupsOf(count);
        packed.EnsureLength((long)fragments * QueriesAFragment * _bank.Stride);
        var pack = new KernelArguments();
        pack.Quads(_queries);
        pack.Eights(packed);
        pack.Int32(count);
        pack.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("SplitQueries", new LaunchGrid(fragments), ref pack);

        var splits = BankSplits.Of(_bank.RowCount, SplitTileRows, SplitQueriesAGroup.GroupsOf(count), BankSplits.OneAMultiprocessor);
        EnsureParts(splits.Count, count);
        var arguments = new KernelArguments();
        arguments.Eights(packed);
        arguments.Eights(_mirror.CurrentRounded(withRests: true).Pairs);
        arguments.View(_sums);
        AddSizes(ref arguments, count, splits, inverseTemperature);
        _device.EnqueueLaunch("AccumulateSplitWholeBank", splits.Grid, ref arguments);
        return splits.Count;
    }

    private void EnsureParts(int splits, int count)
    {
        _sums.EnsureLength((long)splits * count * _bank.Stride);
        _maxima.EnsureLength((long)splits * count);
        _totals.EnsureLength((long)splits * count);
    }

    // What both passes take behind queries, bank and sums.
    private void AddSizes(ref KernelArguments arguments, int count, BankSplits splits, float inverseTemperature)
    {
        arguments.View(_maxima);
        arguments.View(_totals);
        arguments.Int32(count);
        arguments.Int64(_bank.RowCount);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int64(splits.Rows);
        arguments.Single(inverseTemperature);
    }

    private void Merge(int count, int splits, bool extraPositive, float temperature)
    {
        _losses.EnsureLength(count);
        _gradient.EnsureLength((long)count * _bank.Stride);
        var arguments = new KernelArguments();
        arguments.Quads(_queries);
        arguments.Quads(_positives);
        arguments.Quads(_sums);
        arguments.View(_maxima);
        arguments.View(_totals);
        arguments.View(_losses);
        arguments.Quads(_gradient);
        arguments.Int32(count);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(splits);
        arguments.Int32(extraPositive ? 1 : 0);
        arguments.Single(1 / temperature);
        arguments.Single(1 / (temperature * count));
        _device.EnqueueLaunch("MergeWholeBank", new LaunchGrid((uint)count), ref arguments);
    }
}
