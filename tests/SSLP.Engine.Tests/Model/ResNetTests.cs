using SSLP.Engine.Model;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Model;

public sealed class ResNetTests
{
    // torchvision's counts without fc (11,689,512 − 513,000 and 25,557,032 − 2,049,000).
    [Theory]
    [InlineData(Architecture.ResNet18, 11_176_512, 512, 120)]
    [InlineData(Architecture.ResNet50, 23_508_032, 2048, 318)]
    public void Has_torchvisions_parameters(Architecture architecture, long parameters, int features, int entries)
    {
        using var net = new ResNet(architecture);
        Assert.Equal(parameters, net.parameters().Sum(p => p.numel()));
        Assert.Equal(features, net.Features);
        Assert.Equal(entries, net.state_dict().Count);
    }

    [Fact]
    public void Names_its_parameters_as_torchvision_does()
    {
        using var eighteen = new ResNet(Architecture.ResNet18);
        using var fifty = new ResNet(Architecture.ResNet50);
        Dictionary<string, Tensor> state = eighteen.state_dict();
        foreach (string name in (string[])[
            "conv1.weight", "bn1.running_mean", "bn1.num_batches_tracked", "layer1.0.conv1.weight", "layer1.1.bn2.bias",
            "layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_var", "layer4.1.conv2.weight"])
            Assert.Contains(name, state.Keys);
        Assert.DoesNotContain("layer1.0.downsample.0.weight", state.Keys);
        Assert.Contains("layer1.0.downsample.0.weight", fifty.state_dict().Keys);
        Assert.Equal([64, 64, 3, 3], state["layer1.0.conv1.weight"].shape);
        Assert.Equal([2048, 512, 1, 1], fifty.state_dict()["layer4.2.conv3.weight"].shape);
    }

    [Fact]
    public void Every_tensor_has_one_name_also_after_a_move()
    {
        using var encoder = new Encoder(Architecture.ResNet18, HeadKind.Mlp, 8);
        encoder.to(CPU);
        encoder.train();
        string[] names = [.. encoder.state_dict().Keys];
        Assert.Equal(120 + 4, names.Length);
        Assert.All(names, name => Assert.Matches("^(backbone[.][a-z0-9_.]+|head[.]layers[.][02][.](weight|bias))$", name));
        Assert.Equal(60 + 4, encoder.named_parameters().Count());
    }

    [Theory]
    [InlineData(Architecture.ResNet18, 32)]
    [InlineData(Architecture.ResNet18, 50)]
    [InlineData(Architecture.ResNet50, 33)]
    public void Pools_any_input_size_to_one_vector(Architecture architecture, int size)
    {
        using DisposeScope scope = NewDisposeScope();
        using var net = new ResNet(architecture);
        Assert.Equal([3, net.Features], net.forward(randn(3, 3, size, size)).shape);
    }

    [Fact]
    public void BFloat16_stays_near_float32_and_trains_float32_weights()
    {
        using DisposeScope scope = NewDisposeScope();
        random.manual_seed(3);
        using var encoder = new Encoder(Architecture.ResNet18, HeadKind.Mlp, 16);
        Tensor images = randn(4, 3, 32, 32);
        Tensor exact = encoder.forward(images);
        encoder.Precision = Precision.BFloat16;
        Tensor rounded = encoder.forward(images);
        Assert.Equal(ScalarType.Float32, rounded.dtype);
        // Unit vectors: a cosine of 0.98 is an error of 2⁻⁸ relative through about 20 layers.
        Assert.True((exact * rounded).sum(1).min().item<float>() > 0.98f);
        rounded.sum().backward();
        Assert.All(encoder.parameters(), p => Assert.Equal(ScalarType.Float32, p.grad!.dtype));
    }

    [Fact]
    public void Projections_are_unit_vectors()
    {
        using DisposeScope scope = NewDisposeScope();
        using var encoder = new Encoder(Architecture.ResNet18, HeadKind.Linear, 24);
        Tensor norms = encoder.forward(randn(5, 3, 32, 32)).norm(1);
        Assert.All(norms.data<float>().ToArray(), n => Assert.Equal(1f, n, 1e-5f));
    }

    [Fact]
    public void The_momentum_encoder_follows()
    {
        using DisposeScope scope = NewDisposeScope();
        using var query = new Encoder(Architecture.ResNet18, HeadKind.Mlp, 8);
        using var key = new Encoder(Architecture.ResNet18, HeadKind.Mlp, 8);
        Tensor start = key.state_dict()["head.layers.0.weight"].clone(), target = query.state_dict()["head.layers.0.weight"];
        key.FollowByMomentum(query, 0.75);
        Tensor expected = (0.75 * start) + (0.25 * target);
        Assert.True(expected.allclose(key.state_dict()["head.layers.0.weight"]));
        query.forward(randn(4, 3, 32, 32));
        key.FollowByMomentum(query, 0.75);
        Assert.True(key.state_dict()["backbone.bn1.running_mean"].allclose(query.state_dict()["backbone.bn1.running_mean"]));
    }
}
