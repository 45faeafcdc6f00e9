using System.Numerics.Tensors;

namespace SSLP.Kernels;

/// <summary>The values of the three terms for one anchor; 0 where the anchor does not contribute.</summary>
internal readonly record struct AnchorTerms(double Self, double Intra, double Inter);

/// <summary>
/// The three terms of one anchor and the factor of every bank row in dL/df_i, both from the similarities d_ij, in O(|S| + |F| + |Q|).
/// </summary>
/// <remarks>
/// <para>With z_j = d_ij/τ, ζ = log Σ_Q e^z_n = log Z, λ = log Σ_S e^z_j, σ the logistic function and p_j = s_j/(s_j + Z) = σ(z_j −
/// ζ):</para>
/// <code>
/// L_self  = softplus(ζ − z_i)                        dL_self/dz_i  = −σ(ζ − z_i)
/// L_intra = softplus(ζ − λ)                          dL_intra/dz_j = −σ(ζ − λ)·softmax_S(j)
/// L_inter = log|F| − log Σ_F p_j                     dL_inter/dz_j = −u_j·(1 − p_j),  u_j = p_j / Σ_F p
/// </code>
/// <para>and each term's derivative by ζ is minus the sum of its derivatives by its own z, because only the differences to ζ enter. So with
/// the factors A, B, C of the terms and dζ/dz_n = softmax_Q(n), all weights of a row's gradient are closed-form and sum to 0:</para>
/// <code>
/// dL/df_i = (1/τ)·[ −A·σ(ζ − z_i)·v_i − B·σ(ζ − λ)·Σ_S softmax_S(j)·v_j − C·Σ_F u_j·(1 − p_j)·v_j + G·Σ_Q softmax_Q(n)·v_n ]
/// G = A·σ(ζ − z_i) + B·σ(ζ − λ) + C·Σ_F u_j·(1 − p_j)
/// </code>
/// <para>Every exponential is taken after its set's maximum is subtracted: no overflow at any τ. p_j enters by its logarithm −softplus(ζ −
/// z_j), so an F whose every p underflows still has a loss and a gradient. Without negatives Z = 0: all terms and factors are 0.</para>
/// <para>NaN in a similarity gives NaN; the callers refuse NaN features by name before any work.</para>
/// </remarks>
internal static class ThreeTermLoss
{
    /// <summary>Replaces each similarity by its row's factor in dL/df_i and returns the unweighted terms.</summary>
    /// <param name="self">d_ii in, its factor out.</param>
    /// <param name="spatial">d over S_i in, factors out. Empty: no intra term.</param>
    /// <param name="feature">d over F_i in, factors out. Empty: no inter term.</param>
    /// <param name="negatives">d over Q_i in, factors out. Empty: Z = 0.</param>
    /// <param name="temperature">τ.</param>
    /// <param name="factors">A, B, C: each term's factor over the number of anchors that contribute to it.</param>
    /// <param name="detachNegatives">Makes the negatives' factors 0.</param>
    public static AnchorTerms ToGradientFactors(
        ref float self, Span<float> spatial, Span<float> feature, Span<float> negatives,
        double temperature, TermWeights factors, bool detachNegatives = false)
    {
        double inverse = 1 / temperature;
        double zeta = ToSoftmax(negatives, inverse);
        double lambda = ToSoftmax(spatial, inverse);

        double selfPull = factors.Self * Logistic(zeta - self * inverse);
        double selfTerm = SoftPlus(zeta - self * inverse);
        self = (float)(-selfPull * inverse);

        double intraPull = 0, intraTerm = 0;
        if (!spatial.IsEmpty)
        {
            intraTerm = SoftPlus(zeta - lambda);
            intraPull = factors.Intra * Logistic(zeta - lambda);
            TensorPrimitives.Multiply(spatial, (float)(-intraPull * inverse), spatial);
        }
        (double interTerm, double interPull) = Inter(feature, zeta, inverse, factors.Inter);

        double push = detachNegatives ? 0 : selfPull + intraPull + interPull;
        TensorPrimitives.Multiply(negatives, (float)(push * inverse), negatives);
        return new AnchorTerms(selfTerm, intraTerm, interTerm);
    }

    /// <summary>Replaces d by softmax(d/τ) and returns log Σ exp(d/τ); −∞ for the empty set.</summary>
    private static double ToSoftmax(Span<float> similarities, double inverse)
    {
        if (similarities.IsEmpty)
            return double.NegativeInfinity;
        float largest = TensorPrimitives.Max<float>(similarities);
        TensorPrimitives.Subtract(similarities, largest, similarities);
        TensorPrimitives.Multiply(similarities, (float)inverse, similarities);
        TensorPrimitives.Exp<float>(similarities, similarities);
        float sum = OrderedSums.Sum(similarities);
        TensorPrimitives.Multiply(similarities, 1 / sum, similarities);
        return largest * inverse + Math.Log(sum);
    }

    /// <summary>L_inter and Σ of its pulls; the span turns into −C·u_j·(1 − p_j)/τ.</summary>
    private static (double Term, double Pull) Inter(Span<float> feature, double zeta, double inverse, double factor)
    {
        if (feature.IsEmpty)
            return (0, 0);
        // log p rises with d: the most similar row has the largest.
        double largest = -SoftPlus(zeta - TensorPrimitives.Max<float>(feature) * inverse);
        double sum = 0;
        foreach (float d in feature)
            sum += Math.Exp(-SoftPlus(zeta - d * inverse) - largest);
        double pull = 0;
        for (int j = 0; j < feature.Length; j++)
        {
            double gap = zeta - feature[j] * inverse;
            double u = Math.Exp(-SoftPlus(gap) - largest) / sum;
            double part = factor * u * Logistic(gap);
            pull += part;
            feature[j] = (float)(-part * inverse);
        }
        return (Math.Log(feature.Length) - largest - Math.Log(sum), pull);
    }

    /// <summary>log(1 + eˣ), for all x.</summary>
    private static double SoftPlus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    /// <summary>1/(1 + e⁻ˣ).</summary>
    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}
