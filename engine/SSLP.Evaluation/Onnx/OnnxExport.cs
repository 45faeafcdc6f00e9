using System.Numerics;
using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Onnx;

/// <summary>
/// An encoder file → an ONNX model that takes patches as a decoder gives them: input <c>pixels</c>, uint8 [N, P, P, 3] with P the patch
/// size of the training, output <c>features</c>, float32 [N, width]. Scaling to the input size, normalisation and the network are in the
/// graph; batch normalisation is folded into the convolutions (Jacob et al. 2018, section 3.2), in float64.
/// </summary>
public static class OnnxExport
{
    // torchvision's BatchNorm2d, and torch's default.
    private const double Epsilon = 1e-5;

    /// <param name="encoderPath">A file of <see cref="EncoderFile.Save"/>.</param>
    /// <param name="onnxPath">Written atomically.</param>
    /// <exception cref="Fault">The file is no encoder, or no ResNet by torchvision's names.</exception>
    public static void Write(string encoderPath, string onnxPath)
    {
        EncoderDescription description = EncoderFile.Describe(encoderPath);
        using var file = SafetensorsFile.Open(encoderPath);
        OnnxGraph graph = new();
        Weights weights = new(file, graph);
        string x = Preprocess(graph, description.Preprocessing);
        x = graph.Node("Relu", "relu1", [weights.Convolution(x, "conv1", "bn1", 2, 3)]);
        x = graph.Node("MaxPool", "maxpool", [x], ("kernel_shape", new long[] { 3, 3 }), ("strides", new long[] { 2, 2 }),
            ("pads", new long[] { 1, 1, 1, 1 }));
        for (int stage = 1; stage <= 4; stage++)
            for (int block = 0; weights.Has($"layer{stage}.{block}.conv1.weight"); block++)
                x = Block(graph, weights, x, $"layer{stage}.{block}", stride: stage > 1 && block == 0 ? 2 : 1);
        x = graph.Node("GlobalAveragePool", "pool", [x]);
        graph.Node("Flatten", "features", [x], ("axis", 1L));
        int side = description.Preprocessing.PatchSize;
        AtomicFile.Write(onnxPath, stream =>
            graph.Write(stream, ("pixels", ["N", side, side, 3]), ("features", ["N", description.Width]), file.Metadata));
    }

    /// <summary>uint8 NHWC → normalised float NCHW at the input size.</summary>
    private static string Preprocess(OnnxGraph graph, EncoderPreprocessing p)
    {
        string x = graph.Node("Cast", "float", ["pixels"], ("to", 1L));
        x = graph.Node("Transpose", "nchw", [x], ("perm", new long[] { 0, 3, 1, 2 }));
        if (p.ColourOrder == "BGR")
            x = graph.Node("Gather", "bgr", [x, graph.Constant("channels", [2L, 1, 0], 3)], ("axis", 1L));
        if (p.PatchSize != p.InputSize || p.ResizedSide != p.InputSize)
        {
            // Two matrix products rather than the operator Resize, whose antialiasing differs between runtimes in the third digit.
            float[] taps = ScalingMatrix(p.PatchSize, p.ResizedSide, p.InputSize);
            float[] transposed = [.. Enumerable.Range(0, taps.Length).Select(i => taps[i % p.InputSize * p.PatchSize + i / p.InputSize])];
            x = graph.Node("MatMul", "scaled_rows", [graph.Constant("row_taps", taps, p.InputSize, p.PatchSize), x]);
            x = graph.Node("MatMul", "scaled_columns", [x, graph.Constant("column_taps", transposed, p.PatchSize, p.InputSize)]);
        }

        // (v/255 − mean) / std as one multiplication and one addition.
        Vector3 scale = Vector3.One / (255 * p.Std), shift = -p.Mean / p.Std;
        x = graph.Node("Mul", "contrast", [x, graph.Constant("scale", [scale.X, scale.Y, scale.Z], 1, 3, 1, 1)]);
        return graph.Node("Add", "normalised", [x, graph.Constant("shift", [shift.X, shift.Y, shift.Z], 1, 3, 1, 1)]);
    }

    /// <summary>
    /// One axis of an antialiased bilinear resize, its central pixels alone, as a matrix [centre, from]: a triangle as wide as the larger
    /// of a source and an output pixel, around half-pixel centres, cut at the edge, each row summing to 1 (what the encoder's evaluation
    /// transform does).
    /// </summary>
    private static float[] ScalingMatrix(int from, int to, int central)
    {
        double scale = (double)from / to, support = Math.Max(1, scale);
        // torchvision's CenterCrop rounds half to even.
        int first = (int)Math.Round((to - central) / 2.0, MidpointRounding.ToEven);
        float[] matrix = new float[central * from];
        for (int i = 0; i < central; i++)
        {
            double centre = scale * (first + i + 0.5);
            double[] row = [.. Enumerable.Range(0, from).Select(j => Math.Max(0, 1 - Math.Abs(j + 0.5 - centre) / support))];
            double sum = row.Sum();
            for (int j = 0; j < from; j++)
                matrix[i * from + j] = (float)(row[j] / sum);
        }

        return matrix;
    }

    /// <summary>A basic block (two 3 × 3) or, where a third convolution is there, a bottleneck (1 × 1, 3 × 3 with the stride, 1 ×
    /// 1).</summary>
    private static string Block(OnnxGraph graph, Weights weights, string x, string name, int stride)
    {
        bool bottleneck = weights.Has($"{name}.conv3.weight");
        string y = weights.Convolution(x, $"{name}.conv1", $"{name}.bn1", bottleneck ? 1 : stride, bottleneck ? 0 : 1);
        y = graph.Node("Relu", $"{name}.relu1", [y]);
        y = weights.Convolution(y, $"{name}.conv2", $"{name}.bn2", bottleneck ? stride : 1, 1);
        if (bottleneck)
        {
            y = graph.Node("Relu", $"{name}.relu2", [y]);
            y = weights.Convolution(y, $"{name}.conv3", $"{name}.bn3", 1, 0);
        }

        string shortcut = weights.Has($"{name}.downsample.0.weight")
            ? weights.Convolution(x, $"{name}.downsample.0", $"{name}.downsample.1", stride, 0)
            : x;
        return graph.Node("Relu", $"{name}.out", [graph.Node("Add", $"{name}.sum", [y, shortcut])]);
    }

    /// <summary>Convolutions with the batch normalisation behind them folded in.</summary>
    private sealed class Weights(SafetensorsFile file, OnnxGraph graph)
    {
        public bool Has(string name) => file.Entries.ContainsKey(name);

        public string Convolution(string x, string conv, string norm, long stride, long padding)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGrad = no_grad();
            Tensor kernel = Read($"{conv}.weight");
            // y = γ (w x − μ) / √(σ² + ε) + β = (w γ/√(σ² + ε)) x + (β − μ γ/√(σ² + ε)).
            Tensor gain = Read($"{norm}.weight") / Read($"{norm}.running_var").Plus(Epsilon).sqrt();
            Tensor bias = Read($"{norm}.bias") - Read($"{norm}.running_mean") * gain;
            string folded = graph.Constant($"{conv}.weight", Floats(kernel * gain.reshape(-1, 1, 1, 1)), kernel.shape);
            string offset = graph.Constant($"{conv}.bias", Floats(bias), bias.shape);
            return graph.Node("Conv", conv, [x, folded, offset],
                ("kernel_shape", new[] { kernel.shape[2], kernel.shape[3] }), ("strides", new[] { stride, stride }),
                ("pads", new[] { padding, padding, padding, padding }));
        }

        private Tensor Read(string name)
        {
            if (!Has(name))
                throw new Fault(FaultKind.Data, $"'{file.Path}' has no '{name}'; only ResNets by torchvision's names are exported.");
            return file.ReadTensor(name).to(ScalarType.Float64);
        }

        private static float[] Floats(Tensor tensor) => tensor.to(ScalarType.Float32).ToArray<float>();
    }
}
