using SSLP.Engine.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>Two 3×3 convolutions and a shortcut (He et al. 2016, fig. 5 left). Child names are torchvision's.</summary>
internal sealed class BasicBlock : nn.Module<Tensor, Tensor>
{
    public const int Expansion = 1;

    private readonly CastingConv2d conv1, conv2;
    private readonly BatchNorm bn1, bn2;
    private readonly Sequential? downsample;

    public BasicBlock(long inputs, long width, long stride)
        : base(nameof(BasicBlock))
    {
        register_module("conv1", conv1 = new CastingConv2d(inputs, width, 3, stride, 1));
        register_module("bn1", bn1 = new BatchNorm(width));
        register_module("conv2", conv2 = new CastingConv2d(width, width, 3, 1, 1));
        register_module("bn2", bn2 = new BatchNorm(width));
        if (Shortcut.Projection(inputs, width * Expansion, stride) is { } projection)
            register_module("downsample", downsample = projection);
    }

    public override Tensor forward(Tensor x)
    {
        Tensor y = nn.functional.relu(bn1.forward(conv1.forward(x)), inplace: true);
        y = bn2.forward(conv2.forward(y));
        return nn.functional.relu(y.PlusInPlace(downsample is null ? x : downsample.forward(x)), inplace: true);
    }
}

/// <summary>1×1, 3×3, 1×1 convolutions and a shortcut, the stride in the 3×3 (torchvision's ResNet V1.5).</summary>
internal sealed class Bottleneck : nn.Module<Tensor, Tensor>
{
    public const int Expansion = 4;

    private readonly CastingConv2d conv1, conv2, conv3;
    private readonly BatchNorm bn1, bn2, bn3;
    private readonly Sequential? downsample;

    public Bottleneck(long inputs, long width, long stride)
        : base(nameof(Bottleneck))
    {
        register_module("conv1", conv1 = new CastingConv2d(inputs, width, 1, 1, 0));
        register_module("bn1", bn1 = new BatchNorm(width));
        register_module("conv2", conv2 = new CastingConv2d(width, width, 3, stride, 1));
        register_module("bn2", bn2 = new BatchNorm(width));
        register_module("conv3", conv3 = new CastingConv2d(width, width * Expansion, 1, 1, 0));
        register_module("bn3", bn3 = new BatchNorm(width * Expansion));
        if (Shortcut.Projection(inputs, width * Expansion, stride) is { } projection)
            register_module("downsample", downsample = projection);
    }

    public override Tensor forward(Tensor x)
    {
        Tensor y = nn.functional.relu(bn1.forward(conv1.forward(x)), inplace: true);
        y = nn.functional.relu(bn2.forward(conv2.forward(y)), inplace: true);
        y = bn3.forward(conv3.forward(y));
        return nn.functional.relu(y.PlusInPlace(downsample is null ? x : downsample.forward(x)), inplace: true);
    }
}

internal static class Shortcut
{
    /// <summary>The 1×1 projection of a shortcut whose shape changes; null where the identity serves.</summary>
    public static Sequential? Projection(long inputs, long outputs, long stride) =>
        inputs == outputs && stride == 1
            ? null
            : nn.Sequential(("0", new CastingConv2d(inputs, outputs, 1, stride, 0)), ("1", new BatchNorm(outputs)));
}
