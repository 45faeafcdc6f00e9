using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>The backbones that can be trained. Names on the command line are the lower-case ones.</summary>
public enum Architecture
{
    /// <summary>11.2 M parameters, 512 features; the paper's encoder.</summary>
    ResNet18,

    /// <summary>23.5 M parameters, 2048 features.</summary>
    ResNet50,
}

/// <summary>
/// A ResNet without its classifier (He et al. 2016), parameter for parameter torchvision's: <c>conv1.weight</c>,
/// <c>layer1.0.bn1.running_mean</c>, <c>layer2.0.downsample.0.weight</c>, … so that a state dictionary passes either way.
/// </summary>
public sealed class ResNet : nn.Module<Tensor, Tensor>
{
    private readonly CastingConv2d conv1;
    private readonly BatchNorm bn1;
    private readonly Sequential[] _layers = new Sequential[4];

    public ResNet(Architecture architecture)
        : base(nameof(ResNet))
    {
        Architecture = architecture;
        bool bottleneck = architecture == Architecture.ResNet50;
        int[] depths = bottleneck ? [3, 4, 6, 3] : [2, 2, 2, 2];
        int expansion = bottleneck ? Bottleneck.Expansion : BasicBlock.Expansion;
        register_module("conv1", conv1 = new CastingConv2d(3, 64, 7, 2, 3));
        register_module("bn1", bn1 = new BatchNorm(64));
        long inputs = 64;
        for (int stage = 0; stage < 4; stage++)
        {
            long width = 64L << stage;
            var blocks = new (string, nn.Module<Tensor, Tensor>)[depths[stage]];
            for (int block = 0; block < blocks.Length; block++)
            {
                long stride = block == 0 && stage > 0 ? 2 : 1;
                nn.Module<Tensor, Tensor> module = bottleneck ? new Bottleneck(inputs, width, stride)
                    : new BasicBlock(inputs, width, stride);
                blocks[block] = ($"{block}", module);
                inputs = width * expansion;
            }
            register_module($"layer{stage + 1}", _layers[stage] = nn.Sequential(blocks));
        }
        Features = (int)inputs;
    }

    public Architecture Architecture { get; }

    /// <summary>Width of the pooled features: 512 or 2048.</summary>
    public int Features { get; }

    /// <summary>Is shown what each stage gives, by its name, where a step is to be looked into; null in training.</summary>
    internal Action<string, Tensor>? Seen { get; set; }

    /// <summary>[B, 3, H, W], normalised, float32 or bfloat16 → pooled features [B, <see cref="Features"/>] of the same type.</summary>
    public override Tensor forward(Tensor images)
    {
        Tensor x = conv1.forward(images);
        Seen?.Invoke("conv1", x);
        x = nn.functional.relu(bn1.forward(x), inplace: true);
        Seen?.Invoke("bn1", x);
        x = nn.functional.max_pool2d(x, 3, 2, 1);
        for (int stage = 0; stage < _layers.Length; stage++)
        {
            x = _layers[stage].forward(x);
            Seen?.Invoke($"layer{stage + 1}", x);
        }
        x = x.mean([2, 3]);
        Seen?.Invoke("pooled", x);
        return x;
    }
}
