using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>How much faster than libtorch's cdist + argmin, and FAISS's Clustering, is k-means over the bank?</summary>
public static class KMeansBench
{
    private const ulong Seed = 1234;

    /// <summary>Floor: iterations · 2·N·clusters·D operations, iterations · 4·N·D bytes.</summary>
    public static BenchReport Run(BenchOptions options)
    {
        if (options.Dtype != Precision.Float32)
            throw new Fault(FaultKind.Usage, "bench kmeans clusters in float32: leave --dtype away.");
        options = options.OrElse(queries: 1);
        using var bench = new BankBench(options);
        using IKMeans means = bench.Kernels.KMeans(bench.Bank);
        int[] labels = new int[options.Rows];
        bench.StartMemory();
        means.Cluster(options.Clusters, 2, [Seed], labels);
        long peak = bench.PeakGrowth();

        using DisposeScope scope = NewDisposeScope();
        Tensor bank = bench.Rows(bench.Bank);
        var rounds = new BenchRounds(options);
        rounds.Add("ours", () => means.Cluster(options.Clusters, options.Iterations, [Seed], labels));
        rounds.Add("libtorch cdist + argmin", () =>
        {
            PlainKMeans.Labels(bank, options.Clusters, options.Iterations, (long)Seed).Dispose();
            bench.Await();
        });
        using var faiss = FaissBaseline.Start("kmeans", bench, options.Clusters, patient: true, out string absence);
        if (faiss is not null)
            rounds.AddTimed(faiss.Name("Clustering"), faiss.Run, faiss.Process);

        // A round takes seconds: one is enough to warm up.
        double[] medians = rounds.Medians(warmups: 1);
        double work = (double)options.Rows * options.Width * options.Iterations;
        double floor = bench.FloorMs(2 * options.Clusters * work, sizeof(float) * work);
        return bench.Report(
            "kmeans", rounds, medians, floor, peak,
            [new("rows", options.Rows), new("width", options.Width), new("clusters", options.Clusters),
                new("iterations", options.Iterations)],
            [faiss?.Note ?? absence]);
    }
}
