namespace SSLP.Evaluation.Sets;

/// <summary>An anchor's sets, rows of one table. S and F begin with the most similar, Q is in the order of its ranks.</summary>
/// <param name="Anchor">The row that asks.</param>
/// <param name="Spatial">S: near it on its slide.</param>
/// <param name="Feature">F: near it in feature space.</param>
/// <param name="Negatives">Q.</param>
internal sealed record AnchorSets(int Anchor, int[] Spatial, int[] Feature, int[] Negatives);
