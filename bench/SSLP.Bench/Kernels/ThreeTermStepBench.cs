using BenchmarkDotNet.Attributes;
using SSLP.Kernels;

namespace SSLP.Bench.Kernels;

/// <summary>How long does the bank's part of a step take, and how long its spatial neighbours and its draw of ranks alone?</summary>
[MemoryDiagnoser]
public class ThreeTermStepBench : BankWorkload
{
    private const int SlideColumns = 160, RowsPerCluster = 200;

    private readonly int[] _anchors = new int[Batch];
    private readonly int[] _ranks = new int[4096];
    private readonly RowLists _lists = new();
    private SpatialNeighbours _spatial = null!;
    private ThreeTermStepCpu _step = null!;
    private MemoryBank _gradient = null!;
    private long _at;

    [Benchmark]
    public ThreeTermResult Step() =>
        _step.Run(_anchors, Queries.Rows, new ThreeTermCall(TermWeights.Ramped(0.5), Seed: 1, _at++), _gradient.Rows);

    [Benchmark]
    public void SpatialNeighboursOfABatch() => _spatial.Query(_anchors, 3, _lists);

    [Benchmark]
    public int DrawOfRanks() => NegativeRanks.DrawRanks(1, _at++, NegativeRanks.PoolSize(Rows, 0.2), _ranks.Length, _ranks);

    protected override void Open()
    {
        int[] place = [.. Enumerable.Range(0, Rows)];
        _spatial = new SpatialNeighbours(new int[Rows], [.. place.Select(j => j % SlideColumns)], [.. place.Select(j => j / SlideColumns)]);
        _step = new ThreeTermStepCpu(Bank, _spatial, new ThreeTermOptions(), Pool);
        _step.SetClusters(new ClusterAgreement([.. place.Select(j => j / RowsPerCluster)], Rows));
        _gradient = new MemoryBank(Batch, Bank.Width);
        for (int b = 0; b < Batch; b++)
            _anchors[b] = (int)(b * 7919L % Rows);
    }

    protected override void Close()
    {
        _step.Dispose();
        _gradient.Dispose();
    }
}
