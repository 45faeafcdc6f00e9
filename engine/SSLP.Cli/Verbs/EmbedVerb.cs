using System.CommandLine;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Kernels;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp embed</c>: features of every patch, as HDF5 or npy.</summary>
internal static class EmbedVerb
{
    public static Command Create()
    {
        var encoder = Inputs.EncoderFile();
        var input = new SourceOptions();
        var outFile = Inputs.Out("features.h5 (CLAM's and TRIDENT's layout) or features.npy");
        var mismatch = Inputs.AllowMismatch();
        var command = new Command("embed", "Features of every patch, from a trained encoder.") { encoder, outFile, mismatch };
        input.AddTo(command);
        command.SetAction(parsed =>
        {
            using EngineContext context = ContextOptions.Open(parsed);
            string path = parsed.GetRequiredValue(outFile);
            TorchSharp.torch.Device device = Devices.Select(DeviceKind.Auto);
            EncoderDescription described = Embedder.Describe(parsed.GetRequiredValue(encoder));
            using IPatchSource source = input.Open(parsed, context, new PatchScale(described.Preprocessing.PatchSize, described.Preprocessing.Mpp));
            var use = new EncoderUse(source.Mpp, source.PatchSize, "RGB");
            (ResNet backbone, _) = Embedder.Load(parsed.GetRequiredValue(encoder), device, use, parsed.GetValue(mismatch));
            using (backbone)
            {
                (FeatureTable features, IReadOnlyList<int> unread) =
                    Embedder.Run(backbone, described.Preprocessing, source, device, context.Workers, new CountLine("patches", source.Table.Count), Shell.Stop);
                if (path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
                    FeatureFile.WriteNpy(path, features);
                else
                    FeatureFile.WriteHdf5(path, features);
                foreach (IGrouping<string, int> slide in unread.GroupBy(source.Table.SlideName))
                    Shell.Warn($"{slide.Key}: {slide.Count()} patches did not read and have no features");
                Shell.Say($"{features.Count:N0} × {features.Width} features: {path}");
            }
            return 0;
        });
        return command;
    }
}
