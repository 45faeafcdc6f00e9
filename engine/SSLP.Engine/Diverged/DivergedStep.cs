using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Runs;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Diverged;

/// <summary>A patch by its place.</summary>
/// <param name="Id">Row of the run's patch table, and of its bank.</param>
/// <param name="Slide">Name of the slide.</param>
/// <param name="Col">Grid column.</param>
/// <param name="Row">Grid row.</param>
internal sealed record PlacedPatch(int Id, string Slide, int Col, int Row)
{
    /// <summary>Patches of a table.</summary>
    public static PlacedPatch[] Of(PatchTable table, ReadOnlySpan<int> patches)
    {
        var placed = new PlacedPatch[patches.Length];
        for (int i = 0; i < placed.Length; i++)
            placed[i] = new(patches[i], table.SlideName(patches[i]), table.Col[patches[i]], table.Row[patches[i]]);
        return placed;
    }
}

/// <summary>
/// RUN/diverged: the step that a run ended at, so that it can be run again. diverged.json is this record; before.safetensors beside it, in
/// the form of a checkpoint, is everything as it was before the step.
/// </summary>
internal sealed record DivergedStep
{
    /// <summary>Number of the step that was not done, from 1.</summary>
    public required int Step { get; init; }

    /// <summary>Epoch, from 0, and batch within it, from 0.</summary>
    public required int Epoch { get; init; }

    /// <inheritdoc cref="Epoch"/>
    public required int Batch { get; init; }

    /// <summary>What the command line said.</summary>
    public required string Sentence { get; init; }

    public required long Seed { get; init; }

    /// <summary>Counters of the draws, which are functions of the seed, their purpose and these.</summary>
    public required Dictionary<string, int> DrawCounters { get; init; }

    public required double LearningRate { get; init; }

    /// <summary>w(t).</summary>
    public required double Ramp { get; init; }

    /// <summary>The losses as the step gave them.</summary>
    public required double Loss { get; init; }

    public required double Self { get; init; }

    public required double Intra { get; init; }

    public required double Inter { get; init; }

    /// <summary>Of all gradients; NaN where the loss was not finite.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>The batch: what was read, replacements in the place of what did not read.</summary>
    public required IReadOnlyList<PlacedPatch> Patches { get; init; }

    /// <summary>The same step once more, looked into.</summary>
    public required IReadOnlyList<TracedPlace> Trace { get; init; }

    /// <summary>UTC.</summary>
    public required DateTime Written { get; init; }

    private const string RecordName = "diverged.json", StateName = "before.safetensors";

    /// <summary>Writes both files.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="state">Where the run stands.</param>
    /// <param name="items">Network, optimizer, bank, clusters before the step.</param>
    public void Save(string folder, CheckpointState state, IReadOnlyList<SafetensorsItem> items)
    {
        Checkpoint.Write(Path.Combine(folder, StateName), state, items);
        AtomicFile.Write(Path.Combine(folder, RecordName), stream =>
            JsonSerializer.Serialize(stream, this, DivergedJson.Default.DivergedStep));
    }

    /// <summary>The record of a folder; null where it has none.</summary>
    /// <exception cref="Fault">It is damaged.</exception>
    public static DivergedStep? Find(string folder)
    {
        string path = Path.Combine(folder, RecordName);
        return File.Exists(path) ? JsonFile.Read(path, DivergedJson.Default.DivergedStep, "record of a step that diverged") : null;
    }

    /// <summary>The record and the state before the step, opened and verified.</summary>
    /// <exception cref="Fault">The folder is no RUN/diverged.</exception>
    public static (DivergedStep Record, CheckpointState State, SafetensorsFile File) Open(string folder)
    {
        string state = Path.Combine(folder, StateName);
        if (Find(folder) is not { } record || !File.Exists(state))
            throw new Fault(FaultKind.Input,
                $"'{folder}' does not hold {RecordName} and {StateName}: --replay takes the folder RUN/diverged that a run left which " +
                $"met numbers that are not finite.");
        (CheckpointState before, SafetensorsFile file) = Checkpoint.Open(state);
        return (record, before, file);
    }

    /// <summary>"loss 3.1 (self 1.2, intra 0.9, inter 1), gradient norm 4".</summary>
    public static string Losses(double loss, double self, double intra, double inter, double norm) =>
        string.Create(CultureInfo.InvariantCulture,
            $"loss {loss:G5} (self {self:G5}, intra {intra:G5}, inter {inter:G5}), gradient norm {norm:G5}");
}

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DivergedStep))]
internal sealed partial class DivergedJson : JsonSerializerContext;
