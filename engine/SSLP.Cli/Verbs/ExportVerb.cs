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
        var encoder = Inputs.EncoderFile();
        var format = new Option<string>("--format") { Description = "safetensors | onnx (pixels in, features out: the preprocessing is in the graph)", Required = true };
        format.AcceptOnlyFromAmong("safetensors", "onnx");
        var outFile = Inputs.Out("the file to write");
        var command = new Command("export", "Write an encoder for other programs, its preprocessing in the metadata.") { encoder, format, outFile };
        command.SetAction(parsed =>
        {
            TorchRuntime.Load();
            string from = parsed.GetRequiredValue(encoder), to = parsed.GetRequiredValue(outFile);
            (ResNet backbone, EncoderDescription description) = Embedder.Load(from, CPU, new EncoderUse(), allowMismatch: false);
            using (backbone)
            {
                if (parsed.GetValue(format) == "onnx")
                    OnnxExport.Write(from, to);
                else
                    EncoderFile.Save(to, backbone.state_dict(), description);
            }
            Shell.Say($"{description.Arch}, {description.Width} features: {to}");
            return 0;
        });
        return command;
    }
}
