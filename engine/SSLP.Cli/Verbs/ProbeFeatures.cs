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

/// <summary>What a probe judges: an encoder's features, or those of a baseline that needs no training.</summary>
internal sealed class ProbeFeatures
{
    private readonly Option<string?> _encoder = new("--encoder") { Description = "encoder.safetensors of a run", HelpName = "FILE" };
    private readonly Option<string?> _baseline = new("--baseline")
    {
        Description = "judge, in place of an encoder: untrained (ResNet-18) | colour (mean colour) | texture (65 colour and texture statistics)",
        HelpName = "NAME",
    };
    private readonly Option<int> _inputSize = new("--input-size") { Description = "of --baseline untrained, px", HelpName = "PX", DefaultValueFactory = _ => 224 };
    private readonly Option<int> _seed = new("--seed") { Description = "of --baseline untrained", HelpName = "S", DefaultValueFactory = _ => 1234 };
    private readonly Option<bool> _mismatch = Inputs.AllowMismatch();
    private readonly SourceOptions _source = new();

    public void AddTo(Command command)
    {
        _baseline.AcceptOnlyFromAmong("untrained", "colour", "texture");
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[_encoder, _baseline, _inputSize, _seed, _mismatch])
            command.Add(option);
        _source.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_encoder) is null == result.GetValue(_baseline) is null)
                result.AddError("probe takes one of --encoder and --baseline.");
        });
    }

    /// <summary>Features of every patch that the command line names.</summary>
    public FeatureTable Compute(ParseResult parsed)
    {
        torch.Device device = Devices.Select(DeviceKind.Auto);
        if (parsed.GetValue(_encoder) is not { } path)
            return OfBaseline(parsed, device);
        EncoderDescription described = Embedder.Describe(path);
        using IPatchSource source = _source.Open(parsed, new PatchScale(described.Preprocessing.PatchSize, described.Preprocessing.Mpp));
        (ResNet backbone, _) = Embedder.Load(path, device, new EncoderUse(source.Mpp, source.PatchSize, "RGB"), parsed.GetValue(_mismatch));
        using (backbone)
            return Embed(backbone, described.Preprocessing, source, device).Named($"{described.Arch} {described.Method}");
    }

    private FeatureTable OfBaseline(ParseResult parsed, torch.Device device)
    {
        using IPatchSource source = _source.Open(parsed, new PatchScale(new TrainingOptions().Patch, new TrainingOptions().Mpp));
        switch (parsed.GetValue(_baseline))
        {
            case "colour":
                return HandMadeFeatures.MeanColour(source, Shell.Stop);
            case "texture":
                return HandMadeFeatures.ColourAndTexture(source, Shell.Stop);
            default:
                var preprocessing = new EncoderPreprocessing(
                    EncoderPreprocessing.ImageNetMean, EncoderPreprocessing.ImageNetStd, source.Mpp, source.PatchSize, parsed.GetValue(_inputSize),
                    PretrainJob.Resampling, "RGB");
                using (ResNet backbone = Embedder.Untrained(Architecture.ResNet18, parsed.GetValue(_seed), device))
                    return Embed(backbone, preprocessing, source, device).Named("resnet18 untrained");
        }
    }

    private static FeatureTable Embed(ResNet backbone, EncoderPreprocessing preprocessing, IPatchSource source, torch.Device device)
    {
        using var pool = new WorkerPool();
        return Embedder.Run(backbone, preprocessing, source, device, pool, new CountLine("patches", source.Table.Count), Shell.Stop).Features;
    }
}
