using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IMemoryBankUpdate"/> on a device. <see cref="Update"/> is for a host's features: they and the row numbers go over, the
/// mirror's rows are blended there, and the host's bank takes the new rows from it, so that both hold the same bits; 4·B·⌈D⌉₁₆ bytes each
/// way. <see cref="Enqueue"/> is for features on the device: nothing comes back, and from then on the device's rows are the bank; the
/// host's are what <see cref="TakeHome()"/> last made them. A kernel looks for features that are not finite; the update does nothing where
/// a fault is set. Deterministic; within float32 rounding of the host's update.
/// </summary>
internal sealed class MemoryBankUpdateCuda : IMemoryBankUpdate
{
    private readonly MemoryBank _bank;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly DeviceArray<float> _features, _given;
    private readonly DeviceArray<int> _rows, _own;
    private readonly StepReport _report;

    /// <param name="bank">Borrowed; written by <see cref="Update"/>.</param>
    /// <param name="device">Borrowed.</param>
    public MemoryBankUpdateCuda(MemoryBank bank, IComputeDevice device)
    {
        (_bank, _device) = (bank, device);
        _mirror = BankMirror.Borrow(bank, device);
        (_features, _given, _rows, _own, _report) = (new(device), new(device), new(device), new(device), new(device));
    }

    /// <summary>Whether the device's rows are newer than the host's.</summary>
    public bool IsAhead => _mirror.IsAhead;

    public void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum)
    {
        _bank.CheckUpdateShape(rows, features, momentum);
        if (rows.IsEmpty)
            return;
        _rows.EnsureLength(rows.Length).Upload(rows);
        DeviceRows.Upload(features, features.Width, _given);
        _report.EnqueueClear();
        Enqueue(_rows.AddressOf(0), _given.AsMatrix(features), momentum, _report);
        if (_report.Read().Fault != StepFault.None)
            MemoryBank.RefuseNonFinite(rows, features);
        TakeHome([.. new HashSet<int>(rows.ToArray())]);
    }

    /// <summary>The update of rows and features that lie on the device; not where the report has a fault, or the features have
    /// one.</summary>
    /// <param name="rows">Device address of B bank rows.</param>
    /// <param name="features">f [B, D].</param>
    /// <param name="momentum">m in [0, 1], the weight of the new feature.</param>
    public void Enqueue(ulong rows, DeviceMatrix features, float momentum, StepReport report)
    {
        DeviceArray<float> bank = _mirror.Current();
        _mirror.EnqueueTake(rows, features, _features, _own, report, features.Rows);
        var arguments = new KernelArguments();
        arguments.View(rows, features.Rows);
        arguments.Quads(_features);
        arguments.Quads(bank);
        report.AddFlags(ref arguments);
        arguments.Int32(features.Rows);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Single(momentum);
        _device.EnqueueLaunch("UpdateBank", new LaunchGrid((uint)features.Rows), ref arguments);
        _mirror.HasWritten(rows, features.Rows);
    }

    /// <summary>The host's bank takes all rows from the device, by the block; waits for it.</summary>
    public void TakeHome() => _mirror.TakeHome();

    /// <summary>The same of some rows, which are all that the caller will read.</summary>
    /// <param name="rows">No row occurs twice.</param>
    public void TakeHome(ReadOnlySpan<int> rows) => _mirror.TakeHome(rows);

    /// <summary>Some rows as they are on the device, [n, D]; waits for it. The host's bank stays what it is.</summary>
    public float[] Read(ReadOnlySpan<int> rows) => _mirror.Read(rows);

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_mirror, _features, _given, _rows, _own, _report])
            part.Dispose();
    }
}
