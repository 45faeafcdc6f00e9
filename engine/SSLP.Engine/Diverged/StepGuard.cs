using SSLP.Engine.Methods;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Diverged;

/// <summary>
/// Whether a step may move the weights: its loss, its gradients and the batch statistics after it must be finite. What a step changes
/// before that is known are the batch statistics, which it can put back.
/// </summary>
internal sealed class StepGuard
{
    private readonly (string Name, Parameter Value)[] _learned;
    private readonly (string Name, Tensor Value)[] _parameters, _statistics, _counts;

    /// <param name="method">Its networks are where they will run.</param>
    public StepGuard(Method method)
    {
        _learned = [.. method.Encoder.named_parameters().Select(p => (p.name, p.parameter))];
        _parameters = [.. method.Networks.SelectMany(n => n.Network.named_parameters().Select(p => (n.Prefix + p.name, (Tensor)p.parameter)))];
        (string, Tensor)[] buffers = [.. method.Networks.SelectMany(n => n.Network.named_buffers().Select(b => (n.Prefix + b.name, b.buffer)))];
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
        using var noGrad = no_grad();
        return (Joined(_statistics), Joined(_counts));
    }

    /// <summary>Puts back what <see cref="Snapshot"/> gave.</summary>
    public void Restore((Tensor Statistics, Tensor Counts) before)
    {
        using var noGrad = no_grad();
        Split(before.Statistics, _statistics);
        Split(before.Counts, _counts);
    }

    /// <summary>
    /// Euclidean norm of all gradients in float32: not finite where one of them is not, and where their squares overflow. A gradient of
    /// finite norm is below 2⁶⁴, so no learning rate that can be asked for takes a finite weight to infinity by it.
    /// </summary>
    public double GradientNorm()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor[] norms = [.. _learned.Select(p => p.Value.grad).OfType<Tensor>().Select(gradient => gradient.norm())];
        return norms.Length == 0 ? 0 : stack(norms).norm().item<float>();
    }

    /// <summary>The batch statistics are finite.</summary>
    public bool StatisticsAreFinite()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return Joined(_statistics).isfinite().all().item<bool>();
    }

    /// <summary>
    /// The same two without a wait: the norm of the gradients and what is not finite go into a step's report. The tensors are of the
    /// caller's scope.
    /// </summary>
    public void EnqueueChecks(StepReport report, KernelSet kernels)
    {
        using var noGrad = no_grad();
        Tensor[] norms = [.. _learned.Select(p => p.Value.grad).OfType<Tensor>().Select(gradient => gradient.norm())];
        Tensor norm = norms.Length == 0 ? zeros(1) : stack(norms).norm();
        report.EnqueueNumber(StepValue.GradientNorm, KernelBridge.Lent(norm, kernels), StepFault.GradientNotFinite);
        long count = _statistics.Sum(s => s.Value.numel()), padding = (4 - count % 4) % 4; // the kernel takes four at once
        Tensor joined = cat([.. _statistics.Select(s => s.Value.reshape(-1)), zeros(padding, device: norm.device)], 0);
        report.EnqueueCheck(KernelBridge.Lent(joined, kernels), joined.numel(), StepFault.StatisticsNotFinite);
    }

    /// <summary>Name of a weight or batch statistic that is not finite; null where all are.</summary>
    public string? NotFinite()
    {
        foreach ((string name, Tensor value) in State)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            if (!value.isfinite().all().item<bool>())
                return name;
        }
        return null;
    }

    private static Tensor Joined((string Name, Tensor Value)[] tensors) => cat([.. tensors.Select(t => t.Value.reshape(-1))], 0);

    private static void Split(Tensor joined, (string Name, Tensor Value)[] tensors)
    {
        using var scope = NewDisposeScope();
        long at = 0;
        foreach ((_, Tensor value) in tensors)
        {
            value.copy_(joined.narrow(0, at, value.numel()).reshape(value.shape));
            at += value.numel();
        }
    }
}
