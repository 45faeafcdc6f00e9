using System.Diagnostics;
using System.Globalization;
using SSLP.Data.Patches;
using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>
/// Seconds an epoch of each part of a run on this machine, from a few seconds of measuring small pieces: a few images through the
/// network and back, a bank of at most 65,536 rows, a few patches. The bank's step and k-means are taken to grow with N.
/// </summary>
public sealed class PlanTimes
{
    private const int MeasuredRows = 65_536, MeasuredImages = 8, MeasuredPatches = 32, LeastGoes = 3;

    private static readonly TimeSpan MeasuredFor = TimeSpan.FromSeconds(1);

    private PlanTimes(IReadOnlyList<(string What, double Seconds)> parts) => Parts = parts;

    /// <summary>Part and seconds an epoch.</summary>
    public IReadOnlyList<(string What, double Seconds)> Parts { get; }

    /// <summary>Measures.</summary>
    /// <param name="options">Every option.</param>
    /// <param name="source">The patches; a few are read.</param>
    /// <param name="kernels">Implementation and threads; stays the caller's.</param>
    /// <param name="device">Where the network will run.</param>
    public static PlanTimes Measure(TrainingOptions options, IPatchSource source, KernelSet kernels, Device device)
    {
        int rows = source.Table.Count, batch = new RunSizes(options, rows).BatchSize, steps = rows / batch;
        List<(string, double)> parts =
        [
            ("reading and decoding, on all threads", Reading(source) * rows / kernels.Pool.Workers),
            ("network, forward and backward",
                Network(options, device) * batch * steps * (options.Method is MethodKind.MoCoV2 or MethodKind.SimClr ? 2 : 1)),
        ];
        if (options.Method is MethodKind.Sslp or MethodKind.InstDisc)
        {
            ObjectivePlan plan = MethodFactory.PlanOf(options, rows);
            (double step, double assignment) = Bank(options, plan, batch, rows, kernels);
            parts.Add(("bank: sets, loss, gradient", step * steps));
            if (plan.Terms.NearestKeys > 0)
                parts.Add((string.Create(
                    CultureInfo.InvariantCulture, $"k-means, {plan.ClusterRuns} × {plan.Clusters} × {plan.ClusterIterations}"),
                    assignment * plan.ClusterRuns * plan.ClusterIterations * (
                        options.ClusterEvery > 0 ? (double)steps / options.ClusterEvery : 1)));
        }
        return new(parts);
    }

    /// <summary>The times as lines of text.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"{"an epoch",12}  (estimates from a short measurement here; parts overlap where there are cores for it)";
        foreach ((string what, double seconds) in Parts)
            yield return string.Create(CultureInfo.InvariantCulture, $"{seconds,10:N1} s  {what}");
    }

    private static double Reading(IPatchSource source)
    {
        byte[] rgb = new byte[source.PatchSize * source.PatchSize * 3];
        int read = 0;
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < MeasuredPatches; i++)
        {
            try
            {
                source.Read((int)((long)i * source.Table.Count / MeasuredPatches), rgb);
                read++;
            }
            catch (PatchReadException)
            {
                // Training replaces it; here another one is timed.
            }
        }
        return Stopwatch.GetElapsedTime(begun).TotalSeconds / Math.Max(1, read);
    }

    private static double Network(TrainingOptions options, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using var encoder = new Encoder(options.Arch, options.HeadOrDefault, options.Width) { Precision = options.Precision };
        encoder.to(device);
        double best = double.PositiveInfinity;
        for (int round = 0; round < 3; round++)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor images = randn([MeasuredImages, 3, options.InputSize, options.InputSize], device: device);
            long begun = Stopwatch.GetTimestamp();
            Tensor loss = encoder.forward(images).sum();
            loss.backward();
            loss.item<float>();
            best = Math.Min(best, Stopwatch.GetElapsedTime(begun).TotalSeconds / MeasuredImages);
        }
        return best;
    }

    /// <summary>Seconds of a step's part of the bank and of one assignment of k-means, both for all N rows.</summary>
    private static (double Step, double Assignment) Bank(TrainingOptions options, ObjectivePlan plan, int batch, int rows,
        KernelSet kernels)
    {
        int measured = Math.Min(rows, MeasuredRows), side = (int)Math.Ceiling(Math.Sqrt(measured));
        using MemoryBank bank = MemoryBank.CreateRandom(measured, options.Width, 1, kernels.Pool),
            features = MemoryBank.CreateRandom(batch, options.Width, 2, kernels.Pool), gradient = new(batch, options.Width);
        var spatial = new SpatialNeighbours(new int[measured], [.. Enumerable.Range(0, measured).Select(i => i % side)],
            [.. Enumerable.Range(0, measured).Select(i => i / side)]);
        ThreeTermOptions terms = plan.Terms with
        {
            NearestKeys = Math.Min(plan.Terms.NearestKeys, measured / 4),
            Negatives = Math.Min(plan.Terms.Negatives, Math.Max(1, measured / 10))
        };
        using IThreeTermStep step = kernels.ThreeTermStep(bank, spatial, terms);
        using IKMeans kmeans = kernels.KMeans(bank);
        int[] labels = new int[measured];
        int clusters = Math.Min(plan.Clusters, measured);
        kmeans.Cluster(Math.Min(clusters, 8), 1, [1], labels);
        double assignment = Best(() => kmeans.Cluster(clusters, 1, [1], labels));
        step.SetClusters(new ClusterAgreement(labels, measured));
        int[] anchors = [.. Enumerable.Range(0, batch).Select(i => (int)((long)i * measured / batch))];
        int round = 0;
        double best = Best(() => step.Run(anchors, features.Rows, new ThreeTermCall(plan.Weights(1), 1, round++), gradient.Rows));
        double scale = (double)rows / measured;
        return (best * scale, assignment * scale);
    }

    /// <summary>The least seconds of several goes: code that has run for a second is compiled as a long run has it.</summary>
    private static double Best(Action work)
    {
        double best = double.PositiveInfinity;
        long since = Stopwatch.GetTimestamp();
        for (int go = 0; go < LeastGoes || Stopwatch.GetElapsedTime(since) < MeasuredFor; go++)
        {
            long begun = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(begun).TotalSeconds);
        }
        return best;
    }
}
