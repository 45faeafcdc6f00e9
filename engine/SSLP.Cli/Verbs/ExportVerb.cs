using System.CommandLine;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Onnx;
using static TorchSharp.torch;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp export</c>: the encoder for other programs.</summary>
internal static class ExportVerb
{
    public static Command Create()
    {
        Option<string> encoder = Inputs.EncoderFile();
        var format = new Option<string>(
            "--format")
        {
            Description =
                "safetensors | onnx (pixels in, features out: the preprocessing is in the graph) | timm | huggingface (folders that " +
                "those load by their path)",
            Required = true
        };
        format.AcceptOnlyFromAmong("safetensors", "onnx", "timm", "huggingface");
        Option<string> outFile = Inputs.Out("the file to write, or the folder for timm and huggingface");
        var command = new Command("export", "Write an encoder for other programs, with a model card and its preprocessing.") { encoder,
            format, outFile };
        command.SetAction(parsed =>
        {
            using EngineContext context = ContextOptions.Open(parsed);
            string from = parsed.GetRequiredValue(encoder), to = parsed.GetRequiredValue(outFile);
            if (parsed.GetValue(format) is "onnx" or "safetensors")
                Outputs.RequireFile(to, "--out");
            (ResNet backbone, EncoderDescription description) = Embedder.Load(from, CPU, new EncoderUse(), allowMismatch: false);
            using (backbone)
            {
                switch (parsed.GetValue(format))
                {
                    case "timm":
                        ModelFolder.WriteTimm(to, backbone.state_dict(), description);
                        break;
                    case "huggingface":
                        ModelFolder.WriteHuggingFace(to, backbone.state_dict(), description);
                        break;
                    case "onnx":
                        OnnxExport.Write(from, to);
                        ModelCard.Write(CardOf(to), description, null, Onnx(to));
                        break;
                    default:
                        EncoderFile.Save(to, backbone.state_dict(), description);
                        ModelCard.Write(CardOf(to), description, null, Torchvision(to, description));
                        break;
                }
            }
            Shell.Say($"{description.Arch}, {description.Width} features: {to}");
            return 0;
        });
        return command;
    }

    private static string CardOf(string file) => Path.ChangeExtension(file, ".md");

    private static string Onnx(string file) => $"""
        import numpy, onnxruntime
        session = onnxruntime.InferenceSession("{Path.GetFileName(file)}")
        its = session.get_inputs()[0]  # name, shape and type of its input
        features, = session.run(None, dict([(its.name, patches)]))
        """;

    private static string Torchvision(string file, EncoderDescription description) => $"""
        import torch, torchvision
        from safetensors.torch import load_file
        model = torchvision.models.{description.Arch}()
        model.fc = torch.nn.Identity()
        model.load_state_dict(load_file("{Path.GetFileName(file)}"))
        model.eval()
        """;
}
