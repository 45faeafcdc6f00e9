using BenchmarkDotNet.Attributes;
using SSLP.Kernels;
using TorchSharp;

namespace SSLP.Bench.Kernels;

/// <summary>How long does InfoNCE against the whole bank take with its gradient, and how long as attention?</summary>
[MemoryDiagnoser]
public class WholeBankLossBench : BankWorkload
{
    private readonly int[] _positives = [.. Enumerable.Range(0, Batch)];
    private readonly float[] _losses = new float[Batch];
    private MemoryBank _gradient = null!;
    private WholeBankLossCpu _loss = null!;

    [Benchmark]
    public double Ours() => _loss.Evaluate(Queries.Rows, _positives, 0.07f, _losses, _gradient.Rows);

    [Benchmark(Baseline = true)]
    public void Attention()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor keys = BankTensor.unsqueeze(0).unsqueeze(0);
        torch.nn.functional.scaled_dot_product_attention(QueryTensor.unsqueeze(0).unsqueeze(0), keys, keys);
    }

    protected override void Open()
    {
        _loss = new WholeBankLossCpu(Bank, Pool);
        _gradient = new MemoryBank(Batch, Bank.Width);
    }

    protected override void Close()
    {
        _loss.Dispose();
        _gradient.Dispose();
    }
}
