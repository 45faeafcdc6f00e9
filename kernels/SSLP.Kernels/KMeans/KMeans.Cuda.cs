using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="IKMeans"/> on a device, all runs in one launch of each kernel: three an iteration, whatever R is, and the host waits for
/// nothing until the last labels are there. Sums are 64-bit fixed point, exact in any order: deterministic. Device bytes:
/// R·(8·N + 20·C·⌈D⌉₁₆), labels and distances, centres and sums.
/// </summary>
internal sealed unsafe class KMeansCuda : IKMeans
{
    /// <summary>Rows of a cluster whose sums of unit rows the fixed point holds.</summary>
    internal const int MaxClusterRows = 1 << 27;

    private readonly MemoryBank _bank;
    private readonly IComputeDevice _device;
    private readonly BankMirror _mirror;
    private readonly int _maxClusterRows;
    private readonly DeviceArray<float> _centres, _bias, _distances;
    private readonly DeviceArray<int> _labels, _sizes, _start, _largest;
    private readonly DeviceArray<long> _sums;
    private readonly AlignedBuffer<float> _hostCentres = new();
    private int _clusters, _runs;

    /// <param name="bank">Borrowed; what is written to it later is followed.</param>
    /// <param name="device">Borrowed.</param>
    /// <param name="maxClusterRows">More rows in a cluster are refused; tests have fewer.</param>
    public KMeansCuda(MemoryBank bank, IComputeDevice device, int maxClusterRows = MaxClusterRows)
    {
        (_bank, _device, _maxClusterRows) = (bank, device, maxClusterRows);
        _mirror = BankMirror.Borrow(bank, device);
        (_centres, _bias, _distances) = (new(device), new(device), new(device));
        (_labels, _sizes, _start, _largest, _sums) = (new(device), new(device), new(device), new(device), new(device));
    }

    public MatrixView Centres => new(_hostCentres.Pointer, _clusters, _bank.Width, _bank.Stride);

    /// <summary>Clusters of all runs.</summary>
    private int AllClusters => checked(_runs * _clusters);

    public void Cluster(int clusters, int iterations, ReadOnlySpan<ulong> seeds, Span<int> labels)
    {
        clusters = KMeansRules.Check(_bank.RowCount, clusters, iterations, seeds, labels);
        if (seeds.Length == 0)
            return;
        (_clusters, _runs) = (clusters, seeds.Length);
        DeviceArray<float> bank = _mirror.Current();
        Start(bank, seeds);
        Assign(bank, isJoining: iterations > 1);
        for (int iteration = 1; iteration < iterations; iteration++)
        {
            FillEmpty(bank);
            Mean();
            Assign(bank, isJoining: iteration + 1 < iterations);
        }

        _labels.ReadBack(labels);
        RequireSumsThatFit();
        long values = (long)_clusters * _bank.Stride;
        _hostCentres.EnsureLength(values);
        _centres.ReadBack(_hostCentres.Span(0, checked((int)values)), first: (_runs - 1) * values);
    }

    public void Dispose()
    {
        IDisposable[] parts = [_mirror, _centres, _bias, _distances, _labels, _sizes, _start, _largest, _sums, _hostCentres];
        foreach (IDisposable part in parts)
            part.Dispose();
    }

    /// <summary>Centres ← the rows that the seeds draw; what an iteration adds to is empty.</summary>
    private void Start(DeviceArray<float> bank, ReadOnlySpan<ulong> seeds)
    {
        int[] order = new int[_bank.RowCount], start = new int[AllClusters];
        for (int run = 0; run < _runs; run++)
        {
            KMeansRules.DrawStart(seeds[run], _clusters, order);
            order.AsSpan(0, _clusters).CopyTo(start.AsSpan(run * _clusters));
        }

        long values = (long)AllClusters * _bank.Stride, rows = (long)_runs * _bank.RowCount;
        _start.EnsureLength(AllClusters).Upload(start);
        _centres.EnsureLength(values);
        _sums.EnsureLength(values);
        _bias.EnsureLength(AllClusters);
        _labels.EnsureLength(rows);
        _distances.EnsureLength(rows);
        _largest.EnsureLength(_runs).EnqueueClear(_runs);
        _sizes.EnsureLength(AllClusters).EnqueueClear(AllClusters);
        DeviceRows.EnqueueGather(_device, bank, _start, _centres, AllClusters, _mirror.StrideQuads);
        // Clusters of no rows keep their centres, get their bias, and their sums begin at 0.
        Mean();
    }

    /// <param name="bank">Rows.</param>
    /// <param name="isJoining">Whether rows are added to the sums for another iteration.</param>
    private void Assign(DeviceArray<float> bank, bool isJoining)
    {
        var arguments = new KernelArguments();
        arguments.Quads(bank);
        arguments.Quads(_centres);
        arguments.View(_bias);
        arguments.View(_labels);
        arguments.View(_distances);
        arguments.View(_sums);
        arguments.View(_sizes);
        arguments.Int32(_bank.RowCount);
        arguments.Int32(_clusters);
        arguments.Int32(_mirror.StrideQuads);
        arguments.Int32(isJoining ? 1 : 0);
        var grid = new LaunchGrid(CandidateSearch.ScoreTileSide.GroupsOf(_bank.RowCount), (uint)_runs);
        _device.EnqueueLaunch("AssignClusters", grid, ref arguments);
    }

    private void FillEmpty(DeviceArray<float> bank)
    {
        var arguments = new KernelArguments();
        arguments.Quads(bank);
        arguments.View(_labels);
        arguments.View(_distances);
        arguments.View(_sums);
        arguments.View(_sizes);
        arguments.View(_largest);
        arguments.Int32(_bank.RowCount);
        arguments.Int32(_clusters);
        arguments.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("FillEmptyClusters", new LaunchGrid((uint)_runs), ref arguments);
    }

    private void Mean()
    {
        var arguments = new KernelArguments();
        arguments.View(_sums);
        arguments.View(_sizes);
        arguments.Quads(_centres);
        arguments.View(_bias);
        arguments.Int32(_mirror.StrideQuads);
        _device.EnqueueLaunch("MeanClusters", new LaunchGrid((uint)AllClusters), ref arguments);
    }

    /// <summary>Refuses what was computed where a cluster had more rows than its sums hold; fewer rows in all cannot.</summary>
    private void RequireSumsThatFit()
    {
        if (_bank.RowCount <= _maxClusterRows)
            return;
        int[] largest = new int[_runs];
        _largest.ReadBack(largest);
        if (largest.Max() > _maxClusterRows)
        {
            throw new ArgumentException(
                $"k-means on CUDA takes up to {_maxClusterRows} rows in one cluster; one has had {largest.Max()}. "
                + "Ask for more clusters, or take kernels=cpu.");
        }
    }
}
