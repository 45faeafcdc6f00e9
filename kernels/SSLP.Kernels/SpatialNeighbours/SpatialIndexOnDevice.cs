using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>The spatial index and the coordinates on a device: 20·N bytes and the runs.</summary>
internal sealed class SpatialIndexOnDevice : IDisposable
{
    private const int MaxRadius = 127;  // the device looks at 256 grid rows at most

    private readonly DeviceArray<int>[] _arrays;

    public SpatialIndexOnDevice(SpatialNeighbours spatial, double radiusPatches, IComputeDevice device)
    {
        if (radiusPatches > MaxRadius)
            throw new ArgumentException($"On CUDA the radius of spatial neighbours is at most {MaxRadius} patches; it is {radiusPatches}.");
        _arrays = [.. spatial.IndexArrays.Select(values => Copy(values, device))];
        int reach = (int)Math.Ceiling(radiusPatches);
        UsualNeighbours = (2 * reach + 1) * (2 * reach + 1);
    }

    /// <summary>Grid places within the radius's square: as many neighbours as an anchor has unless places hold several patches.</summary>
    public int UsualNeighbours { get; }

    /// <summary>[N] the slide of each patch.</summary>
    public DeviceArray<int> Slides => _arrays[0];

    /// <summary>Slide, column, row, runs of a slide, row and start of a run, sorted columns, sorted rows: as the kernel takes
    /// them.</summary>
    public void AddTo(ref KernelArguments arguments)
    {
        foreach (DeviceArray<int> array in _arrays)
            arguments.View(array);
    }

    public void Dispose()
    {
        foreach (DeviceArray<int> array in _arrays)
            array.Dispose();
    }

    private static DeviceArray<int> Copy(ReadOnlyMemory<int> values, IComputeDevice device)
    {
        DeviceArray<int> array = new DeviceArray<int>(device).EnsureLength(values.Length);
        array.Upload(values.Span);
        return array;
    }
}
