using System.Runtime.CompilerServices;
using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// A bank's rows on a device: [N, ⌈D⌉₁₆] floats, zeros beyond D. The host's bank stays the one that is written; rows that it writes are
/// noted and copied before the next use, so that both hold the same bits. All kernels of one bank on one device share a mirror. 4·N·⌈D⌉₁₆
/// bytes, and half as many for the rows as bf16 where those are wanted, or as many with what rounding left.
/// </summary>
internal sealed class BankMirror : IDisposable
{
    private static readonly ConditionalWeakTable<IComputeDevice, Dictionary<MemoryBank, BankMirror>> Mirrors = [];

    private readonly IComputeDevice _device;
    private readonly DeviceArray<float> _rows, _changed;
    private readonly DeviceArray<int> _changedIds;
    private readonly HashSet<int> _written = [];
    private RoundedRows? _rounded;
    private float[] _staging = [];
    private int[] _ids = [];
    private bool _isComplete, _updating;
    private int _borrowers;

    private BankMirror(MemoryBank bank, IComputeDevice device)
    {
        Bank = bank;
        _device = device;
        (_rows, _changed, _changedIds) = (new DeviceArray<float>(device), new DeviceArray<float>(device), new DeviceArray<int>(device));
        bank.RowWritten += Note;
    }

    /// <summary>The bank's mirror on a device; give it back by <see cref="Dispose"/>, once.</summary>
    public static BankMirror Borrow(MemoryBank bank, IComputeDevice device)
    {
        Dictionary<MemoryBank, BankMirror> mirrors = Mirrors.GetOrCreateValue(device);
        lock (mirrors)
        {
            if (!mirrors.TryGetValue(bank, out BankMirror? mirror))
                mirrors.Add(bank, mirror = new BankMirror(bank, device));
            mirror._borrowers++;
            return mirror;
        }
    }

    public MemoryBank Bank { get; }

    /// <summary>Groups of four floats in a row.</summary>
    public int StrideQuads => Bank.Stride / 4;

    /// <summary>The rows as the host's bank has them now.</summary>
    public DeviceArray<float> Current()
    {
        if (!_isComplete)
            UploadAll();
        else if (_written.Count > 0)
            UploadWritten();
        return _rows;
    }

    /// <summary>The same rows as bf16; from the first call on both are kept, and the rests from the first call that wants them.</summary>
    public RoundedRows CurrentRounded(bool withRests = false)
    {
        DeviceArray<float> rows = Current();
        if (_rounded is null || (withRests && !_rounded.HasRests))
        {
            _rounded ??= new RoundedRows(_device);
            _rounded.HasRests = withRests;
            _rounded.Round(rows, Bank.RowCount, StrideQuads);
        }

        return _rounded;
    }

    /// <summary>
    /// Takes over rows that a kernel has written on the device: they are read back and become the host's, which tells every other copy.
    /// </summary>
    /// <param name="ids">[count] on the device; no id occurs twice.</param>
    /// <param name="hostIds">The same.</param>
    public void TakeBack(DeviceArray<int> ids, ReadOnlySpan<int> hostIds)
    {
        int count = hostIds.Length, stride = Bank.Stride;
        EnsureStaging(count);
        _changed.EnsureLength((long)count * stride);
        var gather = new KernelArguments();
        gather.Quads(_rows);
        gather.View(ids);
        gather.Quads(_changed);
        gather.Int32(StrideQuads);
        _device.EnqueueLaunch("GatherRows", new LaunchGrid((uint)count), ref gather);
        _rounded?.Round(_rows, ids, count, StrideQuads);
        _changed.ReadBack(_staging.AsSpan(0, count * stride));
        _updating = true;
        try
        {
            for (int i = 0; i < count; i++)
                Bank.LoadRows(hostIds[i], _staging.AsSpan(i * stride, Bank.Width));
        }
        finally
        {
            _updating = false;
        }
    }

    public void Dispose()
    {
        if (!Mirrors.TryGetValue(_device, out Dictionary<MemoryBank, BankMirror>? mirrors))
            return;
        lock (mirrors)
        {
            if (--_borrowers > 0)
                return;
            mirrors.Remove(Bank);
        }

        _rounded?.Dispose();
        Bank.RowWritten -= Note;
        _rows.Dispose();
        _changed.Dispose();
        _changedIds.Dispose();
    }

    private void Note(int row)
    {
        if (_isComplete && !_updating)
            _written.Add(row);
        // A bank that is loaded anew goes over in one copy.
        if (_written.Count > Bank.RowCount / 8 + 1024)
            _isComplete = false;
    }

    /// <summary>The rows in one copy, then each to its place by a kernel.</summary>
    private unsafe void UploadWritten()
    {
        int count = _written.Count, stride = Bank.Stride;
        EnsureStaging(count);
        _written.CopyTo(_ids);
        for (int i = 0; i < count; i++)
            new ReadOnlySpan<float>(Bank.Rows.RowPointer(_ids[i]), stride).CopyTo(_staging.AsSpan(i * stride, stride));
        _changed.EnsureLength((long)count * stride).Upload(_staging.AsSpan(0, count * stride));
        _changedIds.EnsureLength(count).Upload(_ids.AsSpan(0, count));
        var arguments = new KernelArguments();
        arguments.Quads(_changed);
        arguments.View(_changedIds);
        arguments.Quads(_rows);
        arguments.Int32(StrideQuads);
        _device.EnqueueLaunch("ScatterRows", new LaunchGrid((uint)count), ref arguments);
        _rounded?.Round(_rows, _changedIds, count, StrideQuads);
        _written.Clear();
    }

    private void EnsureStaging(int count)
    {
        if (_ids.Length < count)
            (_ids, _staging) = (new int[count], new float[(long)count * Bank.Stride]);
    }

    private unsafe void UploadAll()
    {
        _rows.EnsureLength((long)Bank.RowCount * Bank.Stride);
        _device.Upload(_rows.AddressOf(0), Bank.Rows.Data, (long)Bank.RowCount * Bank.Stride * sizeof(float));
        _rounded?.Round(_rows, Bank.RowCount, StrideQuads);
        _written.Clear();
        _isComplete = true;
    }
}
