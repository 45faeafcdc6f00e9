using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>
/// A bias-free 2-D convolution whose float32 weight is cast to the input's type in the forward: with a bfloat16 input the
/// arithmetic is bfloat16 and the master weight and its gradient stay float32. TorchSharp has no autocast.
/// </summary>
internal sealed class CastingConv2d : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers fields by their names, besides what is registered by hand: where the two are equal, there is one entry.
    private readonly Parameter weight;
    private readonly long _stride;
    private readonly long _padding;

    /// <param name="inputs">Input channels C.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the square kernel, pixels.</param>
    /// <param name="stride">Step, pixels.</param>
    /// <param name="padding">Zero padding on each side, pixels.</param>
    public CastingConv2d(long inputs, long outputs, long kernel, long stride, long padding)
        : base(nameof(CastingConv2d))
    {
        _stride = stride;
        _padding = padding;
        Tensor start = empty(outputs, inputs, kernel, kernel);
        // He et al. 2015, fan-out, as torchvision initialises a ResNet.
        nn.init.kaiming_normal_(start, 0, nn.init.FanInOut.FanOut, nn.init.NonlinearityType.ReLU);
        weight = new Parameter(start);
        register_parameter("weight", weight);
    }

    /// <param name="input">[B, C, H, W], float32 or bfloat16.</param>
    public override Tensor forward(Tensor input)
    {
        Tensor cast = weight.dtype == input.dtype ? weight : weight.to(input.dtype);
        return nn.functional.conv2d(input, cast, null, [_stride, _stride], [_padding, _padding]);
    }
}
