using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;

namespace SSLP.Cli.Verbs;

/// <summary>What says how to pretrain, on what and where: for <c>pretrain</c>, and for <c>profile</c>, which does its first
/// steps.</summary>
internal sealed class PretrainArguments
{
    private readonly Option<string?> _config = new("--config") { Description = "run.yaml: flat 'key: value' lines", HelpName = "run.yaml" };
    private readonly Option<string[]> _sets = new("--set")
    {
        Description = "key=value, over --config; may be repeated. Keys: sslp pretrain --options",
        HelpName = "key=value",
        DefaultValueFactory = _ => [],
    };
    private readonly Option<string?> _init = new("--init")
    {
        Description =
            "begin with this ResNet: safetensors of a run's encoder, torchvision, timm, MoCo, lightly, mmselfsup, DINO or Hugging " +
            "Face; the same as --set init=FILE",
        HelpName = "FILE",
    };
    private readonly Option<string?> _probeLabels = new("--probe-labels")
    {
        Description =
            "with slides: CSV of slide,x,y,label[,split] that the online probe of probe_every judges by; nothing is trained on it",
        HelpName = "CSV",
    };

    /// <summary>The patches.</summary>
    public SourceOptions Input { get; } = new();

    /// <summary>RUN.</summary>
    public Option<string?> Out { get; } = new("--out") { Description = "RUN, the folder of the run", HelpName = "RUN" };

    /// <summary>Whether to go on from the newest checkpoint of RUN.</summary>
    public Option<bool> Resume { get; } = new("--resume") { Description = "go on from the newest checkpoint of RUN" };

    /// <summary>The checkpoint to go on from.</summary>
    public Option<string?> ResumeFrom { get; } = new("--resume-from")
    {
        Description = "go on from this checkpoint of RUN instead of the newest; later ones are set aside",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        foreach (System.CommandLine.Option option in (System.CommandLine.Option[])[Out, _config, _sets, _init, _probeLabels, Resume,
            ResumeFrom])
            command.Add(option);
        Input.AddTo(command);
    }

    /// <summary>"key=value" as they were given.</summary>
    public string[] Sets(ParseResult parsed) => parsed.GetValue(_sets) ?? [];

    /// <summary>Whether anything is given that a replay takes from the folder of its step.</summary>
    public bool NamesRun(ParseResult parsed) =>
        parsed.GetValue(Out) is not null || parsed.GetValue(_config) is not null || parsed.GetValue(_init) is not null
        || parsed.GetValue(Resume) || parsed.GetValue(_probeLabels) is not null;

    /// <summary>Every option of the run.</summary>
    /// <exception cref="Fault">A key or a value that means nothing, or a file of weights that is not there.</exception>
    public TrainingOptions Options(ParseResult parsed)
    {
        TrainingOptions options = RunConfig.Read(ContextOptions.Defaults(), parsed.GetValue(_config), Settings(parsed),
            ContextOptions.Given(parsed));
        if (parsed.GetValue(_probeLabels) is not null && options.ProbeEvery == 0)
            throw new Fault(FaultKind.Usage,
                "--probe-labels is what the online probe judges by: say how often with --set probe_every=500.");
        InitialWeights.Require(options.Init);
        return options;
    }

    /// <summary>Opens the patches; the caller disposes them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="context">Whose caches and decoders they are read with.</param>
    /// <param name="options">Of the run.</param>
    /// <param name="run">Keeps the grid of slides that are tiled here; null: nobody does.</param>
    public IPatchSource Open(ParseResult parsed, EngineContext context, TrainingOptions options, Engine.Runs.RunFolder? run)
    {
        double? given = RunConfig.IsSet("mpp", parsed.GetValue(_config), Settings(parsed)) ? options.Mpp : null;
        return Input.Open(
            parsed, context, new PatchScale(options.Patch, options.Mpp, given, options.TissueRule),
            needsCoordinates: options.Method == MethodKind.Sslp, run, learns: true);
    }

    /// <summary>The labelled patches that the online probe judges by, where others than the run's; the caller disposes them.</summary>
    public IPatchSource? OpenProbed(ParseResult parsed, EngineContext context, IPatchSource source) =>
        parsed.GetValue(_probeLabels) is { } csv ? Input.OpenPoints(parsed, context, csv, source) : null;

    /// <summary>The checkpoint that --resume-from names; null where it is not given.</summary>
    /// <exception cref="Fault">It is not there.</exception>
    public string? From(ParseResult parsed, Engine.Runs.RunFolder folder)
    {
        string? checkpoint = parsed.GetValue(ResumeFrom);
        if (checkpoint is not null && !File.Exists(checkpoint))
            throw new Fault(FaultKind.Usage,
                $"--resume-from '{checkpoint}' is not there; the run's checkpoints are in '{folder.Checkpoints}'.");
        return checkpoint;
    }

    private string[] Settings(ParseResult parsed) =>
        [.. Sets(parsed), .. parsed.GetValue(_init) is { } file ? [$"init={file}"] : Array.Empty<string>(), .. Input.KeysOf(parsed)];
}
