using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using SSLP.Data.Files;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>
/// An encoder as a folder that another library loads by its path: config.json, model.safetensors under that library's names, README.md. The
/// layouts are those of timm's <c>create_model("local-dir:…")</c> and of Hugging Face's <c>ResNetModel.from_pretrained</c>.
/// </summary>
public static class ModelFolder
{
    /// <summary>For timm: its ResNets have torchvision's names.</summary>
    /// <param name="folder">Made where it is missing; must hold no model yet.</param>
    /// <param name="state">Parameters and buffers of the backbone.</param>
    /// <param name="description">What it is.</param>
    /// <exception cref="Fault">The folder holds a model.</exception>
    public static void WriteTimm(string folder, IEnumerable<KeyValuePair<string, Tensor>> state, EncoderDescription description)
    {
        EncoderPreprocessing p = description.Preprocessing;
        var config = new JsonObject
        {
            ["architecture"] = description.Arch,
            ["num_classes"] = 0,
            ["num_features"] = description.Width,
            ["global_pool"] = "avg",
            ["pretrained_cfg"] = new JsonObject
            {
                ["input_size"] = new JsonArray(3, p.InputSize, p.InputSize),
                ["fixed_input_size"] = false,
                ["interpolation"] = "bilinear",
                ["crop_pct"] = Crop(p),
                ["crop_mode"] = "center",
                ["mean"] = Triple(p.Mean),
                ["std"] = Triple(p.Std),
                ["num_classes"] = 0,
                ["pool_size"] = new JsonArray((p.InputSize + 31) / 32, (p.InputSize + 31) / 32),
                ["first_conv"] = "conv1",
                ["classifier"] = "fc",
            },
        };
        Write(folder, config, null, state, description, name => name, "timm", $"""
            import timm, torch
            model = timm.create_model("local-dir:{FolderName(folder)}", pretrained=True, num_classes=0).eval()
            transform = timm.data.create_transform(**timm.data.resolve_data_config(model.pretrained_cfg), is_training=False)
            features = model(transform(patch)[None])  # [1, {description.Width}]
            """);
    }

    /// <summary>For Hugging Face's transformers, with what its image processor needs.</summary>
    /// <inheritdoc cref="WriteTimm"/>
    public static void WriteHuggingFace(string folder, IEnumerable<KeyValuePair<string, Tensor>> state, EncoderDescription description)
    {
        EncoderPreprocessing p = description.Preprocessing;
        bool bottleneck = description.Width == 2048;
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("ResNetModel"),
            ["model_type"] = "resnet",
            ["num_channels"] = 3,
            ["embedding_size"] = 64,
            ["hidden_sizes"] = bottleneck ? new JsonArray(256, 512, 1024, 2048) : new JsonArray(64, 128, 256, 512),
            ["depths"] = bottleneck ? new JsonArray(3, 4, 6, 3) : new JsonArray(2, 2, 2, 2),
            ["layer_type"] = bottleneck ? "bottleneck" : "basic",
            ["hidden_act"] = "relu",
            ["downsample_in_first_stage"] = false,
            ["downsample_in_bottleneck"] = false,
            ["torch_dtype"] = "float32",
        };
        var processor = new JsonObject
        {
            ["image_processor_type"] = "ConvNextImageProcessor",
            ["do_resize"] = true,
            ["size"] = new JsonObject { ["shortest_edge"] = p.InputSize },
            ["crop_pct"] = Crop(p),
            ["resample"] = 2,
            ["do_rescale"] = true,
            ["rescale_factor"] = 1 / 255.0,
            ["do_normalize"] = true,
            ["image_mean"] = Triple(p.Mean),
            ["image_std"] = Triple(p.Std),
        };
        Write(folder, config, processor, state, description, HuggingFaceNames.FromTorchvision, "transformers", $"""
            from transformers import AutoImageProcessor, AutoModel
            processor = AutoImageProcessor.from_pretrained("{FolderName(folder)}")
            model = AutoModel.from_pretrained("{FolderName(folder)}").eval()
            features = model(**processor(patch, return_tensors="pt")).pooler_output.flatten(1)  # [1, {description.Width}]
            """);
    }

    private static void Write(
        string folder, JsonObject config, JsonObject? processor, IEnumerable<KeyValuePair<string, Tensor>> state,
        EncoderDescription description,
        Func<string, string> rename, string library, string loading)
    {
        string weights = Path.Combine(folder, "model.safetensors");
        if (File.Exists(folder) || File.Exists(weights))
            throw new Fault(FaultKind.Input,
                $"'{(File.Exists(folder) ? folder : weights)}' is there already; name a new folder with --out.");
        SafetensorsWriter.Write(
            weights, [.. state.Select(pair => SafetensorsItem.From(rename(pair.Key), pair.Value))],
            new Dictionary<string, string>(description.Preprocessing.ToMetadata()) { ["format"] = "pt" });
        WriteJson(Path.Combine(folder, "config.json"), config);
        if (processor is not null)
            WriteJson(Path.Combine(folder, "preprocessor_config.json"), processor);
        ModelCard.Write(Path.Combine(folder, "README.md"), description, library, loading);
    }

    private static void WriteJson(string path, JsonObject json) => AtomicFile.Write(path, stream =>
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteTo(writer);
    });

    private static double Crop(EncoderPreprocessing p) => (double)p.InputSize / p.ResizedSide;

    private static JsonArray Triple(Vector3 v) => new(Math.Round(v.X, 6), Math.Round(v.Y, 6), Math.Round(v.Z, 6));

    private static string FolderName(string folder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
}
