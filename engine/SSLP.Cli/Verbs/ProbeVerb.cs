using System.CommandLine;
using SSLP.Engine.Evaluation;
using SSLP.Engine.Export;
using SSLP.Engine.Model;
using SSLP.Engine.Runtime;
using SSLP.Engine.Tiling;
using SSLP.Engine.Training;
using SSLP.Kernels;
using TorchSharp;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp probe</c>: how good an encoder's features are, by labelled patches.</summary>
internal static class ProbeVerb
{
    public static Command Create()
    {
        var kind = new Argument<string>("KIND") { Description = "linear | knn" };
        kind.AcceptOnlyFromAmong("linear", "knn");
        var encoder = Inputs.EncoderFile();
        var input = new SourceOptions();
        var train = new Option<string?>("--train") { Description = "split to learn from; 'train' where the patches have splits", HelpName = "NAME" };
        var test = new Option<string?>("--test") { Description = "split to be judged on; 'test' or 'val' where the patches have splits", HelpName = "NAME" };
        var mismatch = Inputs.AllowMismatch();
        var json = Inputs.Json();
        var command = new Command("probe", "Judge an encoder's features on labelled patches; training and test slides are kept apart.")
        {
            kind, encoder, train, test, mismatch, json,
        };
        input.AddTo(command);
        command.SetAction(parsed =>
        {
            TorchRuntime.Load();
            using var pool = new WorkerPool();
            torch.Device device = Devices.Select(DeviceKind.Auto);
            string path = parsed.GetRequiredValue(encoder);
            EncoderDescription described = EncoderFile.Describe(path);
            using IPatchSource source = input.Open(parsed, new PatchScale(described.Preprocessing.PatchSize, described.Preprocessing.Mpp));
            (ResNet backbone, _) = Embedder.Load(path, device, new EncoderUse(source.Mpp, source.PatchSize, "RGB"), parsed.GetValue(mismatch));
            using (backbone)
            {
                (FeatureTable features, _) = Embedder.Run(
                    backbone, described.Preprocessing, source, device, pool, new CountLine("patches", source.Table.Count), Shell.Stop);
                var task = new ProbeTask(features.Named($"{described.Arch} {described.Method}"), ProbeSplit.Of(features.Patches, parsed.GetValue(train), parsed.GetValue(test)));
                IReadOnlyList<ProbeResult> results = parsed.GetRequiredValue(kind) == "knn"
                    ? KnnProbe.Run(task)
                    : [LinearProbe.Logistic(task), LinearProbe.Sgd(task)];
                Console.WriteLine(parsed.GetValue(json) ? ProbeJson.Write(results) : ProbeTable.Text(results));
            }
            return 0;
        });
        return command;
    }
}
