using SSLP.Data.Patches;
using SSLP.Engine.Runs;
using SSLP.Engine.Statistics;
using SSLP.Evaluation.Features;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Sets;

namespace SSLP.Evaluation.Report;

/// <summary>Sets that a method made of its bank.</summary>
/// <param name="Step">Steps done when the bank was saved.</param>
/// <param name="Source">The patches that the rows are.</param>
/// <param name="Asked">Anchors behind the statistics.</param>
/// <param name="Statistics">Size, purity and place of each kind of set.</param>
/// <param name="Shown">Sets of a few anchors, to look at.</param>
internal sealed record MethodSets(int Step, IPatchSource Source, int Asked, IReadOnlyList<SetStatistics> Statistics,
    IReadOnlyList<AnchorSets> Shown);

/// <summary>What a report shows. Whatever is left empty has no section on the page.</summary>
internal sealed record ReportInput
{
    /// <summary>The page's heading: what was run.</summary>
    public required string Title { get; init; }

    /// <summary>Name and value of what a reader wants to know first: data, options, seed, version.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    /// <summary>Lines of metrics.jsonl, by step.</summary>
    public IReadOnlyList<StepMetrics> Steps { get; init; } = [];

    /// <summary>Probe results of the encoder and of what it is compared with.</summary>
    public IReadOnlyList<ProbeResult> Probes { get; init; } = [];

    /// <summary>How spread out the features are, by name of the encoder.</summary>
    public IReadOnlyList<KeyValuePair<string, SpreadStatistics>> Spread { get; init; } = [];

    /// <summary>What neighbours have in common, by name of the encoder.</summary>
    public IReadOnlyList<KeyValuePair<string, NeighbourStatistics>> Neighbours { get; init; } = [];

    /// <summary>The method's own sets, out of its bank; null where there is none.</summary>
    public MethodSets? Sets { get; init; }

    /// <summary>What is not on the page, and why; a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Features of the trained encoder, one row for every patch of <see cref="Patches"/>.</summary>
    public FeatureTable? Features { get; init; }

    /// <summary>Pixels of the same patches, for sheets and maps.</summary>
    public IPatchSource? Patches { get; init; }

    /// <summary>Contact sheets of slides: PNG or JPEG files.</summary>
    public IReadOnlyList<string> ContactSheets { get; init; } = [];

    /// <summary>Patches in the neighbour sheet.</summary>
    public int Queries { get; init; } = 8;

    /// <summary>Slides in the feature maps and contact sheets; the rest is counted.</summary>
    public int Slides { get; init; } = 6;

    /// <summary>T of the method: neighbours on the slide are nearer than this, in patches.</summary>
    public double RadiusPatches { get; init; } = 3;

    /// <summary>Of the draws: queries, negatives, points of the map.</summary>
    public int Seed { get; init; }
}
