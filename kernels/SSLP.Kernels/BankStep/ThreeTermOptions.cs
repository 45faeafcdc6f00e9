namespace SSLP.Kernels;

/// <summary>The constants of the three-term objective (method.md: "The sets" and "The loss").</summary>
public sealed record ThreeTermOptions
{
    /// <summary>τ of every term. Default 0.07, the authors' value.</summary>
    public double Temperature { get; init; } = 0.07;

    /// <summary>T in patches: S_i holds the patches nearer than this on the same slide. Default 3 (24 neighbours); earlier value 2
    /// (8).</summary>
    public double RadiusPatches { get; init; } = 3;

    /// <summary>Members of S_i used in a step, drawn anew each step; 0 (default) uses all, as the authors do. For large T.</summary>
    public int SpatialSample { get; init; }

    /// <summary>|A_i|: the members of S_i most similar to the anchor, which lend it their own nearest keys. Default 1; earlier value
    /// 3.</summary>
    public int AuxiliaryAnchors { get; init; } = 1;

    /// <summary>K: bank rows taken by similarity for each query of F_i, before the clusters must agree. 4096 at N = 681,486.</summary>
    public int NearestKeys { get; init; } = 4096;

    /// <summary>The pool of semi-hard negatives, as a share of N. Default 0.2, the paper's.</summary>
    public double PoolShare { get; init; } = 0.2;

    /// <summary>M: negatives an anchor. Default 4096, the authors' value.</summary>
    public int Negatives { get; init; } = 4096;

    /// <summary>Which ranks the negatives come from. Default <see cref="NegativeSampling.SemiHard"/>.</summary>
    public NegativeSampling Sampling { get; init; } = NegativeSampling.SemiHard;

    /// <summary>Leaves the gradient through the negatives out, as SGCL does; the loss is the same. Default false.</summary>
    public bool DetachNegatives { get; init; }

    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public void Check()
    {
        Require(Temperature > 0 && double.IsFinite(Temperature), "The temperature must be positive", Temperature);
        SpatialNeighbours.CheckRadius(RadiusPatches);
        Require(SpatialSample >= 0, "The spatial sample must be 0 (all) or more", SpatialSample);
        Require(AuxiliaryAnchors >= 0, "The number of auxiliary anchors must be 0 or more", AuxiliaryAnchors);
        Require(NearestKeys >= 0, "The number of nearest keys must be 0 or more", NearestKeys);
        Require(PoolShare is > 0 and <= 1, "The pool's share of the bank must lie in (0, 1]", PoolShare);
        Require(Negatives >= 0, "The number of negatives must be 0 or more", Negatives);
        Require(Enum.IsDefined(Sampling), "The sampling of negatives is unknown", (int)Sampling);
    }

    private static void Require(bool holds, string rule, double value)
    {
        if (!holds)
            throw new ArgumentException($"{rule}; it is {value}.");
    }
}

/// <summary>
/// Factors of the terms in L = Self·mean L_self + Intra·mean L_intra + Inter·mean L_inter; the method has 1, w(t), w(t). A factor of 0
/// takes the term out of the loss and the gradient; its value is reported all the same, and its set stays out of the negatives.
/// </summary>
public readonly record struct TermWeights(double Self, double Intra, double Inter)
{
    /// <summary>1, w, w.</summary>
    public static TermWeights Ramped(double w) => new(1, w, w);
}

/// <summary>What a step reports. Terms are means over the anchors that contribute, without their factors; 0 where none does.</summary>
public readonly record struct ThreeTermResult
{
    /// <summary>The weighted sum of the terms.</summary>
    public required double Loss { get; init; }

    /// <summary>Mean of L_self over all anchors.</summary>
    public required double Self { get; init; }

    /// <summary>Mean of L_intra over the anchors with a spatial neighbour.</summary>
    public required double Intra { get; init; }

    /// <summary>Mean of L_inter over the anchors with a feature neighbour.</summary>
    public required double Inter { get; init; }

    /// <summary>Mean |S| over all anchors.</summary>
    public required double SpatialSize { get; init; }

    /// <summary>Mean |F| over all anchors.</summary>
    public required double FeatureSize { get; init; }

    /// <summary>Mean |Q| over all anchors.</summary>
    public required double NegativeSize { get; init; }

    /// <summary>Share of all feature neighbours that lie on another slide than their anchor; 0 where there are none.</summary>
    public required double OtherSlideShare { get; init; }
}
