using SSLP.Kernels;

namespace SSLP.Engine.Objective;

/// <summary>All constants of the objective for one bank of N rows. <see cref="For"/> gives the paper's, scaled to N.</summary>
public sealed record ObjectivePlan
{
    /// <summary>τ, T, auxiliary anchors, K, M, the pool.</summary>
    public required ThreeTermOptions Terms { get; init; }

    /// <summary>Clusters of each k-means run. 1000 at N = 681,486 [B].</summary>
    public required int Clusters { get; init; }

    /// <summary>R, the k-means runs that must agree. 3 [S].</summary>
    public int ClusterRuns { get; init; } = 3;

    /// <summary>Lloyd iterations of a run. 20 [B].</summary>
    public int ClusterIterations { get; init; } = 20;

    /// <summary>m of v ← unit((1 − m) v + m f). 0.5 [B].</summary>
    public double BankMomentum { get; init; } = 0.5;

    /// <summary>Factor of the intra term besides the ramp; 0 leaves it out (ablation).</summary>
    public double IntraWeight { get; init; } = 1;

    /// <summary>Factor of the inter term besides the ramp; 0 leaves it out (ablation).</summary>
    public double InterWeight { get; init; } = 1;

    /// <summary>Factors of the terms at a point of the ramp.</summary>
    public TermWeights Weights(double ramp) => new(1, ramp * IntraWeight, ramp * InterWeight);

    /// <summary>The paper's constants, scaled to a bank of <paramref name="rows"/> as method.md's "Small banks" says [I].</summary>
    /// <param name="rows">N.</param>
    /// <param name="auxiliaryAnchors">Size of A; the paper's 8192 nearest keys, at least 128 of a small bank, are shared out among 1 + that
    /// many queries: the total is the same whatever it is.</param>
    public static ObjectivePlan For(int rows, int auxiliaryAnchors = 1)
    {
        int queries = 1 + auxiliaryAnchors;
        return new ObjectivePlan
        {
            Terms = new ThreeTermOptions
            {
                AuxiliaryAnchors = auxiliaryAnchors,
                NearestKeys = Math.Max(1, Math.Min(Math.Max(128, (int)(0.012 * rows)), 8192) / queries),
                Negatives = Math.Clamp(NegativeRanks.PoolSize(rows, 0.2) / 2, 1, 4096),
            },
            Clusters = Math.Min(Math.Clamp((int)Math.Round(rows / 680.0), 20, 1000), rows),
        };
    }
}
