using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Engine.Runs;
using SSLP.Evaluation.Sets;

namespace SSLP.Evaluation.Sweeps;

/// <summary>Purities of a run's sets after a step.</summary>
internal sealed record PurityReading(int Step, SetPurity Purity);

/// <summary>
/// Reads the purity of a run's sets ten times while it trains, from the same anchors each time, and keeps the readings in a file beside
/// the run's metrics: those of a run that was stopped are there when it goes on. It changes nothing of what is learned.
/// </summary>
/// <param name="path">The file; readings of steps that a resumed run does again are dropped.</param>
/// <param name="stepsDone">Before this part of the run.</param>
/// <param name="totalSteps">Of the run.</param>
/// <param name="read">The purity now; null where the patches have no classes or the method no sets.</param>
/// <param name="next">Gets every step, too.</param>
internal sealed class PurityOverTraining(
    string path, int stepsDone, int totalSteps, Func<SetPurity?> read, IProgress<StepMetrics>? next) : IProgress<StepMetrics>
{
    /// <summary>Readings of a run that is long enough.</summary>
    public const int Most = 10;

    private readonly List<PurityReading> _readings = [.. Read(path).Where(reading => reading.Step <= stepsDone)];

    public IReadOnlyList<PurityReading> Readings => _readings;

    public void Report(StepMetrics value)
    {
        next?.Report(value);
        if ((long)value.Step * Most / totalSteps == (long)(value.Step - 1) * Most / totalSteps || read() is not { } purity)
            return;
        _readings.Add(new(value.Step, purity));
        AtomicFile.Write(path, stream =>
        {
            foreach (PurityReading reading in _readings)
            {
                JsonSerializer.Serialize(stream, reading, SweepJson.Default.PurityReading);
                stream.WriteByte((byte)'\n');
            }
        });
    }

    private static IEnumerable<PurityReading> Read(string path) => !File.Exists(path) ? [] : File.ReadLines(path)
        .Select(line => JsonFile.Parse(System.Text.Encoding.UTF8.GetBytes(line), SweepJson.Default.PurityReading) is ({ } reading, null)
            ? reading : throw new Fault(FaultKind.Data, $"'{path}' holds no readings of purity: delete it."));
}
