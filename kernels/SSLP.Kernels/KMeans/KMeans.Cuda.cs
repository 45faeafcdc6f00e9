using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IKMeans"/> on a device: assignment, sums and means there; the sizes of the clusters come back each iteration, labels and
/// distances only where a cluster is empty, which the host then seeds anew by the contract's rule. Sums are 64-bit fixed point, exact in
/// any order: deterministic. Device bytes: 8·N for labels and distances, 20·C·⌈D⌉₁₆ for centres and sums.
/// </summary>
internal sealed unsafe class KMeansCuda : IKMeans
{
    /// <summary>Rows of a cluster whose sums of unit rows the fixed point holds.</summary>
    internal const int MaxClusterRows = 1 << 27;

    private const int GroupSize = 256, GroupsWanted = 1024;

    private readonly MemoryBank _bank;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly DeviceArray<float> _centres, _bias, _distances;
    private readonly DeviceArray<int> _labels, _sizes, _start;
    private readonly DeviceArray<long> _sums;
    private readonly AlignedBuffer<float> _hostCentres = new();
    private int _clusters;

    /// <param name="bank">Borrowed; what is written to it later is followed.</param>
    /// <param name="device">Borrowed.</param>
    public KMeansCuda(MemoryBank bank, IComputeDevice device)
    {
        (_bank, _device) = (bank, device);
        _mirror = BankMirror.Borrow(bank, device);
        (_centres, _bias, _distances) = (new(device), new(device), new(device));
        (_labels, _sizes, _start, _sums) = (new(device), new(device), new(device), new(device));
    }

    public MatrixView Centres => new(_hostCentres.Pointer, _clusters, _bank.Width, _bank.Stride);

    public void Cluster(int clusters, int iterations, ReadOnlySpan<ulong> seeds, Span<int> labels)
    {
        _clusters = KMeansRules.Check(_bank.RowCount, clusters, iterations, seeds, labels);
        DeviceArray<float> bank = _mirror.Current();
        int rows = _bank.RowCount;
        _labels.EnsureLength(rows);
        for (int run = 0; run < seeds.Length; run++)
        {
            Start(bank, seeds[run]);
            Assign(bank);
            for (int iteration = 1; iteration < iterations; iteration++)
            {
                Sum(bank);
                if (FillEmpty(bank))
                    Sum(bank);
                Mean();
                Assign(bank);
            }

            _labels.ReadBack(labels.Slice(run * rows, rows));
        }

        int values = checked(_clusters * _bank.Stride);
        _hostCentres.EnsureLength(values);
        if (seeds.Length > 0)
            _centres.ReadBack(_hostCentres.Span(0, values));
    }

    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_mirror, _centres, _bias, _distances, _labels, _sizes, _start, _sums, _hostCentres])
            part.Dispose();
    }

    private void Start(DeviceArray<float> bank, ulong seed)
    {
        int[] order = new int[_bank.RowCount];
        KMeansRules.DrawStart(seed, _clusters, order);
        _start.EnsureLength(_clusters).Upload(order.AsSpan(0, _clusters));
        _centres.EnsureLength((long)_clusters * _bank.Stride);
        DeviceRows.EnqueueGather(_device, bank, _start, _centres, _clusters, _mirror.StrideQuads);
    }

    private void Assign(DeviceArray<float> bank)
    {
        _bias.EnsureLength(_clusters);
        var bias = new KernelArguments();
        bias.Quads(_centres);
        bias.View(_bias);
        bias.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("CentroidBias", new LaunchGrid((uint)_clusters), ref bias);

        var arguments = new KernelArguments();
        arguments.Quads(bank);
        arguments.Quads(_centres);
        arguments.View(_bias);
        arguments.View(_labels);
        arguments.Int32(_bank.RowCount);
        arguments.Int32(_clusters);
        arguments.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("AssignClusters", new LaunchGrid(CandidateSearch.ScoreTileSide.GroupsOf(_bank.RowCount)), ref arguments);
    }

    private void Sum(DeviceArray<float> bank)
    {
        long values = (long)_clusters * _bank.Stride;
        _sums.EnsureLength(values).EnqueueClear(values);
        _sizes.EnsureLength(_clusters).EnqueueClear(_clusters);
        var arguments = new KernelArguments();
        arguments.Quads(bank);
        arguments.View(_labels);
        arguments.View(_sums);
        arguments.View(_sizes);
        arguments.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("SumClusters", new LaunchGrid((uint)_bank.RowCount), ref arguments);
    }

    private void Mean()
    {
        var arguments = new KernelArguments();
        arguments.View(_sums);
        arguments.View(_sizes);
        arguments.Quads(_centres);
        arguments.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("MeanClusters", new LaunchGrid((uint)_clusters), ref arguments);
    }

    /// <summary>
    /// Seeds empty clusters anew, in ascending order, each at the farthest row that its cluster can spare; whether a label changed.
    /// </summary>
    private bool FillEmpty(DeviceArray<float> bank)
    {
        int[] sizes = new int[_clusters];
        _sizes.ReadBack(sizes);
        if (sizes.Max() > MaxClusterRows)
        {
            throw new ArgumentException(
                $"k-means on CUDA takes up to {MaxClusterRows} rows in one cluster; there are {sizes.Max()} in cluster " +
                $"{Array.IndexOf(sizes, sizes.Max())}. "
                + "Ask for more clusters, or take kernels=cpu.");
        }

        if (Array.IndexOf(sizes, 0) < 0)
            return false;
        int rows = _bank.RowCount;
        _distances.EnsureLength(rows);
        var arguments = new KernelArguments();
        arguments.Quads(bank);
        arguments.Quads(_centres);
        arguments.View(_labels);
        arguments.View(_distances);
        arguments.Int32(rows);
        arguments.Int32(_mirror.StrideQuads);
        uint groups = Math.Min(GroupSize.GroupsOf(rows), GroupsWanted);
        _device.EnqueueLaunch("RowDistances", new LaunchGrid(groups), ref arguments);
        int[] labels = new int[rows];
        float[] distances = new float[rows];
        _labels.ReadBack(labels);
        _distances.ReadBack(distances);
        bool changed = false;
        for (int empty = Array.IndexOf(sizes, 0); empty >= 0; empty = Array.IndexOf(sizes, 0, empty))
        {
            int farthest = Farthest(labels, sizes, distances);
            if (farthest < 0)
                break;
            sizes[labels[farthest]]--;
            sizes[empty] = 1;
            labels[farthest] = empty;
            distances[farthest] = 0;
            changed = true;
        }

        if (changed)
            _labels.Upload(labels);
        return changed;
    }

    /// <summary>
    /// The row farthest from its centre among those whose cluster has others, the lower of two; −1 if none lies off its centre.
    /// </summary>
    private static int Farthest(int[] labels, int[] sizes, float[] distances)
    {
        // Squares of differences of unit size that are rounding alone.
        const float atCentre = 1e-12f;
        int farthest = -1;
        for (int row = 0; row < labels.Length; row++)
        {
            if (distances[row] > atCentre && sizes[labels[row]] > 1 && (farthest < 0 || distances[row] > distances[farthest]))
                farthest = row;
        }

        return farthest;
    }
}
