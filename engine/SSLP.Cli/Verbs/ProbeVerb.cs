using System.CommandLine;
using SSLP.Data.Patches;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Kernels;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp probe</c>: how good features are, by labelled patches.</summary>
internal static class ProbeVerb
{
    public static Command Create()
    {
        var kind = new Argument<string>("KIND") { Description = "linear | knn | finetune" };
        kind.AcceptOnlyFromAmong("linear", "knn", "finetune");
        var features = new ProbeFeatures();
        var train = new Option<string?>("--train")
        {
            Description = "split to learn from; 'train' where the patches have splits",
            HelpName = "NAME"
        };
        var test = new Option<string?>("--test")
        {
            Description = "split to be judged on; 'test' or 'val' where the patches have splits",
            HelpName = "NAME"
        };
        var share = new Option<double>(
            "--label-share")
        {
            Description = "of finetune and --crops: share of the training labels used, 0.01 for 1 %",
            HelpName = "0..1",
            DefaultValueFactory = _ => 1
        };
        var crops = new Option<bool>("--crops")
        {
            Description =
                "of linear: the paper's SGD protocol alone, with a new crop and flip of every patch an epoch; the encoder runs in every " +
                "epoch",
        };
        var epochs = new Option<int>("--epochs")
        {
            Description = "of finetune and --crops: passes over those labels",
            HelpName = "N",
            DefaultValueFactory = _ => new FineTuneOptions().Epochs
        };
        Option<bool> splitPatches = Inputs.SplitPatches(), sharedPatients = Inputs.SharedPatients();
        Option<bool> json = Inputs.Json();
        var command = new Command(
            "probe", "Judge features on labelled patches; slides, and patients where they are known, are kept on one side.")
        {
            kind, train, test, splitPatches, sharedPatients, share, crops, epochs, json,
        };
        share.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= 1))
                result.AddError("--label-share is above 0 and at most 1.");
        });
        epochs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
                result.AddError("--epochs is 1 at least.");
        });
        features.AddTo(command);
        command.SetAction(parsed =>
        {
            using EngineContext context = ContextOptions.Open(parsed);
            ProbeSplit Split(PatchTable patches) => ProbeSplit.Of(
                patches, parsed.GetValue(train), parsed.GetValue(test),
                new(parsed.GetValue(splitPatches), parsed.GetValue(sharedPatients)));
            bool withCrops = parsed.GetValue(crops) && parsed.GetRequiredValue(kind) == "linear";
            FineTuneOptions options = (withCrops ? FineTuneOptions.Linear : new FineTuneOptions())
                with
            { LabelShare = parsed.GetValue(share), Epochs = parsed.GetValue(epochs) };
            IReadOnlyList<ProbeResult> results = withCrops || parsed.GetRequiredValue(kind) == "finetune"
                ? [features.Tune(parsed, context, Split, options)]
                : Frozen(
                    parsed.GetRequiredValue(kind), features.Compute(parsed, context, Split, parsed.GetRequiredValue(kind) == "linear"),
                    Split, context);
            if (results.Select(result => result.WithoutInterval).FirstOrDefault(why => why is not null) is { } why)
                Shell.Warn(why);
            Console.WriteLine(parsed.GetValue(json) ? ProbeJson.Write(results) : ProbeTable.Text(results) + ProbeTable.Confusion(results));
            return 0;
        });
        return command;
    }

    // The first table by both linear ways, those beside it by the one that does not depend on the features' scale.
    private static IReadOnlyList<ProbeResult> Frozen(
        string kind, IReadOnlyList<FeatureTable> tables, Func<PatchTable, ProbeSplit> splitOf, EngineContext context)
    {
        var task = new ProbeTask(tables[0], splitOf(tables[0].Patches));
        if (kind == "knn")
        {
            using KernelSet kernels = context.OpenKernels(out string? note);
            if (note is not null)
                Shell.Say(note);
            return KnnProbe.Run(task, kernels);
        }
        return
        [
            LinearProbe.Logistic(task), LinearProbe.Sgd(task),
            .. tables.Skip(1).Select(table => LinearProbe.Logistic(new ProbeTask(table, splitOf(table.Patches)))),
        ];
    }
}
