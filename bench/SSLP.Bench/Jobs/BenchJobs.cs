namespace SSLP.Bench.Jobs;

/// <summary>Every job by its name: what <c>sslp bench</c> runs, and BenchmarkDotNet's host.</summary>
public static class BenchJobs
{
    public static IReadOnlyDictionary<string, Func<BenchOptions, BenchReport>> All { get; } =
        new Dictionary<string, Func<BenchOptions, BenchReport>>
        {
            ["knn"] = KnnBench.Run,
            ["loss"] = WholeBankLossBench.Run,
            ["sampling"] = SamplingBench.Run,
            ["kmeans"] = KMeansBench.Run,
            ["loading"] = LoadingBench.Run,
            ["soak"] = SoakBench.Run,
            ["manifest"] = ManifestBench.Run,
            ["augment"] = AugmentBench.Run,
        };
}
