using BenchmarkDotNet.Attributes;
using SSLP.Kernels;
using TorchSharp;

namespace SSLP.Bench.Kernels;

/// <summary>How long do the k nearest of N bank rows take for 256 queries, and how long in plain tensors?</summary>
[MemoryDiagnoser]
public class NearestKeysBench : BankWorkload
{
    private readonly int[] _rows = new int[Batch * 4096];
    private readonly float[] _similarities = new float[Batch * 4096];
    private NearestKeysCpu _keys = null!;

    [Params(20, 4096)]
    public int K { get; set; }

    [Benchmark]
    public void Ours() => _keys.Find(Queries.Rows, [], K, _rows.AsSpan(0, Batch * K), _similarities.AsSpan(0, Batch * K));

    [Benchmark(Baseline = true)]
    public void LibtorchMatmulTopK()
    {
        using var scope = torch.NewDisposeScope();
        QueryTensor.matmul(BankTensor.t()).topk(K);
    }

    protected override void Open() => _keys = new NearestKeysCpu(Bank, Pool);

    protected override void Close() => _keys.Dispose();
}
