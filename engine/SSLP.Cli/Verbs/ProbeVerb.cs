using System.CommandLine;
using SSLP.Engine.Evaluation;
using SSLP.Engine.Runtime;

namespace SSLP.Cli.Verbs;

/// <summary><c>sslp probe</c>: how good features are, by labelled patches.</summary>
internal static class ProbeVerb
{
    public static Command Create()
    {
        var kind = new Argument<string>("KIND") { Description = "linear | knn" };
        kind.AcceptOnlyFromAmong("linear", "knn");
        var features = new ProbeFeatures();
        var train = new Option<string?>("--train") { Description = "split to learn from; 'train' where the patches have splits", HelpName = "NAME" };
        var test = new Option<string?>("--test") { Description = "split to be judged on; 'test' or 'val' where the patches have splits", HelpName = "NAME" };
        var json = Inputs.Json();
        var command = new Command("probe", "Judge features on labelled patches; training and test slides are kept apart.") { kind, train, test, json };
        features.AddTo(command);
        command.SetAction(parsed =>
        {
            TorchRuntime.Load();
            FeatureTable table = features.Compute(parsed);
            var task = new ProbeTask(table, ProbeSplit.Of(table.Patches, parsed.GetValue(train), parsed.GetValue(test)));
            IReadOnlyList<ProbeResult> results = parsed.GetRequiredValue(kind) == "knn"
                ? KnnProbe.Run(task)
                : [LinearProbe.Logistic(task), LinearProbe.Sgd(task)];
            Console.WriteLine(parsed.GetValue(json) ? ProbeJson.Write(results) : ProbeTable.Text(results));
            return 0;
        });
        return command;
    }
}
