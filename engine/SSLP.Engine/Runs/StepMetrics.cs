using System.Text.Json.Serialization;
using SSLP.Data.Loading;

namespace SSLP.Engine.Runs;

/// <summary>What one step showed; a line of metrics.jsonl. Sizes are means over the batch.</summary>
public sealed record StepMetrics
{
    /// <summary>Steps done, from 1.</summary>
    public required int Step { get; init; }

    /// <summary>Epochs done, with the part of the running one.</summary>
    public required double Epoch { get; init; }

    public required double Loss { get; init; }

    /// <summary>The self term; for MoCo v2 and SimCLR their one term.</summary>
    public required double Self { get; init; }

    public double Intra { get; init; }

    public double Inter { get; init; }

    /// <summary>Euclidean norm of all gradients.</summary>
    public double GradientNorm { get; init; }

    /// <summary>w(t), the ramp of intra and inter.</summary>
    public double Ramp { get; init; }

    public required double Lr { get; init; }

    /// <summary>Over the time since the line before.</summary>
    public required double PatchesPerSecond { get; init; }

    /// <summary>Share of that time that the step waited for patches, 0 to 1.</summary>
    public required double DataWait { get; init; }

    /// <summary>Mean size of S.</summary>
    public double SpatialSize { get; init; }

    /// <summary>Mean size of F.</summary>
    public double FeatureSize { get; init; }

    /// <summary>Mean size of Q.</summary>
    public double NegativeSize { get; init; }

    /// <summary>Share of F that lies on other slides than its anchor.</summary>
    public double FeatureFromOtherSlides { get; init; }

    /// <summary>Effective rank of the batch's features; as the four below of watched steps only, null of the others.</summary>
    public double? EffectiveRank { get; init; }

    /// <summary>Spread of the batch's features: 0 one direction, 1 isotropic.</summary>
    public double? Spread { get; init; }

    /// <summary>Entropy of the nearest keys, 0 to 1.</summary>
    public double? NeighbourEntropy { get; init; }

    /// <summary>Mean similarity with the own positive minus that with the negatives.</summary>
    public double? PositiveGap { get; init; }

    /// <summary>False while bank or queue still hold random vectors.</summary>
    public bool? KeysAreLearned { get; init; }

    /// <summary>The warning that this step raised: a sentence.</summary>
    public string? Alarm { get; init; }

    /// <summary>Share right of the online probe's judged patches; as the three below of probed steps only, null of the others.</summary>
    public double? ProbeAccuracy { get; init; }

    /// <summary>Their mean recall.</summary>
    public double? ProbeBalancedAccuracy { get; init; }

    /// <summary>Their area under the curve: of class 1 for two classes, else the mean of one against the rest.</summary>
    public double? ProbeAuc { get; init; }

    /// <summary>What the reading took, seconds; it is in no line's patches per second.</summary>
    public double? ProbeSeconds { get; init; }

    /// <summary>Patches so far that did not read and were replaced.</summary>
    public long ReplacedPatches { get; init; }

    /// <summary>Of several processes: the number of the one that took longest for its own part of this step; as the two below null where
    /// there is one.</summary>
    public int? SlowestProcess { get; init; }

    /// <summary>How long, without waiting for the others.</summary>
    public double? SlowestProcessSeconds { get; init; }

    /// <summary>Bytes that this process gave to the others and took from them.</summary>
    public long? CommunicatedBytes { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StepMetrics))]
[JsonSerializable(typeof(SlideFaults))]
internal sealed partial class MetricsJson : JsonSerializerContext;
