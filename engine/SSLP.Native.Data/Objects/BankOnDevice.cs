using SSLP.Interop.Cuda;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>A bank's calls on memory of its device, in the order of a stream of the host's.</summary>
/// <param name="bank">Borrowed, as all others are.</param>
/// <param name="device">Of the kernels.</param>
/// <param name="nearest">Of the bank.</param>
/// <param name="update">Of the bank.</param>
internal sealed class BankOnDevice(MemoryBank bank, CudaComputeDevice device, NearestKeysCuda nearest, MemoryBankUpdateCuda update)
    : IDisposable
{
    private readonly SentInts _ints = new(device.Context, device);
    private readonly StepReport _searched = new(device), _updated = new(device);
    private bool _hasUpdated;

    /// <inheritdoc cref="NearestKeysCuda.Find(DeviceMatrix, ulong, int, ulong, ulong, StepReport)"/>
    /// <exception cref="ArgumentException">k or an own row is impossible, or a query is not finite.</exception>
    public void Search(DeviceMatrix queries, ReadOnlySpan<int> ownRows, int k, ulong rows, ulong similarities, CudaStream stream)
    {
        NearestKeysLimits.CheckFind(bank, queries.Rows, ownRows, k);
        if (queries.Rows == 0)
            return;
        int[] own = new int[queries.Rows];
        own.AsSpan().Fill(-1);
        ownRows.CopyTo(own);
        using StreamOrder order = device.InOrderOf(stream);
        if (!nearest.Find(queries, _ints.Send(own), k, rows, similarities, _searched))
            device.RefuseNonFinite(queries, row => $"Query {row}");
    }

    /// <summary>The update of features on the device; nothing is waited for. Where one is not finite, this update and those behind it do
    /// nothing, which <see cref="Settle"/> tells.</summary>
    public void Update(ReadOnlySpan<int> rows, DeviceMatrix features, float momentum, CudaStream stream)
    {
        bank.CheckUpdateRows(rows, momentum);
        if (rows.IsEmpty)
            return;
        using StreamOrder order = device.InOrderOf(stream);
        update.Enqueue(_ints.Send(rows), features, momentum, _updated);
        _hasUpdated = true;
    }

    /// <summary>Waits for updates; the host's rows become what they made of them.</summary>
    /// <exception cref="ArgumentException">One was given what is not finite. It is told once.</exception>
    public void Settle()
    {
        if (!_hasUpdated)
            return;
        _hasUpdated = false;
        StepFault fault = _updated.Read().Fault;
        update.TakeHome();
        if (fault == StepFault.None)
            return;
        _updated.EnqueueClear();
        throw new ArgumentException("An update on the device before this call was given a feature that is not finite: neither it nor those"
            + " behind it changed the bank.");
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_ints, _searched, _updated])
            part.Dispose();
    }
}
