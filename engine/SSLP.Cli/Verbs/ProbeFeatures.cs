using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
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
        if (parsed.GetValue(_baseline) is "colour" or "texture")
            return HandMade(parsed);
        torch.Device device = Devices.Select(DeviceKind.Auto);
        using Network network = Open(parsed, device);
        using var pool = new WorkerPool();
        var progress = new CountLine("patches", network.Source.Table.Count);
        return Embedder.Run(network.Backbone, network.Preprocessing, network.Source, device, pool, progress, Shell.Stop).Features.Named(network.Name);
    }

    /// <summary>Trains a classifier, with all layers of the encoder or with none of them, on the labels that the command line names.</summary>
    public ProbeResult Tune(ParseResult parsed, Func<PatchTable, ProbeSplit> splitOf, FineTuneOptions options)
    {
        if (parsed.GetValue(_baseline) is "colour" or "texture")
            throw new Fault(FaultKind.Usage, "Colour and texture statistics have no layers; finetune and --crops take --encoder, or --baseline untrained.");
        torch.Device device = Devices.Select(DeviceKind.Auto);
        using Network network = Open(parsed, device);
        using var pool = new WorkerPool();
        return FineTune.Run(
            network.Backbone, network.Preprocessing, network.Name, network.Source, splitOf(network.Source.Table), device, pool, options,
            new CountLine("epochs", options.Epochs), Shell.Stop);
    }

    private FeatureTable HandMade(ParseResult parsed)
    {
        using IPatchSource source = OpenUnscaled(parsed);
        return parsed.GetValue(_baseline) == "colour" ? HandMadeFeatures.MeanColour(source, Shell.Stop) : HandMadeFeatures.ColourAndTexture(source, Shell.Stop);
    }

    /// <summary>The encoder of --encoder with patches as it was trained on, or an untrained one with patches as they come.</summary>
    private Network Open(ParseResult parsed, torch.Device device)
    {
        if (parsed.GetValue(_encoder) is { } path)
        {
            EncoderDescription described = Embedder.Describe(path);
            IPatchSource scaled = _source.Open(parsed, new PatchScale(described.Preprocessing.PatchSize, described.Preprocessing.Mpp));
            (ResNet backbone, _) = Embedder.Load(path, device, new EncoderUse(scaled.Mpp, scaled.PatchSize, "RGB"), parsed.GetValue(_mismatch));
            return new(backbone, described.Preprocessing, scaled, $"{described.Arch} {described.Method}");
        }
        IPatchSource source = OpenUnscaled(parsed);
        var preprocessing = new EncoderPreprocessing(
            EncoderPreprocessing.ImageNetMean, EncoderPreprocessing.ImageNetStd, source.Mpp, source.PatchSize, parsed.GetValue(_inputSize),
            PretrainJob.Resampling, "RGB");
        return new(Embedder.Untrained(Architecture.ResNet18, parsed.GetValue(_seed), device), preprocessing, source, "resnet18 untrained");
    }

    private IPatchSource OpenUnscaled(ParseResult parsed) => _source.Open(parsed, new PatchScale(new TrainingOptions().Patch, new TrainingOptions().Mpp));

    private sealed record Network(ResNet Backbone, EncoderPreprocessing Preprocessing, IPatchSource Source, string Name) : IDisposable
    {
        public void Dispose()
        {
            Backbone.Dispose();
            Source.Dispose();
        }
    }
}
