using System.Numerics.Tensors;

namespace SSLP.Evaluation.Probes;

/// <summary>
/// Limited-memory BFGS with a backtracking line search, for smooth convex functions (Nocedal and Wright, Numerical Optimization,
/// algorithms 7.4 and 3.1). Torch's own, as bound here, has no line search and diverges on unscaled problems.
/// </summary>
internal static class Lbfgs
{
    private const int History = 10;

    // Stops when no component of the gradient is larger, and after so many steps all the same.
    private const double Tolerance = 1e-6;
    private const int MostIterations = 1000;

    /// <summary>Value at <c>x</c>; writes the gradient.</summary>
    public delegate double Objective(double[] x, double[] gradient);

    /// <param name="objective">What to make small.</param>
    /// <param name="start">Where to begin; not changed.</param>
    /// <returns>The point, and whether its gradient came down to 1e-6.</returns>
    public static (double[] X, bool Converged) Minimise(Objective objective, double[] start)
    {
        double[] x = [.. start], gradient = new double[x.Length];
        double value = objective(x, gradient);
        List<(double[] S, double[] Y, double Rho)> history = [];
        for (int iteration = 0; iteration < MostIterations; iteration++)
        {
            if (Math.Abs(TensorPrimitives.MaxMagnitude<double>(gradient)) <= Tolerance)
                return (x, true);
            double[] direction = Direction(gradient, history);
            double slope = TensorPrimitives.Dot<double>(gradient, direction);
            // Without curvature yet the scale of a step is unknown: the first is at most of unit length.
            double step = history.Count > 0 ? 1 : Math.Min(1, 1 / TensorPrimitives.Norm<double>(gradient));
            if (Backtrack(objective, x, value, direction, slope, step) is not (double[] next, double[] nextGradient, double nextValue))
                return (x, false);
            Remember(history, x, next, gradient, nextGradient);
            (x, gradient, value) = (next, nextGradient, nextValue);
        }

        return (x, false);
    }

    /// <summary>−H g by the two loops over the remembered steps.</summary>
    private static double[] Direction(double[] gradient, List<(double[] S, double[] Y, double Rho)> history)
    {
        double[] q = new double[gradient.Length], alpha = new double[history.Count];
        TensorPrimitives.Negate<double>(gradient, q);
        for (int i = history.Count - 1; i >= 0; i--)
        {
            alpha[i] = history[i].Rho * TensorPrimitives.Dot<double>(history[i].S, q);
            TensorPrimitives.MultiplyAdd(history[i].Y, -alpha[i], q, q);
        }

        if (history.Count > 0)
            TensorPrimitives.Multiply(q, 1 / (history[^1].Rho * TensorPrimitives.SumOfSquares<double>(history[^1].Y)), q);
        for (int i = 0; i < history.Count; i++)
            TensorPrimitives.MultiplyAdd(history[i].S, alpha[i] - history[i].Rho * TensorPrimitives.Dot<double>(history[i].Y, q), q, q);
        return q;
    }

    /// <summary>Halves the step until the value falls by a fair share of what the slope promises; null where rounding hides any
    /// fall.</summary>
    private static (double[] X, double[] Gradient, double Value)? Backtrack(
        Objective objective, double[] x, double value, double[] direction, double slope, double step)
    {
        for (int trial = 0; trial < 40; trial++, step *= 0.5)
        {
            double[] next = new double[x.Length], gradient = new double[x.Length];
            TensorPrimitives.MultiplyAdd(direction, step, x, next);
            double nextValue = objective(next, gradient);
            if (nextValue <= value + 1e-4 * step * slope)
                return (next, gradient, nextValue);
        }

        return null;
    }

    private static void Remember(List<(double[] S, double[] Y, double Rho)> history, double[] x, double[] next, double[] gradient,
        double[] nextGradient)
    {
        double[] s = new double[x.Length], y = new double[x.Length];
        TensorPrimitives.Subtract<double>(next, x, s);
        TensorPrimitives.Subtract<double>(nextGradient, gradient, y);
        double curvature = TensorPrimitives.Dot<double>(s, y);
        // Backtracking does not promise positive curvature; a pair without it would spoil the descent direction.
        if (curvature <= 1e-12 * TensorPrimitives.SumOfSquares<double>(y))
            return;
        history.Add((s, y, 1 / curvature));
        if (history.Count > History)
            history.RemoveAt(0);
    }
}
