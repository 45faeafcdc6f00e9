using BenchmarkDotNet.Attributes;
using SSLP.Engine.Objective;
using SSLP.Kernels;

namespace SSLP.Bench.Kernels;

/// <summary>How long do two iterations of k-means with 1000 centres take, and how long in plain tensors?</summary>
[MemoryDiagnoser]
public class KMeansBench : BankWorkload
{
    private const int Clusters = 1000, Iterations = 2;

    private int[] _labels = [];
    private KMeansCpu _means = null!;

    [Benchmark]
    public void Ours() => _means.Cluster(Clusters, Iterations, [1234], _labels);

    [Benchmark(Baseline = true)]
    public void LibtorchCdistArgmin() => PlainKMeans.Labels(BankTensor, Clusters, Iterations, 1234).Dispose();

    protected override void Open()
    {
        _means = new KMeansCpu(Bank, Pool);
        _labels = new int[Rows];
    }

    protected override void Close() => _means.Dispose();
}
