using System.Runtime.CompilerServices;
using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// A bank's rows on a device: [N, ⌈D⌉₁₆] floats, zeros beyond D. Rows that the host's bank writes are noted and copied before the next use;
/// once a kernel has written some, these are the bank, and the host's takes them when it is asked to. Both hold the same bits then. All
/// kernels of one bank on one device share a mirror. 4·N·⌈D⌉₁₆ bytes, and half as many for the rows as bf16 where those are wanted, or as
/// many with what rounding left.
/// </summary>
internal sealed class BankMirror : IDisposable
{
    private static readonly ConditionalWeakTable<IComputeDevice, Dictionary<MemoryBank, BankMirror>> Mirrors = [];

    // 4 MB: as much as is staged at once on the way home.
    private const int BlockFloats = 1 << 20;

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

    /// <summary>Features on the device become queries as the kernels read them: rows as long as the bank's, zeros beyond D, with the bank
    /// row of each. What is not finite is a fault of the report.</summary>
    /// <param name="rows">Device address of the B bank rows.</param>
    /// <param name="features">f [B, D].</param>
    /// <param name="to">Queries.</param>
    /// <param name="own">Bank row of each query.</param>
    /// <param name="report">Gets the fault.</param>
    /// <param name="queries">B, or more where others follow: they are cleared.</param>
    public void EnqueueTake(
        ulong rows, DeviceMatrix features, DeviceArray<float> to, DeviceArray<int> own, StepReport report, int queries)
    {
        to.EnsureLength((long)queries * Bank.Stride);
        own.EnsureLength(queries);
        var arguments = new KernelArguments();
        arguments.View(rows, features.Rows);
        arguments.View(features.Address, features.Length);
        arguments.Quads(to);
        arguments.View(own);
        report.AddFlags(ref arguments);
        arguments.Int32(features.Rows);
        arguments.Int32(features.Width);
        arguments.Int32(StrideQuads);
        arguments.Int32((int)StepFault.NotFinite);
        _device.EnqueueLaunch("TakeFeatures", new LaunchGrid((uint)queries), ref arguments);
    }

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

    /// <summary>Whether kernels have written rows that the host's bank does not have.</summary>
    public bool IsAhead { get; private set; }

    /// <summary>A kernel has written rows, or will have when what is enqueued is done: the host's are older from here on.</summary>
    /// <param name="ids">Device address of their numbers.</param>
    /// <param name="count">How many.</param>
    public void HasWritten(ulong ids, int count)
    {
        IsAhead = true;
        _rounded?.Round(_rows, ids, count, StrideQuads);
    }

    /// <summary>The host's bank takes all rows, by the block.</summary>
    public void TakeHome()
    {
        if (!IsAhead)
            return;
        int stride = Bank.Stride, block = Math.Clamp(BlockFloats / stride, 1, Bank.RowCount);
        EnsureStaging(block);
        for (int first = 0; first < Bank.RowCount; first += block)
        {
            int count = Math.Min(block, Bank.RowCount - first);
            _rows.ReadBack(_staging.AsSpan(0, count * stride), (long)first * stride);
            int from = first;
            Load(count, i => from + i);
        }

        IsAhead = false;
    }

    /// <summary>The host's bank takes some rows; the caller answers for it that nobody reads the others, or that they are the
    /// same.</summary>
    /// <param name="ids">No id occurs twice.</param>
    public void TakeHome(ReadOnlySpan<int> ids)
    {
        Gather(ids);
        int[] rows = ids.ToArray();
        Load(rows.Length, i => rows[i]);
        IsAhead = false;
    }

    /// <summary>Some rows as they are on the device, [n, D].</summary>
    public float[] Read(ReadOnlySpan<int> ids)
    {
        Gather(ids);
        float[] values = new float[ids.Length * Bank.Width];
        for (int i = 0; i < ids.Length; i++)
            _staging.AsSpan(i * Bank.Stride, Bank.Width).CopyTo(values.AsSpan(i * Bank.Width));
        return values;
    }

    private void Gather(ReadOnlySpan<int> ids)
    {
        int count = ids.Length, stride = Bank.Stride;
        EnsureStaging(count);
        if (count == 0)
            return;
        DeviceArray<float> rows = Current();
        _changedIds.EnsureLength(count).Upload(ids);
        _changed.EnsureLength((long)count * stride);
        DeviceRows.EnqueueGather(_device, rows, _changedIds, _changed, count, StrideQuads);
        _changed.ReadBack(_staging.AsSpan(0, count * stride));
    }

    // Staged rows become the host's, which tells every other copy.
    private void Load(int count, Func<int, int> rowOf)
    {
        _updating = true;
        try
        {
            for (int i = 0; i < count; i++)
                Bank.LoadRows(rowOf(i), _staging.AsSpan(i * Bank.Stride, Bank.Width));
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
        if (_updating)
            return;
        if (IsAhead)
            throw new InvalidOperationException(
                $"Bank row {row} was written on the host while the device's rows are newer: take them home first.");
        if (_isComplete)
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
        _rounded?.Round(_rows, _changedIds.AddressOf(0), count, StrideQuads);
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
