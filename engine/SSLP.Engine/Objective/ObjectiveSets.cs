using static TorchSharp.torch;

namespace SSLP.Engine.Objective;

/// <summary>The sets of one batch as dense tensors, for the plain objective and its tests (method.md, "The sets").</summary>
/// <param name="Spatial">S, [B, N] bool.</param>
/// <param name="Feature">F, [B, N] bool.</param>
/// <param name="Negatives">Q, row ids [B, M] int64; where <paramref name="NegativesPresent"/> is false the id means nothing.</param>
/// <param name="NegativesPresent">[B, M] bool: false where an anchor has fewer rows than the drawn rank.</param>
public sealed record ObjectiveSets(Tensor Spatial, Tensor Feature, Tensor Negatives, Tensor NegativesPresent);

/// <summary>The terms of one batch: scalars that carry gradient to f.</summary>
/// <param name="Total">L = mean [ L_self + w (L_intra + L_inter) ].</param>
/// <param name="Self">Mean over all rows.</param>
/// <param name="Intra">Mean over the rows with a spatial neighbour; 0 when there is none.</param>
/// <param name="Inter">Mean over the rows with a feature neighbour; 0 when there is none.</param>
public sealed record ObjectiveTerms(Tensor Total, Tensor Self, Tensor Intra, Tensor Inter);
