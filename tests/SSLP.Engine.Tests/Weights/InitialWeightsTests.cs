using System.Globalization;
using System.Text;
using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Weights;

public sealed class InitialWeightsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-init").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(Architecture.ResNet18, "", ScalarType.Float32, "F32")]
    [InlineData(Architecture.ResNet18, "module.backbone.", ScalarType.Float16, "F16")]
    [InlineData(Architecture.ResNet18, "model.", ScalarType.BFloat16, "BF16")]
    [InlineData(Architecture.ResNet50, "encoder.", ScalarType.Float64, "F64")]
    public void A_run_begins_with_torchvisions_weights_and_computes_its_features(
        Architecture architecture, string prefix, ScalarType type, string called)
    {
        random.manual_seed(3);
        using IDisposable noGrad = no_grad();
        using nn.Module<Tensor, Tensor> theirs = architecture == Architecture.ResNet18
            ? torchvision.models.resnet18(num_classes: 512) : torchvision.models.resnet50(num_classes: 2048);
        theirs.train();
        for (int step = 0; step < 3; step++)
            theirs.forward(randn(8, 3, 64, 64));
        Dictionary<string, Tensor> state = theirs.state_dict();
        foreach ((_, Tensor value) in state)
            if (value.is_floating_point())
                value.copy_(value.to(type).to(ScalarType.Float32));
        string weights = At("init.safetensors");
        IEnumerable<KeyValuePair<string, Tensor>> written = state
            .Where(pair => !pair.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal));
        WriteSafetensors(weights, prefix, written, type, called);
        // The classifier as the identity: what comes out is the pooled features.
        state["fc.weight"].copy_(eye(state["fc.weight"].shape[0]));
        state["fc.bias"].zero_();
        theirs.eval();
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using var job = new PretrainJob(
            Small with { Arch = architecture, Init = weights }, new RunFolder(At("run")), source, "test", resume: false);
        job.Method.Encoder.eval();
        Tensor images = randn(4, 3, 50, 50);
        double difference = RandomEncoder.Difference(
            job.Method.Encoder.Backbone.forward(images).data<float>().ToArray(), theirs.forward(images).data<float>().ToArray());
        TestContext.Current.TestOutputHelper!.WriteLine(difference.ToString("g3", CultureInfo.InvariantCulture));
        Assert.True(difference < 1e-4, $"features differ by {difference:g3} of the largest");
    }

    /// <summary>By hand, as another program would: 8 bytes of the header's length, a JSON header, the data.</summary>
    private static void WriteSafetensors(
        string path, string prefix, IEnumerable<KeyValuePair<string, Tensor>> tensors, ScalarType type, string called)
    {
        List<string> entries = [];
        using var data = new MemoryStream();
        foreach ((string name, Tensor value) in tensors)
        {
            long begin = data.Length;
            data.Write(value.to(type).contiguous().bytes);
            entries.Add($"\"{prefix}{name}\":{{\"dtype\":\"{called}\",\"shape\":[{string.Join(',', value.shape)}],"
                + $"\"data_offsets\":[{begin},{data.Length}]}}");
        }
        byte[] header = Encoding.UTF8.GetBytes($"{{{string.Join(',', entries)}}}");
        using FileStream file = File.Create(path);
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(header);
        data.WriteTo(file);
    }

    [Theory]
    [InlineData(MethodKind.Sslp)]
    [InlineData(MethodKind.InstDisc)]
    [InlineData(MethodKind.MoCoV2)]
    [InlineData(MethodKind.SimClr)]
    [InlineData(MethodKind.Supervised)]
    public void Every_method_begins_with_the_files_backbone_and_its_own_head(MethodKind method)
    {
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        RandomEncoder.Save(At("encoder.safetensors"), network, RandomEncoder.Preprocessing(16, 16));
        using PretrainJob with = Job(Small with { Method = method, Init = At("encoder.safetensors") }, "with"),
            without = Job(Small with { Method = method }, "without");
        AssertSame(network.state_dict(), name => with.Method.Encoder.Backbone.state_dict()[name]);
        Dictionary<string, Tensor> head = with.Method.Encoder.Head.state_dict();
        AssertSame(without.Method.Encoder.Head.state_dict(), name => head[name]);
        if (method != MethodKind.MoCoV2)
            return;
        SafetensorsWriter.Write(At("moco.safetensors"), [.. with.Method.State()]);
        using var state = SafetensorsFile.Open(At("moco.safetensors"));
        AssertSame(network.state_dict(), name => state.ReadTensor("moco.key.backbone." + name));
    }

    [Fact]
    public void The_file_is_in_run_json_and_another_one_does_not_resume()
    {
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        RandomEncoder.Save(At("a.safetensors"), network, RandomEncoder.Preprocessing(16, 16));
        RandomEncoder.Save(At("b.safetensors"), network, RandomEncoder.Preprocessing(16, 32));
        TrainingOptions begun = Small with { MaxSteps = 1, Init = At("a.safetensors") };
        using (PretrainJob job = Job(begun, "run"))
            job.Run(null, CancellationToken.None);
        Assert.Equal(InitialWeights.HashOf(At("a.safetensors")), RunRecord.Load(new RunFolder(At("run")).RunJson).InitSha256);
        string hash = InitialWeights.HashOf(At("a.safetensors"))[..12];
        Assert.Contains($"init: a file of SHA-256 {hash}… → a file",
            Assert.Throws<Fault>(() => Job(begun with { Init = At("b.safetensors") }, "run", resume: true)).Message);
        Assert.Contains($"init: a file of SHA-256 {hash}… → random weights",
            Assert.Throws<Fault>(() => Job(begun with { Init = "" }, "run", resume: true)).Message);
        File.Move(At("a.safetensors"), At("moved.safetensors"));
        using PretrainJob resumed = Job(begun with { Init = At("moved.safetensors") }, "run", resume: true);
        Assert.True(resumed.Resumed);
    }

    [Fact]
    public void What_does_not_fit_is_one_sentence_with_the_first_names_and_what_to_do()
    {
        using ResNet network = new(Architecture.ResNet18);
        var state = network.state_dict().Where(pair => !pair.Key.StartsWith("layer4.1.", StringComparison.Ordinal))
            .ToDictionary(pair => "module." + pair.Key, pair => pair.Value);
        state["module.extra"] = zeros(1);
        state["module.fc.weight"] = zeros(9, 512);
        state["module.conv1.weight"] = zeros(64, 4, 7, 7);
        state["module.bn1.weight"] = zeros(64, ScalarType.Int8);
        state["backbone.bn1.bias"] = zeros(64);
        string message = Refused(state, network);
        Assert.Contains("10 tensors are missing (layer4.1.conv1.weight, ", message);
        Assert.Contains("1 tensor is not of this network (module.extra)", message);
        Assert.Contains("conv1.weight [64, 4, 7, 7] for [64, 3, 7, 7]", message);
        Assert.Contains("bn1.weight I8", message);
        Assert.Contains("module.bn1.bias and backbone.bn1.bias", message);
        Assert.Contains("save the state_dict of a torchvision or timm resnet18", message);
        Assert.DoesNotContain("fc.", message);
    }

    [Fact]
    public void The_other_depth_is_recognised()
    {
        using ResNet eighteen = new(Architecture.ResNet18), fifty = new(Architecture.ResNet50);
        Assert.Contains("it is a resnet50, which --set arch=resnet50 begins with it", Refused(fifty.state_dict(), eighteen));
        Assert.Contains("--set arch=resnet18", Refused(eighteen.state_dict(), fifty));
    }

    [Fact]
    public void Weights_that_are_not_finite_begin_nothing()
    {
        using ResNet network = new(Architecture.ResNet18);
        Dictionary<string, Tensor> state = network.state_dict();
        state["layer1.0.bn1.bias"] = full(64, double.MaxValue, ScalarType.Float64); // no float32
        Assert.Contains("not finite: layer1.0.bn1.bias", Refused(state, network));
    }

    [Fact]
    public void A_pickle_a_missing_file_and_a_file_of_something_else_are_refused()
    {
        using ResNet network = new(Architecture.ResNet18);
        Assert.Contains("pickle", Assert.Throws<Fault>(() => InitialWeights.Load(At("resnet18.pth"), network)).Message);
        Assert.Contains("There is no", Assert.Throws<Fault>(() => InitialWeights.Load(At("none.safetensors"), network)).Message);
        Assert.Contains("(blocks.0.attn.qkv.weight)", Refused(new() { ["blocks.0.attn.qkv.weight"] = zeros(3, 3) }, network));
    }

    private static readonly TrainingOptions Small = new() { Epochs = 1, BatchSize = 8, InputSize = 16, Width = 16, Threads = 1 };

    private string Refused(Dictionary<string, Tensor> state, ResNet network)
    {
        SafetensorsWriter.Write(At("init.safetensors"), [.. state.Select(pair => SafetensorsItem.From(pair.Key, pair.Value))]);
        return Assert.Throws<Fault>(() => InitialWeights.Load(At("init.safetensors"), network)).Message;
    }

    private PretrainJob Job(TrainingOptions options, string name, bool resume = false) =>
        new(options, new RunFolder(At(name)), new TestPatches(slides: 2, side: 4, patchSize: 16, labelled: true), "test", resume);

    private static void AssertSame(Dictionary<string, Tensor> expected, Func<string, Tensor> actual) =>
        Assert.All(expected, pair => Assert.True(pair.Value.equal(actual(pair.Key)).all().item<bool>(), pair.Key));

    private string At(string name) => Path.Combine(_folder, name);
}
