using System.Diagnostics;
using SSLP.Engine.Objective;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>
/// How much faster than plain tensor operations is the bank's part of a step: sets, terms, gradient and update, for a batch of anchors
/// with the paper's K = M = 4096, T = 3 and one auxiliary anchor?
/// </summary>
public static class SamplingBench
{
    private const float Momentum = 0.5f;
    private const ulong Seed = 1;

    /// <summary>Enough calls of ours for the JIT to have compiled all of it; a round of the baseline takes seconds.</summary>
    private const int OwnWarmups = 30, Warmups = 1;

    private static readonly TermWeights Weights = TermWeights.Ramped(0.5);

    /// <summary>
    /// Floor: two passes over the bank, one for the anchors and one for their auxiliary anchors, 4·B·N·D operations, 4·N·D bytes. K and M
    /// are cut down for banks that could not hold them.
    /// </summary>
    public static BenchReport Run(BenchOptions options)
    {
        options = options.OrElse(queries: 128, k: 4096);
        using var bench = new BankBench(options);
        var scene = new StepScene(bench);
        var terms = new ThreeTermOptions
        {
            NearestKeys = Math.Min(options.K, options.Rows),
            Negatives = Math.Min(options.K, NegativeRanks.PoolSize(options.Rows, 0.2)),
        };
        using var gradient = new MemoryBank(options.Queries, options.Width);

        // All that steps need beside the bank counts: the index of the slides and the clusters, too.
        bench.StartMemory();
        SpatialNeighbours index = scene.Index();
        var clusters = new ClusterAgreement(scene.Labels, options.Rows);
        BankBench.DropPeak();
        using IThreeTermStep step = bench.Kernels.ThreeTermStep(bench.Bank, index, terms);
        using IMemoryBankUpdate update = bench.Kernels.MemoryBankUpdate(bench.Bank);
        step.SetClusters(clusters);
        ThreeTermResult ours = default;
        for (long i = 0; i < OwnWarmups; i++)
            ours = step.Run(scene.Anchors, bench.Queries.Rows, new ThreeTermCall(Weights, Seed, i), gradient.Rows);
        long peak = bench.PeakGrowth();

        using DisposeScope scope = NewDisposeScope();
        using var plain = new PlainObjective(
            terms, BankBench.ToTensor(bench.Bank).to(bench.Device), scene.Slide, scene.Col, scene.Row,
            tensor(scene.Labels, [scene.Labels.Length / options.Rows, options.Rows], device: bench.Device));
        Tensor anchors = tensor(scene.Anchors, ScalarType.Int64, bench.Device);
        Tensor features = BankBench.ToTensor(bench.Queries).to(bench.Device);
        // One may run more often than the other: losses are compared step by step as far as both went.
        List<double> losses = [], plainLosses = [];
        var rounds = new BenchRounds(options);
        rounds.Add("ours", () =>
        {
            ours = step.Run(scene.Anchors, bench.Queries.Rows, new ThreeTermCall(Weights, Seed, losses.Count), gradient.Rows);
            losses.Add(ours.Loss);
            update.Update(scene.Anchors, bench.Queries.Rows, Momentum);
        });
        rounds.Add("objective in plain tensor operations",
            () => plainLosses.Add(PlainStep(plain, terms, anchors, features, plainLosses.Count)));
        double[] medians = rounds.Medians(Warmups);
        double apart = losses.Zip(plainLosses, (own, other) => Math.Abs(own - other) / other).Max();

        double work = (double)options.Rows * options.Width;
        double floor = bench.FloorMs(4 * options.Queries * work, sizeof(float) * work);
        return bench.Report(
            "sampling", rounds, medians, floor, peak,
            [
                new("queries", options.Queries), new("rows", options.Rows), new("width", options.Width),
                new("nearest_keys", terms.NearestKeys),
                new("negatives", terms.Negatives), new("auxiliary_anchors", terms.AuxiliaryAnchors),
            ],
            [
                $"losses of the same steps differ by at most {apart:E1} relative; |S| {ours.SpatialSize:F1}, |F| {ours.FeatureSize:F1}, " +
                $"|Q| {ours.NegativeSize:F0}",
                .. step is ThreeTermStepCpu cpu ? [$"native scratch of the step {cpu.ScratchBytes / 1048576.0:F1} MB"]
                    : Array.Empty<string>(),
                SpatialRate(index),
            ]);
    }

    /// <summary>One step with its update; returns the loss.</summary>
    private static double PlainStep(PlainObjective plain, ThreeTermOptions terms, Tensor anchors, Tensor features, long at)
    {
        using DisposeScope scope = NewDisposeScope();
        int candidates = NegativeRanks.Candidates(terms.Sampling, (int)plain.Vectors.shape[0], terms.PoolShare);
        int[] ranks = new int[terms.Negatives];
        int drawn = NegativeRanks.Draw(terms.Sampling, Seed, at, candidates, ranks.Length, ranks);
        Tensor leaf = features.detach().clone().requires_grad_();
        ObjectiveSets sets = plain.FindSets(anchors, leaf, ranks.AsSpan(0, drawn));
        ObjectiveTerms loss = plain.Terms(anchors, leaf, sets, Weights);
        loss.Total.backward();
        plain.Update(anchors, features, Momentum);
        return loss.Total.item<float>();
    }

    /// <summary>Anchors a second of one thread, spread over the index.</summary>
    private static string SpatialRate(SpatialNeighbours index)
    {
        const int anchors = 65_536, repeats = 9;
        int[] spread = [.. Enumerable.Range(0, anchors).Select(i => (int)(i * 7919L % index.Count))];
        var lists = new RowLists();
        double best = double.PositiveInfinity;
        for (int i = 0; i < repeats; i++)
        {
            long start = Stopwatch.GetTimestamp();
            index.Query(spread, 3, lists);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return $"spatial neighbours within 3 patches: {anchors / best / 1e6:F1} million anchors a second on one thread";
    }
}
