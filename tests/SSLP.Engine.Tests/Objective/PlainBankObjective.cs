using SSLP.Data.Patches;
using SSLP.Engine.Objective;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Objective;

/// <summary>
/// <see cref="PlainObjective"/> as a step of training: the oracle of the fused path and its baseline. Labels of clusters are given to it,
/// so that both paths can be held to the same ones.
/// </summary>
internal sealed class PlainBankObjective : IBankObjective
{
    private readonly ObjectivePlan _plan;
    private readonly ulong _seed;
    private readonly int[] _ranks;

    /// <param name="plan">Constants.</param>
    /// <param name="table">Slide and place of each bank row.</param>
    /// <param name="vectors">The bank at the start, unit rows [N, D]; owned from here on.</param>
    /// <param name="seed">Seed of the run: draws of ranks are those of the fused path.</param>
    public PlainBankObjective(ObjectivePlan plan, PatchTable table, Tensor vectors, ulong seed)
    {
        (_plan, _seed) = (plan, seed);
        Tensor alone = arange(table.Count, ScalarType.Int32, vectors.device).expand(plan.ClusterRuns, table.Count).clone();
        Plain = new PlainObjective(plan.Terms, vectors, table.SlideOf, table.Col, table.Row, alone);
        _ranks = new int[Math.Min(plan.Terms.Negatives, table.Count)];
    }

    /// <summary>The definition behind.</summary>
    public PlainObjective Plain { get; }

    public string Describe => "SSLP by plain tensor operations";

    public long BankBytes => Plain.Vectors.numel() * sizeof(float);

    public (StepTerms Terms, Tensor Gradient) Step(ReadOnlySpan<int> anchors, Tensor features, int step, double ramp)
    {
        int rows = (int)Plain.Vectors.shape[0];
        int candidates = NegativeRanks.Candidates(_plan.Terms.Sampling, rows, _plan.Terms.PoolShare);
        int drawn = NegativeRanks.Draw(_plan.Terms.Sampling, _seed, step, candidates, _plan.Terms.Negatives, _ranks);
        Tensor ids = Ids(anchors, features.device);
        ObjectiveSets sets = Plain.FindSets(ids, features, _ranks.AsSpan(0, drawn));
        Tensor leaf = features.detach().requires_grad_();
        ObjectiveTerms terms = Plain.Terms(ids, leaf, sets, _plan.Weights(ramp));
        terms.Total.backward();
        double batch = anchors.Length;
        var report = new StepTerms(
            terms.Total.item<float>(), terms.Self.item<float>(), terms.Intra.item<float>(), terms.Inter.item<float>(),
            sets.Spatial.sum().item<long>() / batch, sets.Feature.sum().item<long>() / batch,
            sets.NegativesPresent.sum().item<long>() / batch);
        return (report, leaf.grad!);
    }

    public void Update(ReadOnlySpan<int> anchors, Tensor features) =>
        Plain.Update(Ids(anchors, features.device), features, _plan.BankMomentum);

    /// <summary>Does nothing: labels are given through <see cref="PlainObjective.SetClusters"/>.</summary>
    public void Cluster(int clustering)
    {
    }

    public IEnumerable<SafetensorsItem> State() =>
        [SafetensorsItem.From("bank.vectors", Plain.Vectors), SafetensorsItem.From("bank.clusters", Plain.Clusters)];

    public void Load(SafetensorsFile checkpoint, int[]? rowOf = null)
    {
        using Tensor vectors = checkpoint.ReadTensor("bank.vectors");
        Plain.Vectors.copy_(vectors);
        Plain.SetClusters(checkpoint.ReadTensor("bank.clusters"));
    }

    public void Dispose() => Plain.Dispose();

    private static Tensor Ids(ReadOnlySpan<int> anchors, Device device) => tensor(anchors.ToArray(), ScalarType.Int64, device: device);
}
