using System.Diagnostics;
using System.Globalization;
using SSLP.Data.Patches;
using SSLP.Data.Tiling;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;

namespace SSLP.Bench.Jobs;

/// <summary>
/// How many patches a second does the whole training loop take, how much of a bare loop of the same network is that, and where is the
/// rest?
/// </summary>
public static class TrainBench
{
    private const int StepsOfRound = 4, Warmups = 2;

    /// <summary>
    /// SSLP on ResNet-18, as a run begins, before its first clustering. Floor: the same network forward and backward with torch's SGD,
    /// without patches or bank.
    /// </summary>
    /// <exception cref="Data.Files.Fault">No slide opens, or the options are none that a run takes.</exception>
    public static BenchReport Run(BenchOptions options)
    {
        options = options.OrElse(queries: 64, side: 96);
        (int batch, int side, int width) = (options.Queries, options.Side, options.Width);
        var notes = new List<string>();
        var recorder = new StageRecorder(keepsEvents: false);
        using var context = new EngineContext(new EngineSettings { Threads = options.Threads, Recorder = recorder });
        using TileManifest? manifest = options.Slides is { } slides ? SoakBench.Manifest(slides, 1, notes) : null;
        using IPatchSource source = manifest is null ? new TrainPatches(options.Rows, side) : SlidePatches.FromManifest(manifest);
        var training = new TrainingOptions
        {
            BatchSize = batch,
            InputSize = side,
            Width = width,
            Device = options.Device,
            Precision = options.Dtype,
            Epochs = 1000,
            Threads = options.Threads,
            CheckpointEvery = 0,
            CheckpointMinutes = 0,
        };
        using var run = new SteppedRun(training, source, context, StepsOfRound);
        using var plain = new PlainLoop(batch, side, width, options.Dtype, Devices.Select(options.Device), context);
        int[] sizes = [batch, side, width, context.Workers.Workers, StepsOfRound];
        string absence = "plain PyTorch left out: it is timed on the CPU in float32";
        bool isPython = options.Device != DeviceKind.Cuda && options.Dtype == Precision.Float32;
        using PythonBaseline? python = !isPython ? null : PythonBaseline.Start(
            "PyTorch", "python3-torch, python3-torchvision", "train_baseline.py",
            (_, _) => sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)), facts: 1, out absence);

        int counted = 0;
        var rounds = new BenchRounds(options);
        rounds.AddTimed("ours", () =>
        {
            if (counted++ == Warmups)
                recorder.Start();
            return run.Round();
        });
        rounds.Add("plain TorchSharp loop", () => plain.Run(StepsOfRound));
        if (python is not null)
            rounds.AddTimed($"plain PyTorch {python.Said[0]} loop", python.Run, python.Process);
        double[] medians = rounds.Medians(Warmups);

        double steps = (counted - Warmups) * StepsOfRound;
        var measures = new Dictionary<string, double>
        {
            ["ours, patches/s"] = PatchesPerSecond(medians[0]),
            ["plain TorchSharp, patches/s"] = PatchesPerSecond(medians[1]),
        };
        if (python is not null)
            measures["plain PyTorch, patches/s"] = PatchesPerSecond(medians[2]);
        foreach ((string name, Stage[] stages) in Groups)
        {
            if (stages.Sum(stage => recorder.Of(stage).Seconds) is > 0 and double seconds)
                measures[name.Contains(',', StringComparison.Ordinal) ? $"{name} ms a step" : $"{name}, ms a step"] = 1e3 * seconds / steps;
        }
        double ranges = Enum.GetValues<Stage>().Sum(stage => recorder.Of(stage).Count) / steps, silentNs = SilentRangeNs();
        measures["ranges a step"] = ranges;
        measures["a range that nobody hears, ns"] = silentNs;
        measures["ranges that nobody hears, % of a step"] = 1e-4 * ranges * silentNs * StepsOfRound / medians[0];
        notes.Add($"patches: {source.Describe}; stages are means over all rounds of the stepping thread, the readers work beside it");
        if (options.Device != DeviceKind.Cuda)
            notes.Add("there is no upload: the network is on the CPU, views are written where it reads them");
        notes.Add($"libtorch's waiting threads {OpenMp.Describe}");
        notes.Add("peak_bytes is 0: memory is not looked at here (sslp pretrain --plan lists it)");
        if (absence.Length > 0)
            notes.Add(absence);
        return new BenchReport(
            "train", ThisProcess.Machine(context.Workers.Workers), ThisProcess.Commit(),
            new Dictionary<string, long>
            {
                ["batch"] = batch,
                ["side"] = side,
                ["rows"] = source.Table.Count,
                ["steps"] = StepsOfRound,
                ["width"] = width,
            },
            medians[0], medians[1], medians[1] / medians[0], PeakBytes: 0, rounds.Baselines(medians), notes, measures,
            Device: options.DeviceName, Dtype: options.DtypeName);

        double PatchesPerSecond(double ms) => 1e3 * StepsOfRound * batch / ms;
    }

    // The table's names; what is not listed does not come here, or would be told apart by profile.
    private static readonly (string Name, Stage[] Stages)[] Groups =
    [
        ("cluster", [Stage.Cluster]), ("wait for patches", [Stage.Wait]), ("augment", [Stage.Augment]), ("upload", [Stage.Upload]),
        ("forward", [Stage.Forward]), ("bank", [Stage.BankStep, Stage.BankRead, Stage.BankUpdate]), ("backward", [Stage.Backward]),
        ("guard", [Stage.Guard]), ("wait for device", [Stage.DeviceWait]), ("optimizer", [Stage.Optimizer]), ("rest", [Stage.Step]),
        ("readers' threads, read and decode,", [Stage.Read, Stage.Decode]),
    ];

    /// <summary>What a range costs where nobody listens.</summary>
    private static double SilentRangeNs()
    {
        const int ranges = 10_000_000;
        var nobody = StageWatch.Of(null, null);
        double best = double.PositiveInfinity;
        for (int round = 0; round < 5; round++)
        {
            long begun = Stopwatch.GetTimestamp();
            for (int i = 0; i < ranges; i++)
            {
                using StageRange range = nobody.Range(Stage.Forward, i);
            }
            best = Math.Min(best, Stopwatch.GetElapsedTime(begun).TotalNanoseconds / ranges);
        }
        return best;
    }
}
