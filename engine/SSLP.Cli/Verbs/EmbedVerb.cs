using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp embed</c>: features of every patch, as an HDF5 a slide, one HDF5 or npy.</summary>
internal static class EmbedVerb
{
    /// <summary>Endings of formats that are asked for and not written, lest a folder be made of that name.</summary>
    private static readonly string[] OtherFormats = [".pt", ".pth", ".npz", ".csv", ".zip", ".parquet", ".zarr", ".safetensors"];

    public static Command Create()
    {
        Option<string> encoder = Inputs.EncoderFile();
        var input = new SourceOptions();
        Option<string> outPath = Inputs.Out(
            "a folder: <slide>.h5 for every slide, as CLAM and TRIDENT read them, and the same command goes on after a stop; or one " +
            "features.h5 or features.npy of all");
        Option<bool> mismatch = Inputs.AllowMismatch();
        var batchSize = new Option<int>("--batch-size")
        {
            Description = "patches at once",
            HelpName = "N",
            DefaultValueFactory = _ =>
            new EmbedOptions().BatchSize
        };
        var precision = new Option<Precision>("--precision") { Description = "arithmetic of the backbone", HelpName = "float32|bfloat16" };
        var shard = new Option<string?>(
            "--shard")
        {
            Description =
                "with a folder: every n-th slide, beginning with the i-th of 1 to n; for the jobs of a cluster's array",
            HelpName = "i/n"
        };
        var command = new Command("embed", "Features of every patch, from a trained encoder.") { encoder, outPath, mismatch, batchSize,
            precision, shard };
        batchSize.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 65536)
                result.AddError("--batch-size is 1 to 65536.");
        });
        input.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(outPath), encoderPath = parsed.GetRequiredValue(encoder);
            bool folder = IsFolder(path);
            if (folder)
                Outputs.RequireFolder(path, "--out");
            else
                Outputs.RequireFile(path, "--out");
            (int, int)? part = parsed.GetValue(shard) is { } text ? Shard(text, folder) : null;
            using EngineContext context = ContextOptions.Open(parsed);
            TorchSharp.torch.Device device = Devices.Select(DeviceKind.Auto);
            EncoderDescription described = Embedder.Describe(encoderPath);
            using IPatchSource source =
                input.Open(parsed, context, new PatchScale(described.Preprocessing.PatchSize, described.Preprocessing.Mpp));
            var use = new EncoderUse(source.Mpp, source.PatchSize, "RGB");
            (ResNet backbone, _) = Embedder.Load(encoderPath, device, use, parsed.GetValue(mismatch));
            var options = new EmbedOptions { BatchSize = parsed.GetValue(batchSize), Precision = parsed.GetValue(precision) };
            string name = $"{described.Arch} {described.Method}";
            using (backbone)
            {
                using IFeatureSink sink = folder
                    ? new SlideFilesSink(path, source, backbone.Features, name, Identity(encoderPath, options.Precision), part ?? (0, 1))
                    : path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) ? new NpySink(path, backbone.Features)
                    : new SingleFileSink(path, source, backbone.Features, name);
                int[] patches = sink is SlideFilesSink files ? files.Order : [.. Enumerable.Range(0, source.Table.Count)];
                if (sink is SlideFilesSink { SlidesDone: > 0 } resumed)
                    Shell.Say($"in {path} already: {resumed.SlidesDone} of {Counted.Slides(resumed.Slides)}");
                IReadOnlyList<int> unread = Embedder.Stream(
                    backbone, described.Preprocessing, source, patches, device, context.Workers, options, sink,
                    new CountLine("patches", patches.Length), Shell.Stop);
                foreach (IGrouping<string, int> slide in unread.GroupBy(source.Table.SlideName))
                    Shell.Warn($"{slide.Key}: {Counted.Patches(slide.Count())} did not read and have no features");
                Shell.Say($"{patches.Length - unread.Count:N0} × {backbone.Features} " +
                    $"features{(sink is SlideFilesSink all ? $" of {Counted.Slides(all.Slides - all.SlidesDone)}" : "")}: {path}");
            }
            return 0;
        });
        return command;
    }

    /// <exception cref="Fault">The ending of a format that is not written.</exception>
    private static bool IsFolder(string path)
    {
        string ending = Path.GetExtension(path).ToLowerInvariant();
        if (Directory.Exists(path))
            return true;
        if (OtherFormats.Contains(ending))
            throw new Fault(FaultKind.Usage,
                $"embed writes no '{ending}': --out is a folder for a file a slide, or a file that ends in .h5 or .npy.");
        return ending is not (".h5" or ".hdf5" or ".npy");
    }

    private static (int Index, int Of) Shard(string text, bool folder)
    {
        if (!folder)
            throw new Fault(FaultKind.Usage, "--shard goes with a folder as --out: a single file can't be written by several jobs.");
        string[] parts = text.Split('/');
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int i)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int n) && i >= 1 && i <= n
            ? (i - 1, n)
            : throw new Fault(FaultKind.Usage, $"--shard '{text}': i/n with i from 1 to n is wanted, as in 3/8.");
    }

    /// <summary>What features of two runs differ by: the encoder's bytes and the arithmetic.</summary>
    private static string Identity(string encoder, Precision precision)
    {
        using FileStream stream = File.OpenRead(encoder);
        return $"sha256 {Convert.ToHexStringLower(SHA256.HashData(stream))} {precision.ToString().ToLowerInvariant()}";
    }
}
