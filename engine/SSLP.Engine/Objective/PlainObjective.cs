using SSLP.Engine.Torch;
using SSLP.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>
/// SSLP's objective in plain tensor operations: the sets, the three terms and the bank, as the paper defines them (Li, Lin, Xu, MICCAI
/// 2021). It is the definition that the fused path is tested against and the baseline of the benches; it makes several B × N
/// matrices, which is why nothing trains through it by default. Runs in the type of the bank: float64 for tests of the mathematics.
/// <para>Ties: among equal similarities at the K-th place the lower row is a neighbour; among negatives of equal similarity any may be
/// taken (the loss is the same).</para>
/// </summary>
public sealed class PlainObjective : IDisposable
{
    private readonly ThreeTermOptions _options;
    private readonly Tensor _slide, _col, _row;

    /// <param name="options">Constants of the objective.</param>
    /// <param name="vectors">The bank, unit rows [N, D]; owned and updated in place from here on.</param>
    /// <param name="slide">Slide of each row, [N].</param>
    /// <param name="col">Patch-grid column of each row, [N].</param>
    /// <param name="row">Patch-grid row of each row, [N].</param>
    /// <param name="clusters">c, labels [R, N] int32; each row in a cluster of its own before the first k-means.</param>
    public PlainObjective(
        ThreeTermOptions options, Tensor vectors, ReadOnlySpan<int> slide, ReadOnlySpan<int> col, ReadOnlySpan<int> row, Tensor clusters)
    {
        _options = options;
        Vectors = vectors;
        Clusters = clusters;
        _slide = tensor(slide.ToArray(), device: vectors.device);
        _col = tensor(col.ToArray(), device: vectors.device);
        _row = tensor(row.ToArray(), device: vectors.device);
    }

    /// <summary>v, unit rows [N, D].</summary>
    public Tensor Vectors { get; }

    /// <summary>c, labels [R, N] int32.</summary>
    public Tensor Clusters { get; private set; }

    /// <summary>Takes the labels of a new clustering, [R, N] int32.</summary>
    public void SetClusters(Tensor clusters)
    {
        Clusters.Dispose();
        Clusters = clusters;
    }

    /// <summary>The sets S, F and Q of a batch.</summary>
    /// <param name="anchors">Bank rows of the batch, int64 [B].</param>
    /// <param name="features">f, unit rows [B, D].</param>
    /// <param name="ranks">The drawn ranks of the negatives, ascending, one draw for the whole batch.</param>
    public ObjectiveSets FindSets(Tensor anchors, Tensor features, ReadOnlySpan<int> ranks)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor similarity = features.matmul(Vectors.t()); // d, [B, N]
        Tensor own = anchors.unsqueeze(1); // [B, 1]

        // S: the same slide, closer than T patches, not at the same place.
        Tensor columns = _col.index_select(0, anchors).unsqueeze(1) - _col;
        Tensor rows = _row.index_select(0, anchors).unsqueeze(1) - _row;
        Tensor distance = (columns * columns).Plus(rows * rows);
        Tensor spatial = (_slide.index_select(0, anchors).unsqueeze(1) == _slide)
            & distance.Above(0) & distance.Below(_options.RadiusPatches * _options.RadiusPatches);

        // F: what is near the anchor, or near one of its auxiliary anchors, and of the same cluster in every run.
        Tensor feature = AgreeingNeighbours(similarity, anchors);
        if (_options.AuxiliaryAnchors > 0)
        {
            int auxiliary = (int)Math.Min(_options.AuxiliaryAnchors, Vectors.shape[0]);
            (Tensor best, Tensor ids) = similarity.FilledWhere(~spatial, double.NegativeInfinity).topk(auxiliary, 1); // A, [B, A]
            for (int a = 0; a < auxiliary; a++)
            {
                Tensor query = ids.select(1, a);
                Tensor found = AgreeingNeighbours(Vectors.index_select(0, query).matmul(Vectors.t()), query);
                feature |= found & best.select(1, a).isfinite().unsqueeze(1);
            }
        }
        feature = feature.scatter(1, own, zeros_like(own, ScalarType.Bool));

        // Q: the drawn ranks among everything that is not a positive, most similar first.
        Tensor positives = (spatial | feature).scatter(1, own, ones_like(own, ScalarType.Bool));
        Tensor chosen = tensor(ranks.ToArray(), ScalarType.Int64, device: Vectors.device);
        int deepest = (int)Math.Min(ranks.Length == 0 ? 0 : ranks[^1] + 1L, Vectors.shape[0]);
        // Random ranks count the allowed rows in bank order, the others in order of similarity.
        Tensor key = _options.Sampling == NegativeSampling.Random
            ? -HeldScalars.CountUp(Vectors.shape[0], similarity.dtype, Vectors.device).expand_as(similarity)
            : similarity;
        (Tensor ranked, Tensor order) = key.FilledWhere(positives, double.NegativeInfinity).topk(deepest, 1, largest: true, sorted: true);
        Tensor within = chosen[chosen.Below(deepest)];
        return new ObjectiveSets(
            spatial.MoveToOuterDisposeScope(),
            feature.MoveToOuterDisposeScope(),
            order.index_select(1, within).MoveToOuterDisposeScope(),
            ranked.index_select(1, within).isfinite().MoveToOuterDisposeScope());
    }

    /// <summary>The three terms of a batch, from its sets. Log-sum-exp throughout: exp(1/τ) overflows half precision.</summary>
    /// <param name="anchors">Bank rows of the batch, int64 [B].</param>
    /// <param name="features">f, unit rows [B, D], with gradient.</param>
    /// <param name="sets">From <see cref="FindSets"/>.</param>
    /// <param name="weights">1, w(t), w(t): the factors of the terms.</param>
    public ObjectiveTerms Terms(Tensor anchors, Tensor features, ObjectiveSets sets, TermWeights weights)
    {
        Tensor logits = features.matmul(Vectors.t()).Over(_options.Temperature); // log s, [B, N]
        Tensor negatives = (_options.DetachNegatives ? logits.detach() : logits).gather(1, sets.Negatives);
        Tensor logZ = LogSumExp(negatives, sets.NegativesPresent); // log Z, [B]

        // L_self = −log s_ii / (s_ii + Z)
        Tensor self = logits.gather(1, anchors.unsqueeze(1)).squeeze(1);
        Tensor lossSelf = (logaddexp(self, logZ) - self).mean();

        // L_intra = −log Σ_S s / (Σ_S s + Z), over the rows that have a spatial neighbour
        Tensor lossIntra = MeanOver(sets.Spatial.any(1), rows =>
        {
            Tensor spatial = LogSumExp(logits.index_select(0, rows), sets.Spatial.index_select(0, rows));
            return logaddexp(spatial, logZ.index_select(0, rows)) - spatial;
        });

        // L_inter = −log (1/|F|) Σ_F s_ij / (s_ij + Z), over the rows that have a feature neighbour
        Tensor lossInter = MeanOver(sets.Feature.any(1), rows =>
        {
            Tensor members = sets.Feature.index_select(0, rows);
            Tensor l = logits.index_select(0, rows);
            Tensor share = l - logaddexp(l, logZ.index_select(0, rows).unsqueeze(1));
            return members.sum(1, type: logits.dtype).log() - LogSumExp(share, members);
        });

        Tensor total = lossSelf.Times(weights.Self).Plus(lossIntra.Times(weights.Intra)).Plus(lossInter.Times(weights.Inter));
        return new ObjectiveTerms(total, lossSelf, lossIntra, lossInter);
    }

    /// <summary>v_i ← unit((1 − m) v_i + m f_i), after the loss; a row that stands twice in the batch is blended in order.</summary>
    /// <param name="anchors">Bank rows of the batch, int64 [B].</param>
    /// <param name="features">f, unit rows [B, D].</param>
    /// <param name="momentum">m.</param>
    public void Update(Tensor anchors, Tensor features, double momentum)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (long b = 0; b < anchors.shape[0]; b++)
        {
            Tensor row = Vectors.select(0, anchors[b].item<long>());
            row.copy_(nn.functional.normalize(row.Times(1 - momentum).Plus(features.select(0, b).Times(momentum)), p: 2, dim: 0));
        }
    }

    public void Dispose()
    {
        foreach (Tensor held in (Tensor[])[Vectors, Clusters, _slide, _col, _row])
            held.Dispose();
    }

    /// <summary>The K nearest rows of each query (its own row left out), where all R labels equal those of its own row: [B, N]
    /// bool.</summary>
    private Tensor AgreeingNeighbours(Tensor similarity, Tensor own)
    {
        Tensor nowhere = zeros_like(own.unsqueeze(1), similarity.dtype).FillInPlace(double.NegativeInfinity);
        Tensor others = similarity.scatter(1, own.unsqueeze(1), nowhere);
        int count = (int)Math.Min(_options.NearestKeys, similarity.shape[1] - 1);
        if (count == 0)
            return zeros_like(similarity, ScalarType.Bool);
        Tensor last = others.topk(count, 1).values.narrow(1, count - 1, 1); // the K-th similarity, [B, 1]
        Tensor nearest = others >= last;
        if (nearest.sum().item<long>() != count * similarity.shape[0])
        {
            Tensor ties = others == last;
            Tensor taken = (others > last).sum(1, keepdim: true);
            nearest = (others > last) | (ties & ties.cumsum(1).Plus(taken).Below(count + 1));
        }
        for (long run = 0; run < Clusters.shape[0]; run++)
        {
            Tensor labels = Clusters.select(0, run);
            nearest &= labels.index_select(0, own).unsqueeze(1) == labels;
        }
        return nearest;
    }

    /// <summary>log Σ exp over the members of each row; −∞ for an empty row, with zero gradient.</summary>
    private static Tensor LogSumExp(Tensor logits, Tensor members)
    {
        if (members.shape[1] == 0)
            return zeros([members.shape[0]], dtype: logits.dtype, device: logits.device).FillInPlace(double.NegativeInfinity);
        // A row of −∞ alone has a NaN gradient in logsumexp: such rows get a harmless finite stand-in and are put back to −∞ after.
        Tensor present = members.any(1, keepdim: true);
        Tensor masked = logits.FilledWhere(present & ~members, double.NegativeInfinity);
        return masked.logsumexp(1).FilledWhere(~present.squeeze(1), double.NegativeInfinity);
    }

    /// <summary>Mean of a term over the rows that contribute; 0 when none does.</summary>
    private Tensor MeanOver(Tensor contributes, Func<Tensor, Tensor> term)
    {
        Tensor rows = contributes.nonzero().squeeze(1);
        return rows.shape[0] == 0 ? zeros([], dtype: Vectors.dtype, device: Vectors.device) : term(rows).mean();
    }
}
