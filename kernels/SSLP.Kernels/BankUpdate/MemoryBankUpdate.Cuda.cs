using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IMemoryBankUpdate"/> on a device: features and row numbers go over, the mirror's rows are blended there, and the host's bank
/// takes the new rows from it, so that both hold the same bits. A kernel looks for features that are not finite; the update does nothing
/// where it found one. 4·B·⌈D⌉₁₆ bytes each way. Deterministic; within float32 rounding of the host's update.
/// </summary>
internal sealed class MemoryBankUpdateCuda : IMemoryBankUpdate
{
    private readonly MemoryBank _bank;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly DeviceArray<float> _features;
    private readonly DeviceArray<int> _rows, _distinct;
    private readonly StepFlags _flags;

    /// <param name="bank">Borrowed; written by <see cref="Update"/>.</param>
    /// <param name="device">Borrowed.</param>
    public MemoryBankUpdateCuda(MemoryBank bank, IComputeDevice device)
    {
        (_bank, _device) = (bank, device);
        _mirror = BankMirror.Borrow(bank, device);
        (_features, _rows, _distinct, _flags) = (new(device), new(device), new(device), new(device));
    }

    public void Update(ReadOnlySpan<int> rows, MatrixView features, float momentum)
    {
        _bank.CheckUpdateShape(rows, features, momentum);
        if (rows.IsEmpty)
            return;
        DeviceArray<float> bank = _mirror.Current();
        DeviceRows.Upload(features, _bank.Stride, _features);
        _rows.EnsureLength(rows.Length).Upload(rows);
        _flags.EnqueueClear();
        _flags.EnqueueCheck(_features, (long)rows.Length * _bank.Stride);
        var arguments = new KernelArguments();
        arguments.View(_rows);
        arguments.Quads(_features);
        arguments.Quads(bank);
        arguments.View(_flags.Word);
        arguments.Int32(rows.Length);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Single(momentum);
        _device.EnqueueLaunch("UpdateBank", new LaunchGrid((uint)rows.Length), ref arguments);
        if (_flags.Read() != StepFault.None)
            MemoryBank.RefuseNonFinite(rows, features);
        int[] distinct = [.. new HashSet<int>(rows.ToArray())];
        _distinct.EnsureLength(distinct.Length).Upload(distinct);
        _mirror.TakeBack(_distinct, distinct);
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_mirror, _features, _rows, _distinct, _flags])
            part.Dispose();
    }
}
