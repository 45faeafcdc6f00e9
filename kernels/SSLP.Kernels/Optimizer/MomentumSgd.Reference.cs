namespace SSLP.Kernels;

/// <summary><see cref="IMomentumSgd"/> in float64: plain loops, each result rounded to float32 once.</summary>
internal sealed unsafe class MomentumSgdReference : IMomentumSgd
{
    private double _norm;

    public double Norm(ReadOnlySpan<VectorView> gradient)
    {
        double squares = 0;
        foreach (VectorView part in gradient)
        {
            for (long i = 0; i < part.Length; i++)
                squares += (double)part.Data[i] * part.Data[i];
        }
        return _norm = MomentumSgdRules.NormOf(squares);
    }

    public void Step(VectorView weights, VectorView momentum, ReadOnlySpan<VectorView> gradient, MomentumSgdRates rates)
    {
        MomentumSgdRules.CheckStep(weights, momentum, gradient, rates);
        if (!double.IsFinite(_norm))
            return;
        long at = 0;
        foreach (VectorView part in gradient)
        {
            for (long i = 0; i < part.Length; i++, at++)
            {
                double direction = part.Data[i] + rates.WeightDecay * weights.Data[at];
                double moved = rates.Momentum * momentum.Data[at] + direction;
                momentum.Data[at] = (float)moved;
                weights.Data[at] = (float)(weights.Data[at] - rates.LearningRate * moved);
            }
        }
    }

    public void Follow(VectorView key, VectorView query, double momentum)
    {
        MomentumSgdRules.CheckFollow(key, query, momentum);
        if (!double.IsFinite(_norm))
            return;
        for (long i = 0; i < key.Length; i++)
            key.Data[i] = (float)(momentum * key.Data[i] + (1 - momentum) * query.Data[i]);
    }

    public void Dispose() { }
}
