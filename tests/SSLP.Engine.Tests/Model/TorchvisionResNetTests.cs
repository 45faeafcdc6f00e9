using SSLP.Engine.Model;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Model;

/// <summary>TorchVision's own ResNet, in this process, with the same weights: the same outputs, the same gradients, the same running
/// statistics.</summary>
public sealed class TorchvisionResNetTests
{
    // Of the largest value: rounding by 2⁻²⁴ in sums of some thousands, through as many layers, in another order of operations at most.
    private const double Tolerance = 2e-5;

    [Theory]
    [InlineData(Architecture.ResNet18, 64, true)]
    [InlineData(Architecture.ResNet18, 50, false)]
    [InlineData(Architecture.ResNet50, 64, true)]
    [InlineData(Architecture.ResNet50, 33, false)]
    public void The_same_weights_give_the_same_outputs_and_gradients(Architecture architecture, int side, bool training)
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(5);
        using var ours = new ResNet(architecture);
        // Its classifier as the identity: what comes out is what went in, the pooled features.
        using nn.Module<Tensor, Tensor> theirs = architecture == Architecture.ResNet18
            ? torchvision.models.resnet18(num_classes: ours.Features) : torchvision.models.resnet50(num_classes: ours.Features);
        Spread(ours);
        Dictionary<string, Tensor> from = ours.state_dict(), to = theirs.state_dict();
        Assert.Equal(["fc.bias", "fc.weight"], to.Keys.Except(from.Keys).Order());
        Assert.Empty(from.Keys.Except(to.Keys));
        using (no_grad())
        {
            foreach ((string name, Tensor value) in from)
                to[name].copy_(value);
            to["fc.weight"].copy_(eye(ours.Features));
            to["fc.bias"].zero_();
        }
        ours.train(training);
        theirs.train(training);
        Tensor images = randn(3, 3, side, side), own = images.clone().requires_grad_(), other = images.clone().requires_grad_();
        Tensor weight = randn(3, ours.Features), f = ours.forward(own), g = theirs.forward(other);
        AssertSame("features", f, g);
        (f * weight).sum().backward();
        (g * weight).sum().backward();
        AssertSame("gradient of the images", own.grad!, other.grad!);
        var gradients = theirs.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in ours.named_parameters())
            AssertSame($"gradient of {name}", parameter.grad!, gradients[name]);
        foreach ((string name, Tensor value) in ours.state_dict())
            AssertSame(name, value, theirs.state_dict()[name]);
    }

    /// <summary>Statistics and affine parts of the normalisations that are not 0 and 1, which would hide one taken for another.</summary>
    private static void Spread(ResNet network)
    {
        using IDisposable noGrad = no_grad();
        foreach ((string name, Tensor value) in network.state_dict())
        {
            if (name.EndsWith("running_var", StringComparison.Ordinal)
                || (value.dim() == 1 && name.EndsWith("weight", StringComparison.Ordinal)))
                value.uniform_(0.5, 1.5);
            else if (value.dim() == 1)
                value.uniform_(-0.2, 0.2);
        }
    }

    private static void AssertSame(string what, Tensor ours, Tensor theirs)
    {
        Assert.Equal(theirs.shape, ours.shape);
        Tensor expected = theirs.detach().to(float64), actual = ours.detach().to(float64);
        double scale = Math.Max(expected.abs().max().item<double>(), 1e-30), apart = (actual - expected).abs().max().item<double>() / scale;
        Assert.True(apart <= Tolerance, $"{what} differ by {apart:g3} of the largest");
    }
}
