using SSLP.Engine.Objective;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Statistics;

/// <summary>Four signs of collapse, from what one step compared. Nothing is drawn from torch's generator and no network runs.</summary>
/// <param name="Width">D.</param>
/// <param name="EffectiveRank">Of the batch's features, 1 to min(B − 1, D); see <see cref="SpreadStatistics.EffectiveRank"/>.</param>
/// <param name="Spread">Of the batch's features: 0 one direction, 1 isotropic; see <see cref="SpreadStatistics.Deviation"/>.</param>
/// <param name="NeighbourEntropy"> Entropy of which key is how often among the <see cref="Nearest"/> nearest of the batch, over the entropy
/// of all equally often: near log k / log R where the same k keys are everyone's nearest.
/// </param>
/// <param name="Gap"> Mean similarity with the own positive minus that with the negatives, these drawn from the sample of keys as the
/// method draws from all. Semi-hard negatives may well be nearer than a much jittered view, so it is shown and judges nothing.
/// </param>
internal sealed record CollapseSigns(int Width, double EffectiveRank, double Spread, double NeighbourEntropy, double Gap)
{
    /// <summary>k of the nearest keys; fewer where there are few keys.</summary>
    public const int Nearest = 10;

    /// <param name="compared">A step's features with what they were compared with; two features at least, three keys at least.</param>
    /// <param name="seed">Of the negatives' ranks.</param>
    public static CollapseSigns Of(ComparedFeatures compared, ulong seed = 0)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        var spread = SpreadStatistics.Of(compared.Features, compared.Width);
        Tensor features = tensor(compared.Features).reshape(-1, compared.Width),
            positives = tensor(compared.Positives).reshape(-1, compared.Width);
        bool others = compared.Keys.Length == 0;
        Tensor similarity = features.matmul((others ? positives : tensor(compared.Keys).reshape(-1, compared.Width)).t()); // [B, R]
        if (others)
            similarity = similarity.FilledWhere(eye(similarity.shape[0], dtype: ScalarType.Bool), float.NegativeInfinity);
        (Tensor sorted, Tensor order) = similarity.sort(1, descending: true);
        int keys = (int)similarity.shape[1], usable = keys - (others ? 1 : 0);
        double own = (features * positives).sum(1).mean().item<float>();
        return new(
            compared.Width, spread.EffectiveRank, spread.Deviation, EvennessOf(order, keys, Math.Clamp(usable / 10, 1, Nearest)),
            own - sorted.index_select(1, tensor(Ranks(compared, usable, seed))).mean().item<float>());
    }

    private static long[] Ranks(ComparedFeatures compared, int usable, ulong seed)
    {
        int candidates = Math.Max(1, NegativeRanks.Candidates(compared.Sampling, usable, compared.PoolShare));
        // Hardest takes the first of the ranks: as large a part of them as semi-hard draws of its pool.
        int[] ranks = new int[Math.Max(1, compared.Sampling == NegativeSampling.Hardest ? candidates / 10 : candidates / 2)];
        int drawn = NegativeRanks.Draw(compared.Sampling, seed, 0, candidates, ranks.Length, ranks);
        return [.. ranks.Take(drawn).Select(rank => (long)rank)];
    }

    private static double EvennessOf(Tensor order, int keys, int k)
    {
        long[] nearest = order.narrow(1, 0, k).contiguous().ToArray<long>();
        int[] taken = new int[keys];
        foreach (long key in nearest)
            taken[key]++;
        return Entropy.Evenness(taken);
    }
}
