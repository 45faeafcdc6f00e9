using SSLP.Engine.Export;
using SSLP.Engine.Model;
using SSLP.Engine.Tiling;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Evaluation;

/// <summary>What a running training is worth at one moment.</summary>
/// <param name="Knn">kNN on patches that are not trained on, by slides of their own; null where they carry no classes.</param>
/// <param name="Spread">How spread out the features are.</param>
public sealed record OnlineReading(ProbeResult? Knn, SpreadStatistics Spread);

/// <summary>
/// Watches a training: features of a fixed set of patches every so many steps, a kNN vote on them and the signs of collapse. The network
/// comes back in the mode it was in, so that watching changes nothing of what is trained.
/// </summary>
/// <param name="source">Patches to watch by, with classes or without; stays the caller's.</param>
/// <param name="preprocessing">What the network's inputs go through.</param>
/// <param name="device">Where the network is.</param>
/// <param name="pool">Threads of the scaling.</param>
/// <param name="k">Voters; fewer where there are fewer patches to learn from.</param>
public sealed class OnlineProbe(IPatchSource source, EncoderPreprocessing preprocessing, Device device, WorkerPool pool, int k = 20)
{
    private readonly ProbeSplit? _split = source.Table.Classes is null ? null : ProbeSplit.Of(source.Table);

    /// <summary>Reads the network as it is now.</summary>
    public OnlineReading Read(ResNet backbone, CancellationToken cancel = default)
    {
        bool wasTraining = backbone.training;
        backbone.eval();
        try
        {
            (FeatureTable features, IReadOnlyList<int> unread) = Embedder.Run(backbone, preprocessing, source, device, pool, null, cancel);
            SpreadStatistics spread = SpreadStatistics.Of(features);
            // Rows shift where a patch did not read: the split is then made anew on those that did.
            ProbeSplit? split = _split is null || unread.Count == 0 ? _split : ProbeSplit.Of(features.Patches);
            ProbeResult? knn = split is null ? null : KnnProbe.Run(new ProbeTask(features, split), [Math.Min(k, split.Train.Length)])[0];
            return new OnlineReading(knn, spread);
        }
        finally
        {
            backbone.train(wasTraining);
        }
    }
}
