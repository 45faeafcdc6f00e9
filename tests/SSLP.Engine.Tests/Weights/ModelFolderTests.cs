using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Weights;

public sealed class ModelFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-folder").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(Architecture.ResNet18)]
    [InlineData(Architecture.ResNet50)]
    public void A_folder_for_timm_has_its_config_and_torchvisions_names(Architecture architecture)
    {
        using ResNet network = RandomEncoder.Make(architecture);
        EncoderDescription description = Description(network);
        ModelFolder.WriteTimm(At("timm"), network.state_dict(), description);
        using var config = JsonDocument.Parse(File.ReadAllText(At("timm/config.json")));
        Assert.Equal(description.Arch, config.RootElement.GetProperty("architecture").GetString());
        Assert.Equal(0, config.RootElement.GetProperty("num_classes").GetInt32());
        JsonElement trained = config.RootElement.GetProperty("pretrained_cfg");
        Assert.Equal([3, 64, 64], trained.GetProperty("input_size").EnumerateArray().Select(side => side.GetInt32()));
        Assert.Equal(64.0 / description.Preprocessing.ResizedSide, trained.GetProperty("crop_pct").GetDouble(), 6);
        Assert.Equal(0.485, trained.GetProperty("mean")[0].GetDouble(), 6);
        AssertSame(network, At("timm/model.safetensors"), name => name);
        Assert.Contains("library_name: timm", File.ReadAllText(At("timm/README.md")));
    }

    [Theory]
    [InlineData(Architecture.ResNet18, "basic", "64,128,256,512", "2,2,2,2")]
    [InlineData(Architecture.ResNet50, "bottleneck", "256,512,1024,2048", "3,4,6,3")]
    public void A_folder_for_Hugging_Face_has_its_names_its_config_and_its_processor(Architecture architecture, string layer, string widths,
        string depths)
    {
        using ResNet network = RandomEncoder.Make(architecture);
        ModelFolder.WriteHuggingFace(At("hf"), network.state_dict(), Description(network));
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(At("hf/config.json"))),
            processor = JsonDocument.Parse(File.ReadAllText(At("hf/preprocessor_config.json")));
        string List(string key) => string.Join(',', config.RootElement.GetProperty(key).EnumerateArray());
        Assert.Equal((layer, widths, depths),
            (config.RootElement.GetProperty("layer_type").GetString(), List("hidden_sizes"), List("depths")));
        Assert.Equal("resnet", config.RootElement.GetProperty("model_type").GetString());
        Assert.Equal(64, processor.RootElement.GetProperty("size").GetProperty("shortest_edge").GetInt32());
        AssertSame(network, At("hf/model.safetensors"), HuggingFaceNames.FromTorchvision);
        // What was written begins a run again.
        using ResNet again = new(architecture);
        InitialWeights.Load(At("hf/model.safetensors"), again);
        Assert.Contains("is there already",
            Assert.Throws<Fault>(() => ModelFolder.WriteHuggingFace(At("hf"), network.state_dict(), Description(network))).Message);
    }

    [Fact]
    public void The_card_says_what_to_feed_what_was_seen_and_no_scale_that_nobody_knows()
    {
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        EncoderDescription known = Description(network);
        string card = ModelCard.Text(known, null, "load()");
        Assert.Contains("patches of 64 px at 0.5 µm per pixel, 32 µm a side", card);
        Assert.Contains("seen: 2 slides of 1 patient", card);
        Assert.Contains("```python\nload()\n```", card);
        string unknown = ModelCard.Text(known with { Preprocessing = known.Preprocessing with { Mpp = null }, TrainedOn = null },
            "timm", "load()");
        Assert.Contains("their µm per pixel are not known", unknown);
        Assert.Contains("seen: not recorded", unknown);
        Assert.StartsWith("---\nlibrary_name: timm\n", unknown);
    }

    [Theory]
    [InlineData("timm")]
    [InlineData("transformers")]
    public void The_library_loads_the_folder_and_gives_the_same_features(string library)
    {
        Python.SkipUnless("torch", library);
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        network.eval();
        if (library == "timm")
            ModelFolder.WriteTimm(At("model"), network.state_dict(), Description(network));
        else
            ModelFolder.WriteHuggingFace(At("model"), network.state_dict(), Description(network));
        float[] pixels = randn(2, 3, 64, 64).data<float>().ToArray();
        File.WriteAllBytes(At("pixels.bin"), System.Runtime.InteropServices.MemoryMarshal.AsBytes(pixels.AsSpan()).ToArray());
        Python.Run(
            """
            import sys, torch, numpy
            library, folder, pixels, out = sys.argv[1:]
            x = torch.from_numpy(numpy.fromfile(pixels, "<f4").reshape(2, 3, 64, 64))
            if library == "timm":
                import timm
                model = timm.create_model("local-dir:" + folder, pretrained=True, num_classes=0).eval()
            else:
                from transformers import AutoModel
                model = AutoModel.from_pretrained(folder).eval()
            with torch.no_grad():
                y = model(x) if library == "timm" else model(x).pooler_output.flatten(1)
            y.numpy().astype("<f4").tofile(out)
            """, library, At("model"), At("pixels.bin"), At("out.bin"));
        using IDisposable noGrad = no_grad();
        float[] ours = network.forward(tensor(pixels).reshape(2, 3, 64, 64)).data<float>().ToArray(), theirs = new float[ours.Length];
        Buffer.BlockCopy(File.ReadAllBytes(At("out.bin")), 0, theirs, 0, 4 * ours.Length);
        Assert.True(RandomEncoder.Difference(ours, theirs) < 1e-4);
    }

    private static EncoderDescription Description(ResNet network) => new(
        network.Architecture.ToString().ToLowerInvariant(), network.Features, "sslp",
        RandomEncoder.Preprocessing(64, 64) with { Mpp = 0.5 })
    {
        TrainedOn = TrainedOn.Of(new PatchTable(["a", "b"], new[] { 0, 1 }, new[] { 0, 0 }, new[] { 0, 0 }).WithPatients(["P", "P"])),
    };

    private static void AssertSame(ResNet network, string path, Func<string, string> rename)
    {
        using var file = SafetensorsFile.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Dictionary<string, Tensor> state = network.state_dict();
        Assert.Equal(state.Count, file.Entries.Count);
        Assert.All(state, pair =>
        {
            using Tensor written = file.ReadTensor(rename(pair.Key));
            Assert.True(pair.Value.equal(written).all().item<bool>(), pair.Key);
        });
    }

    private string At(string name) => Path.Combine(_folder, name);
}
