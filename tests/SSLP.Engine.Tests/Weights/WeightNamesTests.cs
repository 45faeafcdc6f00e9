using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Weights;

/// <summary>A ResNet under the names that training programs save it by begins a run with the same weights.</summary>
public sealed class WeightNamesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-names").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static readonly string[] Children = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"];

    private static readonly string[] LightlysOwn = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"];

    public static TheoryData<string, string[]> Programs => new()
    {
        // program, names besides the backbone's
        { "torchvision", ["fc.weight", "fc.bias"] },
        { "timm", [] },
        { "moco", ["module.encoder_q.fc.0.weight", "module.encoder_q.fc.2.bias", "module.queue", "module.queue_ptr"] },
        { "moco both", ["module.encoder_q.fc.0.weight", "module.queue", "module.queue_ptr"] },
        { "moco v3", ["module.base_encoder.fc.0.weight", "module.predictor.0.weight", "module.momentum_encoder.conv1.weight"] },
        { "lightly", ["projection_head.layers.0.weight", "projection_head.layers.3.bias"] },
        { "lightly own", ["projection_head.layers.0.weight"] },
        { "lightly both", ["projection_head.layers.0.weight", "projection_head_momentum.layers.0.weight"] },
        { "mmselfsup", ["neck.fc0.weight", "head.fc_cls.weight", "data_preprocessor.mean"] },
        { "mmselfsup encoder_q", ["encoder_q.1.mlp.0.weight", "encoder_q.1.fc0.weight", "queue"] },
        { "huggingface", ["classifier.1.weight", "classifier.1.bias"] },
        { "huggingface base", [] },
        { "dino student", ["student.module.head.mlp.0.weight", "student.module.head.last_layer.weight_g"] },
        { "dino both", ["teacher.head.mlp.0.weight", "student.module.head.mlp.0.weight", "dino_loss.center"] },
        { "byol", ["online_network.projector.0.weight", "online_network.predictor.0.weight"] },
        { "lightning", ["state_dict.classifier.weight", "state_dict.projector.0.weight"] },
        { "swav", ["module.projection_head.0.weight", "module.prototypes.weight"] },
    };

    [Theory]
    [MemberData(nameof(Programs))]
    public void Every_programs_names_come_to_the_same_network(string program, string[] besides)
    {
        foreach (Architecture architecture in program is "huggingface" or "lightly" ? Enum.GetValues<Architecture>()
            : [Architecture.ResNet18])
        {
            using ResNet network = RandomEncoder.Make(architecture), loaded = new(architecture);
            Dictionary<string, Tensor> state = [];
            foreach ((string name, Tensor value) in network.state_dict())
            {
                state[Named(program, name)] = value;
                if (Twin(program, name) is { } other)
                    state[other] = zeros_like(value);
            }
            foreach (string name in besides)
                state[name] = zeros(1);
            string path = Path.Combine(_folder, "init.safetensors");
            SafetensorsWriter.Write(path, [.. state.Select(pair => SafetensorsItem.From(pair.Key, pair.Value))]);
            InitialWeights.Load(path, loaded);
            Dictionary<string, Tensor> expected = network.state_dict();
            Assert.All(loaded.state_dict(), pair => Assert.True(pair.Value.equal(expected[pair.Key]).all().item<bool>(), pair.Key));
            Assert.Equal(Twin(program, "conv1.weight") is not null || program == "moco v3", InitialWeights.ChoiceIn(path) is not null);
        }
    }

    [Theory]
    [InlineData("huggingface-resnet-18.safetensors")]
    [InlineData("lightly-sequential.safetensors")]
    [InlineData("mmselfsup-encoder_q.0.safetensors")]
    public void The_names_of_files_that_users_report_are_known_and_their_one_element_tensors_are_named_as_such(string file)
    {
        using ResNet network = new(Architecture.ResNet18);
        string message = Assert.ThrowsAny<Exception>(() => InitialWeights.Load(TestData.Path("reported", "init", file), network)).Message;
        Assert.DoesNotContain("missing", message);
        Assert.DoesNotContain("not of this network", message);
        Assert.Contains("of another shape (conv1.weight [1, 1, 1, 1] for [64, 3, 7, 7]", message);
        Assert.InRange(message.Length, 20, 500);
    }

    [Theory]
    [InlineData(Architecture.ResNet18)]
    [InlineData(Architecture.ResNet50)]
    public void Hugging_Faces_names_go_both_ways_and_are_all_different(Architecture architecture)
    {
        using ResNet network = new(architecture);
        string[] names = [.. network.state_dict().Keys], theirs = [.. names.Select(HuggingFaceNames.FromTorchvision)];
        Assert.Equal(names.Length, theirs.Distinct().Count());
        Assert.Equal(names, theirs.Select(HuggingFaceNames.ToTorchvision));
        Assert.Equal("encoder.stages.1.layers.0.shortcut.normalization.running_var",
            HuggingFaceNames.FromTorchvision("layer2.0.downsample.1.running_var"));
        Assert.Equal("encoder.stages.3.layers.1.layer.1.convolution.weight", HuggingFaceNames.FromTorchvision("layer4.1.conv2.weight"));
        Assert.Throws<ArgumentException>(() => HuggingFaceNames.FromTorchvision("fc.weight"));
    }

    private static string Named(string program, string name) => program switch
    {
        "moco" or "moco both" => "module.encoder_q." + name,
        "moco v3" => "module.base_encoder." + name,
        "lightly" or "lightly both" => $"backbone.{Indexed(name, Children)}",
        "lightly own" => $"backbone.{Indexed(name, LightlysOwn).Replace(".downsample.", ".shortcut.", StringComparison.Ordinal)}",
        "mmselfsup" => "backbone." + name,
        "mmselfsup encoder_q" => "encoder_q.0." + name,
        "huggingface" => "resnet." + HuggingFaceNames.FromTorchvision(name),
        "huggingface base" => HuggingFaceNames.FromTorchvision(name),
        "dino student" => "student.module.backbone." + name,
        "dino both" => "teacher.backbone." + name,
        "byol" => "online_network.encoder." + name,
        "lightning" => "state_dict.model.backbone." + name,
        "swav" => "module." + name,
        _ => name,
    };

    /// <summary>The other network of files that hold two.</summary>
    private static string? Twin(string program, string name) => program switch
    {
        "moco both" => "module.encoder_k." + name,
        "lightly both" => $"backbone_momentum.{Indexed(name, Children)}",
        "dino both" => "student.module.backbone." + name,
        "byol" => "target_network.encoder." + name,
        _ => null,
    };

    private static string Indexed(string name, string[] children)
    {
        int dot = name.IndexOf('.');
        return Array.IndexOf(children, name[..dot]) + name[dot..];
    }
}
