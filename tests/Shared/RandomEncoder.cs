using SSLP.Engine.Model;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Tests.Shared;

/// <summary>A network as training leaves it: batch statistics that were gathered, gains and offsets that moved. An untrained one would hide
/// a mixed-up buffer.</summary>
internal static class RandomEncoder
{
    public static ResNet Make(Architecture architecture)
    {
        torch.manual_seed(7);
        ResNet network = new(architecture);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in network.named_parameters())
            if (name.Contains("bn") || name.Contains("downsample.1"))
                parameter.copy_(name.EndsWith("weight") ? rand_like(parameter) * 0.5 + 0.75 : randn_like(parameter) * 0.1);
        network.train();
        for (int i = 0; i < 5; i++)
            network.forward(randn(8, 3, 64, 64)).Dispose();
        network.eval();
        return network;
    }

    /// <summary>The whole patch, unless <paramref name="resizedSide"/> leaves its border outside of the input.</summary>
    public static EncoderPreprocessing Preprocessing(int patchSize, int inputSize, int? resizedSide = null) =>
        new(EncoderPreprocessing.ImageNetMean, EncoderPreprocessing.ImageNetStd, Mpp: 4, patchSize, inputSize,
            "bilinear, antialiased", "RGB")
        {
            ResizedSide = resizedSide ?? inputSize,
        };

    public static void Save(string path, ResNet network, EncoderPreprocessing preprocessing) =>
        EncoderFile.Save(path, network.state_dict(),
            new(network.Architecture.ToString().ToLowerInvariant(), network.Features, "untrained", preprocessing));

    /// <summary>Features of N images, uint8 [N, side, side, 3], normalised by ImageNet's statistics at their own size.</summary>
    public static float[] Features(ResNet network, byte[] rgb, int side)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor x = tensor(rgb, ScalarType.Byte).reshape(-1, side, side, 3).permute(0, 3, 1, 2).to(ScalarType.Float32).div_(255);
        x = (x - tensor(new[] { 0.485f, 0.456f, 0.406f }).reshape(1, 3, 1, 1)) / tensor(new[] { 0.229f, 0.224f, 0.225f })
            .reshape(1, 3, 1, 1);
        return network.forward(x).contiguous().data<float>().ToArray();
    }

    /// <summary>Features of real patches through the evaluation transform.</summary>
    public static unsafe float[] Features(ResNet network, RealPatches patches, EncoderPreprocessing preprocessing)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using WorkerPool pool = new(1);
        int side = preprocessing.InputSize;
        using AugmenterCpu augmenter = new(AugmentOptions.Sslp with { InputSize = side }, patches.Side, pool);
        Tensor images = empty([patches.Count, 3, side, side]);
        fixed (byte* from = patches.Rgb)
        fixed (byte* to = images.bytes)
            augmenter.ApplyEvaluation(preprocessing.ResizedSide, patches.Count, from, (float*)to);
        return network.forward(images).contiguous().data<float>().ToArray();
    }

    /// <summary>The largest difference, relative to the largest feature.</summary>
    public static double Difference(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max() / a.Max(Math.Abs);
}
