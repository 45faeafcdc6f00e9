using SSLP.Engine.Model;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>
/// Runs of versions before <c>grayscale_first</c> was an option: what their options meant then, so that a resume, a replay or a report
/// takes them as they were trained.
/// </summary>
internal static class EarlierRuns
{
    private const int QueueThen = 65536;

    /// <summary>Whether options with these keys are of such a run.</summary>
    public static bool Has(IEnumerable<string> keys)
    {
        HashSet<string> there = [.. keys];
        return there.Contains("augment") && !there.Contains("grayscale_first");
    }

    /// <summary>Its options in today's words: gray came after the jitter, sigma was in pixels of the input as it is, SimCLR's head had no
    /// batch normalisation, and 65,536 keys stood for every queue.</summary>
    public static TrainingOptions InTodaysWords(TrainingOptions options)
    {
        AugmentOptions augment = options.Augment with { InputSize = options.InputSize, GrayscaleFirst = false };
        if (augment.Blur > 0)
            augment = augment with { BlurSigma = ((float)(0.1 / augment.BlurScale), (float)(2 / augment.BlurScale)) };
        return options with
        {
            Augment = augment with { InputSize = options.Augment.InputSize },
            Head = options.Head ?? (options.Method == MethodKind.SimClr ? HeadKind.Mlp : null),
            Queue = options.Method != MethodKind.MoCoV2 && options.Queue == QueueThen ? 0 : options.Queue,
        };
    }

    /// <summary>What of such a run no option of today gives, a sentence each.</summary>
    public static IEnumerable<string> NotToBeHad(TrainingOptions options)
    {
        if (options is { Method: MethodKind.Sslp, InterWeight: 0 })
            yield return "the run is of a version that kept the sets of terms of weight 0 out of the negatives";
        if (options is { Method: MethodKind.Sslp, InterWeight: > 0, NearestKeys: 0 } && options.AuxiliaryAnchors != 1)
            yield return "the run is of a version that scaled nearest_keys by another rule; it is in run.json's 'resolved'";
        if (options.Method == MethodKind.MoCoV2 && (options.BatchSize < 64 || options.BatchSize % 32 != 0))
            yield return "the run is of a version that made mocov2's keys in groups of 32, the last of what was left";
    }
}
