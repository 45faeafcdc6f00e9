using System.Runtime.InteropServices;
using SSLP.Data.Patches;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>
/// SSLP's objective through the kernels: sets, terms and gradient in one pass over the packed bank, nothing of size B × N. What it
/// computes is <see cref="PlainObjective"/>'s definition.
/// </summary>
public sealed class FusedObjective : IBankObjective
{
    internal const string VectorsName = "bank.vectors", ClustersName = "bank.clusters";

    private readonly ObjectivePlan _plan;
    private readonly ulong _seed;
    private readonly MemoryBank _bank;
    private readonly IThreeTermStep _step;
    private readonly IKMeans _kmeans;
    private readonly int[] _labels; // [R, N]

    /// <param name="plan">Constants.</param>
    /// <param name="table">Slide and place of each bank row.</param>
    /// <param name="width">D.</param>
    /// <param name="seed">Seed of the run: of the bank's first rows and of every draw.</param>
    /// <param name="kernels">Which implementation, on which threads; stays the caller's.</param>
    public FusedObjective(ObjectivePlan plan, PatchTable table, int width, ulong seed, KernelSet kernels)
    {
        (_plan, _seed) = (plan, seed);
        _bank = MemoryBank.CreateRandom(table.Count, width, seed, kernels.Pool);
        var spatial = new SpatialNeighbours(table.SlideOf.ToArray(), table.Col.ToArray(), table.Row.ToArray());
        _step = kernels.ThreeTermStep(_bank, spatial, plan.Terms);
        _kmeans = kernels.KMeans(_bank);
        _labels = new int[plan.ClusterRuns * table.Count];
        for (int i = 0; i < _labels.Length; i++)
            _labels[i] = i % table.Count; // every row alone, until the first clustering
    }

    public string Describe =>
        $"SSLP: {_bank.RowCount} rows of {_bank.Width}, K {_plan.Terms.NearestKeys}, M {_plan.Terms.Negatives}, T {_plan.Terms.RadiusPatches}, "
        + $"{_plan.Terms.AuxiliaryAnchors} auxiliary anchors, {_plan.ClusterRuns} × {_plan.Clusters} clusters, {_plan.Terms.Sampling} negatives";

    /// <summary>The constants.</summary>
    public ObjectivePlan Plan => _plan;

    /// <summary>v, for tests and reports.</summary>
    public MemoryBank Bank => _bank;

    /// <summary>Labels [R, N], run after run.</summary>
    public ReadOnlySpan<int> Labels => _labels;

    public (StepTerms Terms, Tensor Gradient) Step(ReadOnlySpan<int> anchors, Tensor features, int step, double ramp)
    {
        Tensor host = KernelBridge.ToHost(features);
        Tensor gradient = empty_like(host);
        ThreeTermResult r = _step.Run(
            anchors, KernelBridge.View(host), new ThreeTermCall(_plan.Weights(ramp), _seed, step), KernelBridge.View(gradient));
        var terms = new StepTerms(r.Loss, r.Self, r.Intra, r.Inter, r.SpatialSize, r.FeatureSize, r.NegativeSize, r.OtherSlideShare);
        return (terms, gradient.to(features.device));
    }

    public ComparedFeatures Compare(ReadOnlySpan<int> anchors, Tensor features, int step) => new(
        _bank.Width, features.ToArray<float>(), ComparedFeatures.Gather(_bank, anchors), ComparedFeatures.Sample(_bank, anchors),
        AreLearned: (long)step * anchors.Length >= _bank.RowCount, _plan.Terms.Sampling, _plan.Terms.PoolShare);

    public void Update(ReadOnlySpan<int> anchors, Tensor features) =>
        _bank.Update(anchors, KernelBridge.View(KernelBridge.ToHost(features)), (float)_plan.BankMomentum);

    public void Cluster(int epoch)
    {
        ulong[] seeds = [.. Enumerable.Range(0, _plan.ClusterRuns).Select(run => SeedOf(run, epoch))];
        _kmeans.Cluster(_plan.Clusters, _plan.ClusterIterations, seeds, _labels);
        _step.SetClusters(new ClusterAgreement(_labels, _bank.RowCount));
    }

    public IEnumerable<SafetensorsItem> State() =>
        [_bank.ToItem(VectorsName), SafetensorsItem.From<int>(ClustersName, _labels, _plan.ClusterRuns, _bank.RowCount)];

    public void Load(SafetensorsFile checkpoint)
    {
        _bank.LoadFrom(checkpoint, VectorsName);
        checkpoint.ReadBytes(ClustersName, MemoryMarshal.AsBytes(_labels.AsSpan()));
        _step.SetClusters(new ClusterAgreement(_labels, _bank.RowCount));
    }

    public void Dispose()
    {
        _step.Dispose();
        _kmeans.Dispose();
        _bank.Dispose();
    }

    /// <summary>1234, 1235, 1236 in the paper's first clustering [B]; other ones each epoch, so that no start is kept for good.</summary>
    private static ulong SeedOf(int run, int epoch) => 1234 + (ulong)run + ((ulong)epoch << 32);
}
