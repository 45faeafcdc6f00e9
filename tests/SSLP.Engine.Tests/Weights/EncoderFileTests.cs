using SSLP.Data.Files;
using SSLP.Engine.Weights;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Weights;

public sealed class EncoderFileTests : IDisposable
{
    private static readonly EncoderPreprocessing Preprocessing =
        new(EncoderPreprocessing.ImageNetMean, EncoderPreprocessing.ImageNetStd, Mpp: 0.5, PatchSize: 256, InputSize: 224, "area", "RGB");

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-encoder").FullName;
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    private string PathOf(string name) => Path.Combine(_folder, name);

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_description_and_the_weights_come_back()
    {
        EncoderDescription description = new("resnet18", 512, "sslp", Preprocessing with { Mpp = null });
        Dictionary<string, Tensor> trained = State();
        EncoderFile.Save(PathOf("e.safetensors"), trained, description);
        Dictionary<string, Tensor> fresh = State();
        Assert.Equal(description, EncoderFile.Load(PathOf("e.safetensors"), fresh));
        Assert.Equal(description, EncoderFile.Describe(PathOf("e.safetensors")));
        foreach ((string name, Tensor value) in trained)
            Assert.True(value.equal(fresh[name]).all().item<bool>(), name);
    }

    [Fact]
    public void The_central_crop_is_the_fields_by_default_is_recorded_and_a_file_without_it_means_the_whole_patch()
    {
        Assert.Equal(256, Preprocessing.ResizedSide);
        Dictionary<string, string> written = new(Preprocessing.ToMetadata());
        Assert.Equal("256", written["sslp.preprocessing.resize"]);
        Assert.Equal(Preprocessing, EncoderPreprocessing.FromMetadata(written));
        written["sslp.preprocessing.resize"] = "223";
        Assert.Contains("223 px", Assert.Throws<Fault>(() => EncoderPreprocessing.FromMetadata(written)).Message);
        written.Remove("sslp.preprocessing.resize");
        Assert.Equal(224, EncoderPreprocessing.FromMetadata(written).ResizedSide);
    }

    [Theory]
    [InlineData(0.5, 256, "RGB", null)]
    [InlineData(0.499, null, "rgb", null)]
    [InlineData(1.0, 256, "RGB", "0.5 µm/px and 1 is asked")]
    [InlineData(0.5, 512, "RGB", "patches of 256 px and 512 is asked")]
    [InlineData(0.25, 512, "RGB", null)] // the same tissue in finer pixels
    [InlineData(0.5, 224, "RGB", null)] // the share that the field's crop takes
    [InlineData(0.5, 292, "RGB", null)]
    [InlineData(0.25, 256, "RGB", "0.5 µm/px and 0.25 is asked")]
    [InlineData(0.25, 500, "RGB", "0.5 µm/px and 0.25 is asked")]
    [InlineData(0.5, 96, "RGB", "128 and 48 µm")]
    [InlineData(null, 224, "RGB", "are not known on both sides")]
    [InlineData(null, null, "BGR", "trained on RGB and BGR is asked")]
    public void Another_scale_size_or_colour_order_is_refused_unless_allowed(double? mpp, int? patch, string? order, string? complaint)
    {
        Dictionary<string, Tensor> state = State();
        EncoderFile.Save(PathOf("e.safetensors"), state, new("resnet18", 512, "sslp", Preprocessing));
        EncoderUse use = new(mpp, patch, order);
        if (complaint is not null)
            Assert.Contains(complaint, Assert.Throws<Fault>(() => EncoderFile.Load(PathOf("e.safetensors"), state, use)).Message);
        Assert.Equal(512, EncoderFile.Load(PathOf("e.safetensors"), state, use, allowMismatch: complaint is not null).Width);
    }

    [Fact]
    public void A_file_of_another_network_is_refused_with_the_names_that_differ()
    {
        EncoderFile.Save(PathOf("e.safetensors"), State(), new("resnet18", 512, "sslp", Preprocessing));
        Dictionary<string, Tensor> other = new() { ["conv1.weight"] = torch.zeros(9, 3, 7, 7), ["layer9.weight"] = torch.zeros(1) };
        string message = Assert.Throws<Fault>(() => EncoderFile.Load(PathOf("e.safetensors"), other)).Message;
        Assert.Contains("layer9.weight", message);
        Assert.Contains("bn1.bias", message);
        Assert.Contains("[8, 3, 7, 7] for [9, 3, 7, 7]", message);
    }

    [Fact]
    public void A_plain_safetensors_file_is_no_encoder_but_a_starting_point()
    {
        SafetensorsWriter.Write(PathOf("plain.safetensors"), [.. State().Select(pair => SafetensorsItem.From(pair.Key, pair.Value))]);
        Assert.Contains("--init", Assert.Throws<Fault>(() => EncoderFile.Load(PathOf("plain.safetensors"), State())).Message);
    }

    private static Dictionary<string, Tensor> State() => new()
    {
        ["conv1.weight"] = torch.randn(8, 3, 7, 7),
        ["bn1.bias"] = torch.randn(8),
        ["bn1.num_batches_tracked"] = torch.tensor(17L),
    };
}
