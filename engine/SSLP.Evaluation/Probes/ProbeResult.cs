using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Patches;

namespace SSLP.Evaluation.Probes;

/// <summary>One probe's judgement of one set of features.</summary>
/// <param name="Probe">"linear_sgd", "linear_logistic", "knn", "finetune".</param>
/// <param name="Setting">What was set or chosen: "k=20", "l2=0.001".</param>
/// <param name="Features">What was judged.</param>
/// <param name="Split">Where the two sides come from.</param>
/// <param name="TrainPatches">Labelled patches learned from.</param>
/// <param name="TrainSlides">Slides they come from.</param>
/// <param name="TestPatches">Patches judged on.</param>
/// <param name="TestSlides">Slides they come from.</param>
/// <param name="Accuracy">Share right.</param>
/// <param name="BalancedAccuracy">Mean recall.</param>
/// <param name="MacroF1">Mean F1.</param>
/// <param name="Auc">Area under the curve; null where only one class is judged.</param>
/// <param name="Classes">Class names, in the order of <paramref name="Confusion"/>.</param>
/// <param name="Confusion">Patches by true class (outer) and predicted class (inner).</param>
public sealed record ProbeResult(
    string Probe, string Setting, string Features, string Split, int TrainPatches, int TrainSlides, int TestPatches, int TestSlides,
    Estimate Accuracy, Estimate BalancedAccuracy, Estimate MacroF1, Estimate? Auc, IReadOnlyList<string> Classes, long[][] Confusion)
{
    /// <summary>What the intervals draw, and what is on one side of the split as a whole: "patients", "slides" or "patches".</summary>
    public string Unit { get; init; } = "slides";

    /// <summary>How many of those are judged.</summary>
    public int TestUnits { get; init; } = TestSlides;

    /// <summary>Why there is no interval, and what to do; null where there is one.</summary>
    [JsonIgnore]
    internal string? WithoutInterval => Accuracy.Low is not null ? null
        : $"All {TestPatches:N0} judged patches are of one {Unit[..^(Unit == "patches" ? 2 : 1)]}, so that there is no interval: it is "
            + $"drawn from {Unit} that differ; judge two or more.";

    /// <summary>Patch by patch, of a probe that was just made; not in the JSON.</summary>
    internal JudgedPatches? Judged { get; init; }

    /// <summary>Scores of a task's test rows → the judgement.</summary>
    internal static ProbeResult From(string probe, string setting, ProbeTask task, float[] scores) =>
        From(probe, setting, task.Test.Source, task.How, task.Train.Patches, task.Test.Patches, scores);

    /// <summary>Scores of test patches → the judgement.</summary>
    /// <param name="probe">Its name.</param>
    /// <param name="setting">What was set or chosen.</param>
    /// <param name="features">What was judged.</param>
    /// <param name="how">Where the split comes from.</param>
    /// <param name="train">Patches learned from.</param>
    /// <param name="test">Patches judged on, all with a class.</param>
    /// <param name="scores">Test patches × classes, row-major.</param>
    internal static ProbeResult From(string probe, string setting, string features, string how, PatchTable train, PatchTable test,
        float[] scores)
    {
        MetricScorer scorer = new(test.LabelOf.ToArray(), scores, test.Classes!.Count);
        int[] units = test.UnitOf();
        (Estimate accuracy, Estimate balanced, Estimate f1, Estimate? auc) = SlideBootstrap.Estimate(scorer, units);
        return new(
            probe, setting, features, how, train.Count, Distinct(train.SlideOf), test.Count, Distinct(test.SlideOf),
            accuracy, balanced, f1, auc, test.Classes, scorer.Confusion())
        {
            Unit = test.Unit,
            TestUnits = Distinct(units),
            Judged = new(test.LabelOf.ToArray(), [.. Enumerable.Range(0, test.Count).Select(test.UnitName)], scores, test.Classes!.Count),
        };
    }

    private static int Distinct(ReadOnlySpan<int> slides) => new HashSet<int>(slides.ToArray()).Count;
}

/// <summary>Probe results as JSON, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ProbeResult[]))]
internal sealed partial class ProbeJson : JsonSerializerContext
{
    /// <summary>A JSON array with an object for every result.</summary>
    public static string Write(IEnumerable<ProbeResult> results) => JsonSerializer.Serialize([.. results], Default.ProbeResultArray);
}
