using System.Globalization;
using SSLP.Data.Tiling;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;

namespace SSLP.Bench.Jobs;

/// <summary>
/// How many patches a second does the whole training loop take, how much of a bare loop of the same network is that, and where is the
/// rest?
/// </summary>
public static class TrainBench
{
    private const int StepsOfRound = 4, Width = 128, Warmups = 2;

    /// <summary>
    /// SSLP on ResNet-18, as a run begins, before its first clustering. Floor: the same network forward and backward with torch's SGD,
    /// without patches or bank.
    /// </summary>
    /// <exception cref="Data.Files.Fault">No slide opens, or the options are none that a run takes.</exception>
    public static BenchReport Run(BenchOptions options)
    {
        int batch = options.Queries, side = options.Side;
        var notes = new List<string>();
        using var context = new EngineContext(new EngineSettings { Threads = options.Threads });
        using TileManifest? manifest = options.Slides is { } slides ? SoakBench.Manifest(slides, 1, notes) : null;
        using TrainPatches source = manifest is null ? new(options.Rows, side) : new(SlidePatches.FromManifest(manifest));
        var training = new TrainingOptions
        {
            BatchSize = batch,
            InputSize = side,
            Width = Width,
            Epochs = 1000,
            Threads = options.Threads,
            CheckpointEvery = 0,
            CheckpointMinutes = 0,
        };
        using var run = new SteppedRun(training, source, context, StepsOfRound);
        using var plain = new PlainLoop(batch, side, Width, context);
        int[] sizes = [batch, side, Width, context.Workers.Workers, StepsOfRound];
        using PythonBaseline? python = PythonBaseline.Start(
            "PyTorch", "python3-torch, python3-torchvision", "train_baseline.py",
            (_, _) => sizes.Select(size => size.ToString(CultureInfo.InvariantCulture)), facts: 1, out string absence);

        int counted = 0;
        var rounds = new BenchRounds(options);
        rounds.AddTimed("ours", () =>
        {
            if (counted++ == Warmups)
            {
                run.Clock.Restart();
                source.TakeSeconds();
            }
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
        foreach ((string stage, double seconds) in run.Clock.Seconds)
            measures[$"{stage}, ms a step"] = 1e3 * seconds / steps;
        measures["readers' threads, read and decode, ms a step"] = 1e3 * source.TakeSeconds() / steps;
        notes.Add($"patches: {source.Describe}; stages are means over all rounds of the stepping thread, the readers work beside it");
        notes.Add("there is no upload: the network is on the CPU, views are written where it reads them");
        notes.Add($"libtorch's waiting threads {OpenMp.Describe}");
        notes.Add("peak_bytes is 0: memory is not looked at here (sslp pretrain --plan lists it)");
        if (absence.Length > 0)
            notes.Add(absence);
        return new BenchReport(
            "train", ThisProcess.Machine(context.Workers.Workers), ThisProcess.Commit(),
            new Dictionary<string, long> { ["batch"] = batch, ["side"] = side, ["rows"] = source.Table.Count, ["steps"] = StepsOfRound },
            medians[0], medians[1], medians[1] / medians[0], PeakBytes: 0, rounds.Baselines(medians), notes, measures);

        double PatchesPerSecond(double ms) => 1e3 * StepsOfRound * batch / ms;
    }
}
