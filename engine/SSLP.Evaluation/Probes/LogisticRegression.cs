using SSLP.Engine.Torch;
using SSLP.Evaluation.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Probes;

/// <summary>
/// Multinomial logistic regression on standardised features, solved to convergence in float64:
/// minimise (1/N) Σ −log softmax(W x_i + b)[y_i] + (λ/2) ‖W‖². scikit-learn's C is 1/(λ N).
/// <para>Features of a network are so correlated that descent on them takes thousands of steps. The problem is therefore solved in their
/// principal axes, which leaves ‖W‖ as it is, each axis scaled to a curvature near 1: the same minimum in some tens of steps.</para>
/// </summary>
internal sealed class LogisticRegression
{
    private readonly double[] _mean;
    private readonly double[] _scale;
    private readonly int _classes;

    private LogisticRegression(double[] mean, double[] scale, int classes, double[] parameters, bool converged)
    {
        (_mean, _scale, _classes, Parameters, Converged) = (mean, scale, classes, parameters, converged);
    }

    /// <summary>C × W weights, row-major, then C intercepts, all on standardised features.</summary>
    public double[] Parameters { get; }

    /// <summary>Whether no component of the gradient along the scaled axes exceeds 1e-6 at the solution.</summary>
    public bool Converged { get; }

    /// <summary>Fits each λ, from the strongest to the weakest, each starting where the last ended.</summary>
    /// <param name="features">N × W; mean and scale of the standardisation are taken from these rows.</param>
    /// <param name="labels">N classes, 0..<paramref name="classes"/>−1.</param>
    /// <param name="classes">C.</param>
    /// <param name="l2">The values of λ.</param>
    public static IReadOnlyDictionary<double, LogisticRegression> FitPath(FeatureTable features, int[] labels, int classes,
        IEnumerable<double> l2)
    {
        (double[] mean, double[] scale) = Standardisation(features);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor standardised = Standardised(features, mean, scale);
        (Tensor variances, Tensor axes) = linalg.eigh(standardised.t().matmul(standardised).OverInPlace(features.Count));
        Tensor x = standardised.matmul(axes);
        Tensor y = tensor(labels, ScalarType.Int64).unsqueeze(1);
        Dictionary<double, LogisticRegression> path = [];
        Tensor weights = zeros(classes, features.Width, float64), bias = zeros(classes, float64);
        foreach (double lambda in l2.OrderDescending())
        {
            // A quarter bounds the softmax's curvature p (1 − p); λ adds its own.
            Tensor curvature = variances.AtLeast(0).Times(0.25).Plus(lambda).sqrt();
            double[] start = Pack(weights * curvature, bias);
            (double[] found, bool converged) =
                Lbfgs.Minimise((p, gradient) => Evaluate(x, y, classes, lambda, curvature, p, gradient), start);
            (Tensor scaled, bias) = Unpack(found, classes, features.Width);
            weights = scaled / curvature;
            path[lambda] = new LogisticRegression(mean, scale, classes, Pack(weights.matmul(axes.t()), bias), converged);
        }

        return path;
    }

    /// <summary>Class probabilities, N × C, row-major.</summary>
    public float[] Probabilities(FeatureTable features)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Tensor weights, Tensor bias) = Unpack(Parameters, _classes, features.Width);
        Tensor logits = Standardised(features, _mean, _scale).matmul(weights.t()).PlusInPlace(bias);
        return logits.softmax(1).to(ScalarType.Float32).ToArray<float>();
    }

    /// <summary>Value and gradient of the objective above in the parameters W · curvature, b.</summary>
    private static double Evaluate(Tensor x, Tensor y, int classes, double lambda, Tensor curvature, double[] parameters, double[] gradient)
    {
        using DisposeScope scope = NewDisposeScope();
        int width = (int)x.shape[1];
        (Tensor scaled, Tensor bias) = Unpack(parameters, classes, width);
        Tensor weights = scaled / curvature;
        Tensor logProbabilities = x.matmul(weights.t()).PlusInPlace(bias).log_softmax(1);
        double value = -logProbabilities.gather(1, y).mean().item<double>() + 0.5 * lambda * (weights * weights).sum().item<double>();
        // d/dlogits = (softmax − one-hot) / N.
        Tensor residual = logProbabilities.exp();
        residual = residual.scatter_add(1, y, -ones_like(y, ScalarType.Float64)).OverInPlace(x.shape[0]);
        Tensor weightGradient = residual.t().matmul(x).PlusInPlace(weights, lambda).div_(curvature);
        weightGradient.CopyTo<double>(gradient.AsSpan(0, classes * width));
        residual.sum(dim: 0).CopyTo<double>(gradient.AsSpan(classes * width));
        return value;
    }

    private static double[] Pack(Tensor weights, Tensor bias) => [.. weights.ToArray<double>(), .. bias.ToArray<double>()];

    private static (Tensor Weights, Tensor Bias) Unpack(double[] parameters, int classes, int width)
    {
        Tensor all = tensor(parameters);
        return (all.narrow(0, 0, classes * width).reshape(classes, width), all.narrow(0, classes * width, classes));
    }

    private static Tensor Standardised(FeatureTable features, double[] mean, double[] scale) =>
        tensor(features.Values).reshape(features.Count, features.Width).to(ScalarType.Float64).sub_(tensor(mean)).div_(tensor(scale));

    /// <summary>Mean and standard deviation of each column; 1 for a column that never changes.</summary>
    private static (double[] Mean, double[] Scale) Standardisation(FeatureTable features)
    {
        double[] mean = new double[features.Width], scale = new double[features.Width];
        for (int i = 0; i < features.Count; i++)
            for (int w = 0; w < features.Width; w++)
                mean[w] += features.Row(i)[w] / (double)features.Count;
        for (int i = 0; i < features.Count; i++)
        {
            for (int w = 0; w < features.Width; w++)
            {
                double off = features.Row(i)[w] - mean[w];
                scale[w] += off * off / features.Count;
            }
        }

        for (int w = 0; w < features.Width; w++)
            scale[w] = scale[w] > 1e-20 * (1 + mean[w] * mean[w]) ? Math.Sqrt(scale[w]) : 1;
        return (mean, scale);
    }
}
