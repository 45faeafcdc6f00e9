namespace SSLP.Kernels;

/// <summary>The meaning of <see cref="ThreeTermLoss"/>: the formulas of method.md in double, term by term, as they are printed
/// there.</summary>
internal static class ThreeTermLossReference
{
    /// <summary>The unweighted terms of one anchor from its similarities. Exponentials are plain: meant for d/τ below 700.</summary>
    public static AnchorTerms Terms(
        double self, ReadOnlySpan<double> spatial, ReadOnlySpan<double> feature, ReadOnlySpan<double> negatives, double temperature)
    {
        double z = SumExp(negatives, temperature);
        double selfExp = Math.Exp(self / temperature), spatialExp = SumExp(spatial, temperature);
        double inter = 0;
        foreach (double d in feature)
            inter += Math.Exp(d / temperature) / (Math.Exp(d / temperature) + z) / feature.Length;
        return new AnchorTerms(
            -Math.Log(selfExp / (selfExp + z)),
            spatial.IsEmpty ? 0 : -Math.Log(spatialExp / (spatialExp + z)),
            feature.IsEmpty ? 0 : -Math.Log(inter));
    }

    /// <summary>Replaces each similarity by its row's factor in dL/df, by the chain rule through Z, one positive at a time.</summary>
    public static void ToGradientFactors(
        ref double self, Span<double> spatial, Span<double> feature, Span<double> negatives,
        double temperature, TermWeights factors, bool detachNegatives = false)
    {
        double z = SumExp(negatives, temperature), byZ = 0;

        double selfExp = Math.Exp(self / temperature);
        byZ += factors.Self / (selfExp + z);
        self = -factors.Self * z / (selfExp + z) / temperature;

        double spatialExp = SumExp(spatial, temperature);
        byZ += spatial.IsEmpty ? 0 : factors.Intra / (spatialExp + z);
        foreach (ref double d in spatial)
            d = factors.Intra * Math.Exp(d / temperature) * (1 / (spatialExp + z) - 1 / spatialExp) / temperature;

        double sum = 0;
        foreach (double d in feature)
            sum += Math.Exp(d / temperature) / (Math.Exp(d / temperature) + z);
        foreach (ref double d in feature)
        {
            double s = Math.Exp(d / temperature);
            byZ += factors.Inter / sum * s / ((s + z) * (s + z));
            d = -factors.Inter / sum * s * z / ((s + z) * (s + z)) / temperature;
        }

        foreach (ref double d in negatives)
            d = detachNegatives ? 0 : byZ * Math.Exp(d / temperature) / temperature;
    }

    private static double SumExp(ReadOnlySpan<double> similarities, double temperature)
    {
        double sum = 0;
        foreach (double d in similarities)
            sum += Math.Exp(d / temperature);
        return sum;
    }
}
