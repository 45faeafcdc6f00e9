using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>How much faster than libtorch does InfoNCE against the whole bank, with its gradient, run?</summary>
public static class WholeBankLossBench
{
    private const float Temperature = 0.07f;

    /// <summary>Floor: 4·B·N·D operations, 4·N·D bytes.</summary>
    public static BenchReport Run(BenchOptions options)
    {
        options = options.OrElse(queries: 256);
        using var bench = new BankBench(options);
        using IWholeBankLoss loss = bench.Kernels.WholeBankLoss(bench.Bank);
        int[] positives = [.. Enumerable.Range(0, options.Queries).Select(i => (int)(i * 7919L % options.Rows))];
        float[] losses = new float[options.Queries];
        using var gradient = new MemoryBank(options.Queries, options.Width);
        double ours = 0;
        bench.StartMemory();
        ours = loss.Evaluate(bench.Queries.Rows, positives, Temperature, losses, gradient.Rows);
        long peak = bench.PeakGrowth();

        using DisposeScope scope = NewDisposeScope();
        Tensor bank = bench.Rows(bench.Bank), queries = bench.Rows(bench.Queries);
        Tensor targets = tensor(positives, ScalarType.Int64, bench.Device);
        var rounds = new BenchRounds(options);
        rounds.Add("ours", () => ours = loss.Evaluate(bench.Queries.Rows, positives, Temperature, losses, gradient.Rows));
        rounds.Add("sdpa with K = V = bank", () =>
        {
            Attention(bank, queries, targets).Dispose();
            bench.Await();
        });
        rounds.Add("libtorch matmul, cross entropy, backward", () =>
        {
            Naive(bank, queries, targets).Gradient.Dispose();
            bench.Await();
        });
        double[] medians = rounds.Medians();

        double work = (double)options.Rows * options.Width;
        double floor = bench.FloorMs(4 * options.Queries * work, bank.element_size() * work);
        (double theirs, Tensor theirOwn) = Naive(bank, queries, targets);
        Tensor theirGradient = theirOwn.to(ScalarType.Float32, CPU);
        double apart = (theirGradient - BankBench.ToTensor(gradient)).abs().max().item<float>() / theirGradient.abs().max().item<float>();
        return bench.Report(
            "loss", rounds, medians, floor, peak, [new("queries", options.Queries), new("rows", options.Rows), new("width", options.Width)],
            [$"loss {ours:F6}, libtorch's {theirs:F6}; gradients differ by at most {apart:E1} of the largest"]);
    }

    /// <summary>∂L/∂f by attention: softmax(f·vᵀ/τ)·v is the mean row that the positive is set against. It gives no loss.</summary>
    private static Tensor Attention(Tensor bank, Tensor queries, Tensor targets)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        // scaled_dot_product_attention divides by √D; the temperature goes into the query.
        Tensor query = (queries * (Math.Sqrt(queries.shape[1]) / Temperature)).unsqueeze(0).unsqueeze(0);
        Tensor key = bank.unsqueeze(0).unsqueeze(0);
        Tensor mean = nn.functional.scaled_dot_product_attention(query, key, key).squeeze(0).squeeze(0);
        return ((mean - bank.index_select(0, targets)) / (Temperature * queries.shape[0])).MoveToOuterDisposeScope();
    }

    private static (double Loss, Tensor Gradient) Naive(Tensor bank, Tensor queries, Tensor targets)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor f = queries.detach().clone().requires_grad_();
        Tensor loss = nn.functional.cross_entropy(f.matmul(bank.t()) / Temperature, targets);
        loss.backward();
        return (loss.to(ScalarType.Float32).item<float>(), f.grad!.MoveToOuterDisposeScope());
    }
}
