using SSLP.Engine.Methods;
using SSLP.Engine.Optimizer;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Diverged;

/// <summary>
/// Whether a step may move the weights: its loss, its gradients and the batch statistics after it must be finite. What a step changes
/// before that is known are the batch statistics, which it can put back.
/// </summary>
internal sealed class StepGuard
{
    private readonly FlatSgd _optimizer;
    private readonly (string Name, Parameter Value)[] _learned;
    private readonly (string Name, Tensor Value)[] _parameters, _statistics, _counts;

    /// <param name="method">Its networks are where they will run.</param>
    /// <param name="optimizer">Of its encoder; stays the caller's.</param>
    public StepGuard(Method method, FlatSgd optimizer)
    {
        _optimizer = optimizer;
        _learned = [.. method.Encoder.named_parameters().Select(p => (p.name, p.parameter))];
        _parameters = [.. method.Networks.SelectMany(
            n => n.Network.named_parameters().Select(p => (n.Prefix + p.name, (Tensor)p.parameter)))];
        (string, Tensor)[] buffers =
            [.. method.Networks.SelectMany(n => n.Network.named_buffers().Select(b => (n.Prefix + b.name, b.buffer)))];
        _statistics = [.. buffers.Where(b => b.Item2.is_floating_point())];
        _counts = [.. buffers.Where(b => !b.Item2.is_floating_point())];
    }

    /// <summary>What is learned, by name.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> Learned => _learned;

    /// <summary>Weights and batch statistics of every network, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => _parameters.Concat(_statistics);

    /// <summary>Batch statistics of every network, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> Statistics => _statistics;

    /// <summary>The batch statistics as they are, in one piece; of the caller's scope.</summary>
    public (Tensor Statistics, Tensor Counts) Snapshot()
    {
        using IDisposable noGrad = no_grad();
        return (Joined(_statistics), Joined(_counts));
    }

    /// <summary>Puts back what <see cref="Snapshot"/> gave.</summary>
    public void Restore((Tensor Statistics, Tensor Counts) before)
    {
        using IDisposable noGrad = no_grad();
        Split(before.Statistics, _statistics);
        Split(before.Counts, _counts);
    }

    /// <summary>Of all gradients, as the optimizer judges them.</summary>
    public double GradientNorm() => _optimizer.GradientNorm();

    /// <summary>The batch statistics are finite.</summary>
    public bool StatisticsAreFinite()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return Joined(_statistics).isfinite().all().item<bool>();
    }

    /// <summary>The same without a wait: a fault of the step's report says so. The tensor is of the caller's scope.</summary>
    public void EnqueueStatistics(StepReport report, KernelSet kernels)
    {
        using IDisposable noGrad = no_grad();
        long padding = (4 - _statistics.Sum(s => s.Value.numel()) % 4) % 4; // the kernel takes four at once
        Tensor joined = cat([.. _statistics.Select(s => s.Value.reshape(-1)), zeros(padding, device: _statistics[0].Value.device)], 0);
        report.EnqueueCheck(KernelBridge.Lent(joined, kernels), joined.numel(), StepFault.StatisticsNotFinite);
    }

    /// <summary>Name of a weight or batch statistic that is not finite; null where all are.</summary>
    public string? NotFinite()
    {
        foreach ((string name, Tensor value) in State)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            if (!value.isfinite().all().item<bool>())
                return name;
        }
        return null;
    }

    private static Tensor Joined((string Name, Tensor Value)[] tensors) => cat([.. tensors.Select(t => t.Value.reshape(-1))], 0);

    private static void Split(Tensor joined, (string Name, Tensor Value)[] tensors)
    {
        using DisposeScope scope = NewDisposeScope();
        long at = 0;
        foreach ((_, Tensor value) in tensors)
        {
            value.copy_(joined.narrow(0, at, value.numel()).reshape(value.shape));
            at += value.numel();
        }
    }
}
