using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using TorchSharp;

namespace SSLP.Cli.Verbs;

/// <summary>What a probe judges: an encoder's features, or those of a baseline that needs no training.</summary>
internal sealed class ProbeFeatures
{
    private readonly Option<string?> _encoder = new("--encoder") { Description = "encoder.safetensors of a run", HelpName = "FILE" };
    private readonly Option<string?> _baseline = new("--baseline")
    {
        Description =
            "judge, in place of an encoder: untrained (ResNet-18) | colour (mean colour) | texture (65 colour and texture statistics)",
        HelpName = "NAME",
    };
    private readonly Option<string?> _features = new("--features")
    {
        Description = "judge, in place of an encoder: the features of a file of sslp embed, with the labels and splits that it holds",
        HelpName = "FILE",
    };
    private readonly Option<int> _inputSize = new("--input-size")
    {
        Description = "of --baseline untrained, px",
        HelpName = "PX",
        DefaultValueFactory = _ => 224
    };
    private readonly Option<int> _seed = new("--seed")
    {
        Description = "of --baseline untrained",
        HelpName = "S",
        DefaultValueFactory = _ => 1234
    };
    private readonly Option<bool> _mismatch = Inputs.AllowMismatch();
    private readonly Option<string?> _trainPatches =
        new("--train-patches")
        {
            Description =
        "with --test-patches: patches to learn from, where a set comes in two: a folder of cut ones, or a manifest of sslp tile",
            HelpName = "PATH"
        };
    private readonly Option<string?> _testPatches = new("--test-patches")
    {
        Description = "with --train-patches: patches to be judged on",
        HelpName = "PATH"
    };
    private readonly SourceOptions _source = new();

    public void AddTo(Command command)
    {
        _baseline.AcceptOnlyFromAmong("untrained", "colour", "texture");
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[_encoder, _baseline, _features, _inputSize, _seed,
            _mismatch, _trainPatches, _testPatches])
            command.Add(option);
        _source.AddTo(command);
        command.Validators.Add(result =>
        {
            if (new[] { _encoder, _baseline, _features }.Count(option => result.GetResult(option) is not null) != 1)
                result.AddError("probe takes one of --encoder, --baseline and --features.");
            if (result.GetValue(_trainPatches) is null != result.GetValue(_testPatches) is null)
                result.AddError("--train-patches and --test-patches go together.");
            // Before an hour is spent on cutting slides whose patches nothing can be judged by.
            if (_source.IsWithoutLabels(result))
                result.AddError("probe judges by labels, and slides have none: name a CSV of slide,x,y,label with --labels, or a manifest "
                    + "that 'sslp tile --annotations' labelled with --tiles.");
        });
    }

    /// <summary>Features of every patch that the command line names; of an encoder, where <paramref name="withHandMade"/> asks for it, also
    /// the colour and texture statistics of the same patches, and both side by side, which is what a user would take.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="context">Of this process.</param>
    /// <param name="splitOf">The sides: what is wrong with them is said before features are computed.</param>
    /// <param name="withHandMade">As said.</param>
    public IReadOnlyList<FeatureTable> Compute(ParseResult parsed, EngineContext context, Func<PatchTable, ProbeSplit> splitOf,
        bool withHandMade)
    {
        if (parsed.GetValue(_features) is { } file)
            return [OfFile(parsed, file, splitOf)];
        if (parsed.GetValue(_baseline) is "colour" or "texture")
            return [HandMade(parsed, context, splitOf)];
        torch.Device device = Devices.Select(DeviceKind.Auto);
        using Network network = Open(parsed, context, device);
        SayWhatWasSeen(network, splitOf(network.Source.Table), parsed.GetValue(_mismatch));
        var progress = new CountLine("patches", network.Source.Table.Count);
        FeatureTable learned = Embedder
            .Run(network.Backbone, network.Preprocessing, network.Source, device, context.Workers, progress, Shell.Stop).Features.Named(
                network.Name).Kept();
        if (!withHandMade || network.Described is null)
            return [learned];
        FeatureTable handMade = HandMadeFeatures.ColourAndTexture(network.Source, Shell.Stop).Kept();
        return [learned, handMade, learned.Beside(handMade, $"{network.Name} and {handMade.Source}")];
    }

    /// <summary>Trains a classifier, with all layers of the encoder or with none of them, on the labels that the command line
    /// names.</summary>
    public ProbeResult Tune(ParseResult parsed, EngineContext context, Func<PatchTable, ProbeSplit> splitOf, FineTuneOptions options)
    {
        if (parsed.GetValue(_features) is not null)
            throw new Fault(FaultKind.Usage,
                "Features of a file have no layers and no pixels; finetune and --crops take --encoder, or --baseline untrained.");
        if (parsed.GetValue(_baseline) is "colour" or "texture")
            throw new Fault(FaultKind.Usage,
                "Colour and texture statistics have no layers; finetune and --crops take --encoder, or --baseline untrained.");
        torch.Device device = Devices.Select(DeviceKind.Auto);
        using Network network = Open(parsed, context, device);
        ProbeSplit split = splitOf(network.Source.Table);
        SayWhatWasSeen(network, split, parsed.GetValue(_mismatch));
        return FineTune.Run(
            network.Backbone, network.Preprocessing, network.Name, network.Source, split, device, context.Workers, options,
            new CountLine("epochs", options.Epochs), Shell.Stop);
    }

    /// <summary>How much of what is judged was in pretraining.</summary>
    /// <exception cref="Fault">Some was, and pretraining took its labels.</exception>
    private static void SayWhatWasSeen(Network network, ProbeSplit split, bool allowed)
    {
        if (network.Described is not { } encoder)
            return;
        PatchTable table = network.Source.Table;
        if (encoder.TrainedOn is not { } seen || (table.HasSlides ? seen.Slides : seen.Patches) == 0)
        {
            Shell.Say(encoder.TrainedOn is null
                ? "the encoder's file does not say what it was trained on, so that whether the judged slides were in pretraining is not " +
                "known"
                : $"the encoder was trained on {(WordOf(encoder.TrainedOn))} and " +
                    $"{(table.HasSlides ? "slides" : "patches of no named slide")} are judged, so that whether they were in pretraining " +
                    $"is not known");
            return;
        }
        (int known, int of, string unit) = seen.Among(table, split.Test);
        string sentence = $"{known} of {of} judged {unit} were in pretraining";
        if (known > 0 && encoder.Method == "supervised" && !allowed)
            throw new Fault(FaultKind.Input,
                $"{sentence}, which learned from labels: the figure would be of what it was taught. Judge other {unit}, or judge all the " +
                $"same with --allow-mismatch.");
        if (known > 0)
            Shell.Warn(sentence);
        else
            Shell.Say(sentence);
    }

    private static string WordOf(TrainedOn seen) => seen.Slides > 0 ? "slides" : "patches of no named slide";

    private FeatureTable OfFile(ParseResult parsed, string file, Func<PatchTable, ProbeSplit> splitOf)
    {
        if (_source.IsGiven(parsed) || parsed.GetValue(_trainPatches) is not null)
            throw new Fault(FaultKind.Usage,
                "A file of --features has its own patches: leave out --slides, --patches, --tiles, --train-patches and --test-patches.");
        if (Directory.Exists(file))
            throw new Fault(FaultKind.Usage,
                $"'{file}' is a folder; --features takes one file, as 'sslp embed --out features.h5' makes it.");
        FeatureTable table = FeatureFile.ReadHdf5(file);
        splitOf(table.Patches);
        Shell.Say($"{file}: {Counted.Patches(table.Count)}, {table.Width} numbers each, {table.Source}; whether the judged slides " +
            $"were in pretraining is not known");
        return table;
    }

    private FeatureTable HandMade(ParseResult parsed, EngineContext context, Func<PatchTable, ProbeSplit> splitOf)
    {
        using IPatchSource source = OpenUnscaled(parsed, context);
        splitOf(source.Table);
        return (parsed.GetValue(_baseline) == "colour" ? HandMadeFeatures.MeanColour(source, Shell.Stop)
            : HandMadeFeatures.ColourAndTexture(source, Shell.Stop)).Kept();
    }

    /// <summary>The encoder of --encoder with patches as it was trained on, or an untrained one with patches as they come.</summary>
    private Network Open(ParseResult parsed, EngineContext context, torch.Device device)
    {
        if (parsed.GetValue(_encoder) is { } path)
        {
            EncoderDescription described = Embedder.Describe(path);
            IPatchSource scaled = OpenSource(
                parsed, context, new PatchScale(described.Preprocessing.PatchSize, described.Preprocessing.Mpp));
            (ResNet backbone, _) = Embedder.Load(path, device, new EncoderUse(scaled.Mpp, scaled.PatchSize, "RGB"),
                parsed.GetValue(_mismatch));
            return new(backbone, described.Preprocessing, scaled, $"{described.Arch} {described.Method}", described);
        }
        IPatchSource source = OpenUnscaled(parsed, context);
        var preprocessing = new EncoderPreprocessing(
            EncoderPreprocessing.ImageNetMean, EncoderPreprocessing.ImageNetStd, source.Mpp, source.PatchSize, parsed.GetValue(_inputSize),
            PretrainJob.Resampling, "RGB");
        return new(Embedder.Untrained(Architecture.ResNet18, parsed.GetValue(_seed), device), preprocessing, source,
            "resnet18 untrained", null);
    }

    private IPatchSource OpenSource(ParseResult parsed, EngineContext context, PatchScale scale)
    {
        if (parsed.GetValue(_trainPatches) is not { } train)
            return _source.Open(parsed, context, scale);
        if (_source.IsGiven(parsed))
            throw new Fault(FaultKind.Usage, "probe takes --train-patches and --test-patches, or one of --slides, --patches and --tiles.");
        IPatchSource learned = OpenSide(parsed, context, train);
        IPatchSource? judged = null;
        try
        {
            judged = OpenSide(parsed, context, parsed.GetValue(_testPatches)!);
            return new OpenedPatches(_source.WithPatients(parsed, new JoinedPatches(learned, judged)), learned, judged);
        }
        catch
        {
            learned.Dispose();
            judged?.Dispose();
            throw;
        }
    }

    private IPatchSource OpenSide(ParseResult parsed, EngineContext context, string path) => File.Exists(path)
        ? SlidePatches.Open(path, runtime: context.Slides)
        : SourceOptions.OpenFolder(path, needsCoordinates: false, _source.GivenMpp(parsed));

    private IPatchSource OpenUnscaled(ParseResult parsed, EngineContext context) =>
        OpenSource(parsed, context, new PatchScale(new TrainingOptions().Patch, new TrainingOptions().Mpp));

    private sealed record Network(ResNet Backbone, EncoderPreprocessing Preprocessing, IPatchSource Source, string Name,
        EncoderDescription? Described)
        : IDisposable
    {
        public void Dispose()
        {
            Backbone.Dispose();
            Source.Dispose();
        }
    }
}
