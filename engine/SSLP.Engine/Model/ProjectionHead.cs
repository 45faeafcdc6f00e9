using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>The two projection heads of the field.</summary>
public enum HeadKind
{
    /// <summary>One linear layer, features → D; the paper's.</summary>
    Linear,

    /// <summary>Linear, ReLU, linear, the hidden width that of the features; MoCo v2's and SimCLR's.</summary>
    Mlp,
}

/// <summary>Features → a point of the unit sphere of dimension D, in float32 whatever the backbone ran in.</summary>
public sealed class ProjectionHead : nn.Module<Tensor, Tensor>
{
    private readonly Sequential layers;

    /// <param name="kind">Linear or MLP.</param>
    /// <param name="features">Input width.</param>
    /// <param name="width">D.</param>
    public ProjectionHead(HeadKind kind, int features, int width)
        : base(nameof(ProjectionHead))
    {
        Width = width;
        layers = kind == HeadKind.Linear
            ? nn.Sequential(("0", nn.Linear(features, width)))
            : nn.Sequential(("0", nn.Linear(features, features)), ("1", nn.ReLU()), ("2", nn.Linear(features, width)));
        register_module("layers", layers);
    }

    public int Width { get; }

    /// <summary>[B, features] → unit rows [B, D], float32.</summary>
    public override Tensor forward(Tensor features) =>
        nn.functional.normalize(layers.forward(features.to(ScalarType.Float32)), p: 2, dim: 1);
}
