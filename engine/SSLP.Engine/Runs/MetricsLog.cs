using System.Text.Json;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using static TorchSharp.torch.utils;

namespace SSLP.Engine.Runs;

/// <summary>metrics.jsonl and TensorBoard events of a run. A resumed run goes on behind the step of its checkpoint.</summary>
public sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter _lines;
    private readonly TorchSharp.Modules.SummaryWriter _board;

    /// <param name="folder">The run's folder.</param>
    /// <param name="stepsDone">Lines of later steps are dropped: they belong to work that was lost and is done again.</param>
    public MetricsLog(RunFolder folder, int stepsDone)
    {
        string[] kept = File.Exists(folder.Metrics) ? [.. Read(folder.Metrics).Where(m => m.Step <= stepsDone).Select(Line)] : [];
        _lines = new StreamWriter(folder.Metrics, append: false) { AutoFlush = true };
        foreach (string line in kept)
            _lines.WriteLine(line);
        _board = tensorboard.SummaryWriter(folder.TensorBoard, createRunName: false);
    }

    /// <summary>The steps of a metrics.jsonl, in order. A last line cut off by a crash is left out.</summary>
    /// <param name="path">The file.</param>
    /// <param name="damaged"> A sentence that names the lines which are no step's, or come out of order: they are left out, and a crash
    /// does not make such. Null where there are none.
    /// </param>
    public static IReadOnlyList<StepMetrics> Read(string path, out string? damaged)
    {
        var steps = new List<StepMetrics>();
        int line = 0, count = 0, first = 0;
        bool isLast = false;
        foreach (ReadOnlyMemory<byte> text in Lines(path))
        {
            line++;
            if (JsonFile.Parse(text.Span, MetricsJson.Default.StepMetrics) is ({ } step, null)
                && step.Step > (steps.Count > 0 ? steps[^1].Step : 0))
            {
                steps.Add(step);
                isLast = false;
                continue;
            }
            first = count++ == 0 ? line : first;
            isLast = true;
        }
        if (isLast && !EndsWithLine(path))
            count--;
        damaged = count == 0 ? null : count == 1
            ? $"Line {first} of '{path}' is damaged; it was left out."
            : $"{count} lines of '{path}' are damaged, the first is line {first}; they were left out.";
        return steps;
    }

    /// <inheritdoc cref="Read(string, out string?)"/>
    public static IReadOnlyList<StepMetrics> Read(string path) => Read(path, out _);

    /// <summary>Line by line, as bytes: what is no text at all is a damaged line like others. A step has some hundreds.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> Lines(string path)
    {
        const int most = 1 << 16;
        using var stream = new BufferedStream(File.OpenRead(path), 1 << 16);
        byte[] line = new byte[most];
        int length = 0;
        for (int next; (next = stream.ReadByte()) >= 0;)
        {
            if (next == '\n')
            {
                yield return line.AsMemory(0, length);
                length = 0;
            }
            else if (length < most)
                line[length++] = (byte)next;
        }
        if (length > 0)
            yield return line.AsMemory(0, length);
    }

    private static bool EndsWithLine(string path)
    {
        using FileStream stream = File.OpenRead(path);
        stream.Seek(-1, SeekOrigin.End);
        return stream.ReadByte() == '\n';
    }

    public void Write(StepMetrics m)
    {
        _lines.WriteLine(Line(m));
        foreach ((string name, double? value) in (ReadOnlySpan<(string, double?)>)[
            ("loss/total", m.Loss), ("loss/self", m.Self), ("loss/intra", m.Intra), ("loss/inter", m.Inter),
            ("loss/gradient_norm", m.GradientNorm), ("schedule/ramp", m.Ramp),
            ("schedule/lr", m.Lr), ("sets/spatial_size", m.SpatialSize), ("sets/feature_size", m.FeatureSize),
            ("sets/feature_from_other_slides", m.FeatureFromOtherSlides), ("speed/patches_per_second", m.PatchesPerSecond),
            ("speed/data_wait", m.DataWait),
            ("collapse/effective_rank", m.EffectiveRank), ("collapse/spread", m.Spread), ("collapse/neighbour_entropy", m.NeighbourEntropy),
            ("collapse/positive_gap", m.PositiveGap),
            ("probe/accuracy", m.ProbeAccuracy), ("probe/balanced_accuracy", m.ProbeBalancedAccuracy), ("probe/auc", m.ProbeAuc)])
            if (value is double known)
                _board.add_scalar(name, (float)known, m.Step);
    }

    /// <summary>slides.jsonl: a line for every slide with patches that did not read.</summary>
    public static void WriteFaults(RunFolder folder, IReadOnlyList<SlideFaults> faults)
    {
        if (faults.Count > 0)
            File.WriteAllLines(folder.SlideFaults, faults.Select(f => JsonSerializer.Serialize(f, MetricsJson.Default.SlideFaults)));
    }

    public void Dispose() => _lines.Dispose();

    private static string Line(StepMetrics metrics) => JsonSerializer.Serialize(metrics, MetricsJson.Default.StepMetrics);
}
