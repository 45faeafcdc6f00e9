using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Onnx;
using SSLP.Tests.Shared;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace SSLP.Evaluation.Tests.Onnx;

public sealed class OnnxExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-onnx").FullName;

    private string Encoder => Path.Combine(_folder, "encoder.safetensors");

    private string Onnx => Path.Combine(_folder, "encoder.onnx");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Architecture.ResNet18, 3, 50)]
    [InlineData(Architecture.ResNet50, 2, 33)]
    public void Onnx_runtime_computes_the_same_features(Architecture architecture, int images, int side)
    {
        using ResNet network = RandomEncoder.Make(architecture);
        RandomEncoder.Save(Encoder, network, RandomEncoder.Preprocessing(side, side));
        OnnxExport.Write(Encoder, Onnx);
        byte[] rgb = SmoothImages(images, side);
        double difference = RandomEncoder.Difference(RandomEncoder.Features(network, rgb, side), Run(rgb, side));
        Assert.True(difference < 1e-3, $"features differ by {difference:g3} of the largest");
    }

    [Theory]
    [InlineData(50, 96, 96)]
    [InlineData(50, 32, 32)]
    [InlineData(50, 32, 37)]
    [InlineData(50, 96, 110)]
    [InlineData(50, 44, 50)]
    public void The_graph_scales_and_cuts_a_patch_as_the_encoder_was_fed(int patch, int input, int resized)
    {
        using RealPatches patches = new(4);
        Assert.Equal(patch, patches.Side);
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        EncoderPreprocessing preprocessing = RandomEncoder.Preprocessing(patch, input, resized);
        RandomEncoder.Save(Encoder, network, preprocessing);
        OnnxExport.Write(Encoder, Onnx);
        double difference = RandomEncoder.Difference(RandomEncoder.Features(network, patches, preprocessing), Run(patches.Rgb, patch));
        TestContext.Current.TestOutputHelper!.WriteLine($"{difference:g3}");
        Assert.True(difference < 1e-3, $"features differ by {difference:g3} of the largest");
    }

    [Fact]
    public void The_model_says_what_it_is()
    {
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        RandomEncoder.Save(Encoder, network, RandomEncoder.Preprocessing(64, 48));
        OnnxExport.Write(Encoder, Onnx);
        using InferenceSession session = new(Onnx);
        Assert.Equal("4", session.ModelMetadata.CustomMetadataMap["sslp.preprocessing.mpp"]);
        Assert.Equal("SSLP.Engine", session.ModelMetadata.ProducerName);
        Assert.Equal([-1, 64, 64, 3], session.InputMetadata["pixels"].Dimensions);
        Assert.Equal([-1, 512], session.OutputMetadata["features"].Dimensions);
    }

    [Fact]
    public void Blue_first_pixels_are_turned_around()
    {
        using ResNet network = RandomEncoder.Make(Architecture.ResNet18);
        byte[] rgb = SmoothImages(1, 40), bgr = [.. rgb.Chunk(3).SelectMany(pixel => pixel.Reverse())];
        RandomEncoder.Save(Encoder, network, RandomEncoder.Preprocessing(40, 40) with { ColourOrder = "BGR" });
        OnnxExport.Write(Encoder, Onnx);
        Assert.True(RandomEncoder.Difference(RandomEncoder.Features(network, rgb, 40), Run(bgr, 40)) < 1e-3);
    }

    [Fact]
    public void A_network_of_other_names_is_refused()
    {
        EncoderFile.Save(Encoder, new Dictionary<string, Tensor> { ["patch_embed.weight"] = zeros(3) },
            new("vit", 8, "sslp", RandomEncoder.Preprocessing(8, 8)));
        Assert.Contains("conv1.weight", Assert.Throws<Fault>(() => OnnxExport.Write(Encoder, Onnx)).Message);
        Assert.False(File.Exists(Onnx));
    }

    private float[] Run(byte[] rgb, int side)
    {
        using InferenceSession session = new(Onnx);
        DenseTensor<byte> pixels = new(rgb, [rgb.Length / (side * side * 3), side, side, 3]);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results =
            session.Run([NamedOnnxValue.CreateFromTensor("pixels", pixels)]);
        return [.. results[0].AsEnumerable<float>()];
    }

    private static byte[] SmoothImages(int images, int side) =>
        [.. Enumerable.Range(0, images * side * side * 3)
            .Select(i => (byte)(127 + 100 * Math.Sin(i * 0.013) * Math.Cos(i / (side * 3) * 0.21 + i % 3)))];
}
