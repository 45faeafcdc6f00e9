using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// Rows as bf16 beside the float32 ones: [n, ⌈D⌉₁₆] of two bytes, an upper bound of each row's length, and the greatest length so far.
/// Where <see cref="HasRests"/>, as many bytes again for what rounding left.
/// </summary>
internal sealed class RoundedRows(IComputeDevice device) : IDisposable
{
    private readonly DeviceArray<int> _none = new DeviceArray<int>(device).EnsureLength(1);
    private bool _hasLargest;
    private long _rows;

    /// <summary>Whether the rests are wanted, from the next rounding of all rows on.</summary>
    public bool HasRests { get; set; }

    /// <summary>Two values in each element; the rests behind the values.</summary>
    public DeviceArray<uint> Pairs { get; } = new(device);

    public DeviceArray<float> Lengths { get; } = new(device);

    /// <summary>One float's bits: no row was ever longer.</summary>
    public DeviceArray<int> Largest { get; } = new(device);

    /// <summary>Rounds rows 0 … count−1.</summary>
    public void Round(DeviceArray<float> rows, int count, int strideQuads)
    {
        _rows = count;
        Pairs.EnsureLength((HasRests ? 4L : 2L) * count * strideQuads);
        Lengths.EnsureLength(count);
        Launch(rows, _none.AddressOf(0), count, strideQuads, byIds: 0);
    }

    /// <summary>Rounds the rows with these numbers, at a device address, again.</summary>
    public void Round(DeviceArray<float> rows, ulong ids, int count, int strideQuads) => Launch(rows, ids, count, strideQuads, byIds: 1);

    public void Dispose()
    {
        foreach (IDisposable array in (IDisposable[])[_none, Pairs, Lengths, Largest])
            array.Dispose();
    }

    private void Launch(DeviceArray<float> rows, ulong ids, int count, int strideQuads, int byIds)
    {
        Largest.EnsureLength(1);
        if (!_hasLargest)
            Largest.EnqueueClear(1);
        _hasLargest = true;
        var arguments = new KernelArguments();
        arguments.Quads(rows);
        arguments.View(ids, byIds != 0 ? count : 1);
        arguments.View(Pairs);
        arguments.View(Lengths);
        arguments.View(Largest);
        arguments.Int64(HasRests ? 2 * _rows * strideQuads : 0);
        arguments.Int32(strideQuads);
        arguments.Int32(byIds);
        device.EnqueueLaunch("RoundRows", new LaunchGrid((uint)count), ref arguments);
    }
}
