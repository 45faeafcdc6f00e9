using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Evaluation.Probes;
using SSLP.Evaluation.Sets;

namespace SSLP.Evaluation.Sweeps;

/// <summary>Losses and set sizes at the end of a run: means over its last steps, one alone being noise.</summary>
internal sealed record SweepEnding(
    int MeanOverSteps, double Loss, double Self, double Intra, double Inter, double SpatialSize, double FeatureSize, double NegativeSize,
    double FeatureFromOtherSlides)
{
    private const int Most = 50;

    /// <summary>Of a run's metrics; null where it has no step.</summary>
    public static SweepEnding? Of(IReadOnlyList<StepMetrics> steps)
    {
        StepMetrics[] last = [.. steps.TakeLast(Most)];
        return last.Length == 0 ? null : new(
            last.Length, last.Average(m => m.Loss), last.Average(m => m.Self), last.Average(m => m.Intra), last.Average(m => m.Inter),
            last.Average(m => m.SpatialSize), last.Average(m => m.FeatureSize), last.Average(m => m.NegativeSize),
            last.Average(m => m.FeatureFromOtherSlides));
    }
}

/// <summary>A finished run of a sweep: a line of rows.jsonl.</summary>
internal sealed record SweepRow
{
    /// <summary>The row of the plan.</summary>
    public required string Name { get; init; }

    /// <summary>Null where there is nothing to seed.</summary>
    public required int? Seed { get; init; }

    /// <summary>Every option by key; empty for features that no network makes.</summary>
    public required Dictionary<string, string> Options { get; init; }

    /// <summary>The method with its constants as they came out.</summary>
    public required string Method { get; init; }

    /// <summary>Steps trained.</summary>
    public int Steps { get; init; }

    /// <summary>Of training, without probes; a resumed run's parts together.</summary>
    public double Seconds { get; init; }

    public required DateTime FinishedUtc { get; init; }

    public required string Version { get; init; }

    public required string Commit { get; init; }

    public required string Machine { get; init; }

    public SweepEnding? Ending { get; init; }

    public ProbeResult? Linear { get; init; }

    public ProbeResult? Knn { get; init; }

    /// <summary>Of the sets on the last bank; null where the method has none.</summary>
    public SetPurity? Purity { get; init; }

    /// <summary>The same while the run trained; null where the method has no sets or the patches no classes.</summary>
    public IReadOnlyList<PurityReading>? PurityOver { get; init; }

    /// <summary>How old the rows are that a step reads; null where the method is not sslp.</summary>
    public RowAges? Ages { get; init; }

    /// <summary>Why the run ended without features: it diverged.</summary>
    public string? Fault { get; init; }
}

/// <summary>rows.jsonl. A line is added by writing the whole file anew under another name: a stop loses no line and leaves no half
/// one.</summary>
/// <param name="path">The file; need not be there yet.</param>
internal sealed class SweepRows(string path)
{
    private readonly List<SweepRow> _rows = Read(path);

    /// <summary>In the order they finished.</summary>
    public IReadOnlyList<SweepRow> All => _rows;

    /// <summary>The finished run of a row and seed, or null.</summary>
    /// <exception cref="Fault">It was made with other options; names each difference.</exception>
    public SweepRow? Find(SweepEntry entry, int seed)
    {
        SweepRow? found = _rows.Find(row => row.Name == entry.Name && row.Seed == (entry.HasSeed ? seed : null));
        if (found is null || !entry.HasSeed)
            return found;
        TrainingOptions now = entry.OptionsFor(seed);
        TrainingOptions before = OptionTable.FromText(found.Options, $"'{path}'", now);
        IReadOnlyList<string> differences = OptionTable.Differences(before, now);
        return differences.Count == 0 ? found : throw new Fault(FaultKind.Input,
            $"'{path}' has row '{entry.Name}' with other options: {string.Join("; ", differences)}. Delete its line to run it again, or " +
            $"name another --out.");
    }

    public void Add(SweepRow row)
    {
        _rows.Add(row);
        AtomicFile.Write(path, stream =>
        {
            foreach (SweepRow each in _rows)
            {
                JsonSerializer.Serialize(stream, each, SweepJson.Default.SweepRow);
                stream.WriteByte((byte)'\n');
            }
        });
    }

    private static List<SweepRow> Read(string path)
    {
        if (!File.Exists(path))
            return [];
        var rows = new List<SweepRow>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0)
                continue;
            rows.Add(JsonFile.Parse(Encoding.UTF8.GetBytes(line), SweepJson.Default.SweepRow) is ({ } row, null) ? row
                : throw new Fault(FaultKind.Data, $"'{path}' line {number} is no row of a sweep: delete it, and that run is made again."));
        }
        return rows;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SweepRow))]
[JsonSerializable(typeof(PurityReading))]
internal sealed partial class SweepJson : JsonSerializerContext;
