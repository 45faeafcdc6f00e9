using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>
/// A network's parameters in one piece of memory, in the order of their names in the network: what goes over all of them is one pass or
/// one launch. Each stays the parameter it was, a leaf with a gradient of its own; only its memory is another. A move to another device or
/// type makes new parameters, which lie where they like: this comes after it.
/// </summary>
internal sealed class FlatWeights : IDisposable
{
    // The device's kernels go four numbers at a time; what is behind the last weight is zero and stays so.
    private const long Whole = 4;

    /// <param name="network">Where it will run. Its parameters are float32, on one device.</param>
    public FlatWeights(nn.Module network)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Parameters = [.. network.named_parameters().Select(named => named.parameter)];
        Count = Parameters.Sum(p => p.numel());
        Values = zeros([(Count + Whole - 1) / Whole * Whole], device: Parameters[0].device).DetachFromDisposeScope();
        long at = 0;
        foreach (Parameter parameter in Parameters)
        {
            Tensor place = Values.narrow(0, at, parameter.numel()).view(parameter.shape);
            place.copy_(parameter);
            parameter.set_(place);
            at += parameter.numel();
        }
    }

    /// <summary>All weights [n], with at most three zeros behind them.</summary>
    public Tensor Values { get; }

    /// <summary>n.</summary>
    public long Count { get; }

    /// <summary>Whose they are.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    public void Dispose() => Values.Dispose();
}
