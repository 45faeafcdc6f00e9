using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>The projection heads.</summary>
public enum HeadKind
{
    /// <summary>One linear layer, features → D; the paper's.</summary>
    Linear,

    /// <summary>
    /// One linear layer and batch normalisation. A fresh backbone's features are nearly one direction, and a linear layer keeps them so:
    /// for the first thousands of steps every similarity is near 1. Normalising centres them, which short runs need.
    /// </summary>
    LinearNorm,

    /// <summary>Linear, ReLU, linear, the hidden width that of the features; MoCo v2's (Chen, Fan, Girshick, He 2020, 3).</summary>
    Mlp,

    /// <summary>The same with batch normalisation after both linear layers, which then have no bias; SimCLR's as its authors trained
    /// it.</summary>
    MlpNorm,
}

/// <summary>Features → a point of the unit sphere of dimension D, in float32 whatever the backbone ran in.</summary>
internal sealed class ProjectionHead : nn.Module<Tensor, Tensor>
{
    private readonly Sequential layers;

    /// <param name="kind">Which layers.</param>
    /// <param name="features">Input width.</param>
    /// <param name="width">D.</param>
    public ProjectionHead(HeadKind kind, int features, int width)
        : base(nameof(ProjectionHead))
    {
        Width = width;
        layers = kind switch
        {
            HeadKind.Linear => nn.Sequential(("0", nn.Linear(features, width))),
            HeadKind.LinearNorm => nn.Sequential(("0", nn.Linear(features, width)), ("1", new BatchNorm(width))),
            HeadKind.MlpNorm => nn.Sequential(
                ("0", nn.Linear(features, features, hasBias: false)), ("1", new BatchNorm(features)), ("2", nn.ReLU()),
                ("3", nn.Linear(features, width, hasBias: false)), ("4", new BatchNorm(width))),
            _ => nn.Sequential(("0", nn.Linear(features, features)), ("1", nn.ReLU()), ("2", nn.Linear(features, width))),
        };
        register_module("layers", layers);
    }

    public int Width { get; }

    /// <inheritdoc cref="ResNet.Seen"/>
    internal Action<string, Tensor>? Seen { get; set; }

    /// <summary>[B, features] → unit rows [B, D], float32.</summary>
    public override Tensor forward(Tensor features)
    {
        Tensor unit = nn.functional.normalize(Unnormalised(features), p: 2, dim: 1);
        Seen?.Invoke("unit", unit);
        return unit;
    }

    /// <summary>[B, features] → what the layers make of them, [B, D] float32: logits, where the head is a classifier.</summary>
    public Tensor Unnormalised(Tensor features)
    {
        Tensor values = layers.forward(features.to(ScalarType.Float32));
        Seen?.Invoke("layers", values);
        return values;
    }
}
