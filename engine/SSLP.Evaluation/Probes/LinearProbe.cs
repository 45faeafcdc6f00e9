using System.Globalization;
using SSLP.Engine.Torch;
using SSLP.Evaluation.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Probes;

/// <summary>The paper's way of training a linear classifier; the defaults are its own (method.md, Evaluation).</summary>
/// <param name="LearningRate">At the start.</param>
/// <param name="Momentum">Of SGD; not stated in the paper, MoCo's protocol uses this one.</param>
/// <param name="BatchSize">Features a step.</param>
/// <param name="Epochs">Passes over the training side; the rate falls to a tenth at 60 % and again at 80 % of them.</param>
/// <param name="Seed">Of the order of the patches.</param>
public sealed record SgdProbeOptions(double LearningRate = 0.03, double Momentum = 0.9, int BatchSize = 128, int Epochs = 100,
    int Seed = 0);

/// <summary>
/// A linear classifier on frozen features, two ways: the field's SGD protocol, whose result depends on the features' scale, and a
/// logistic regression solved to convergence, which does not.
/// </summary>
public static class LinearProbe
{
    /// <summary>λ of the sweep, on standardised features: from all but constant to all but unregularised.</summary>
    public static IReadOnlyList<double> L2Sweep { get; } = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10];

    /// <summary>
    /// Cross-entropy by SGD from zero weights, no weight decay, on features as they are. The features are taken once from unaugmented
    /// patches; <see cref="FineTuneOptions.Linear"/> is the same protocol with the crops and flips of the paper's training side.
    /// </summary>
    public static ProbeResult Sgd(ProbeTask task, SgdProbeOptions? options = null)
    {
        SgdProbeOptions o = options ?? new();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator order = new((ulong)o.Seed, torch.CPU);
        (Tensor x, Tensor y) = (Matrix(task.Train), tensor(task.TrainLabels, ScalarType.Int64));
        Tensor weights = zeros(task.Classes.Count, task.Train.Width), bias = zeros(task.Classes.Count);
        Tensor weightVelocity = zeros_like(weights), biasVelocity = zeros_like(bias);
        for (int epoch = 0; epoch < o.Epochs; epoch++)
        {
            double rate = Decayed(o.LearningRate, epoch, o.Epochs);
            using DisposeScope epochScope = NewDisposeScope();
            foreach (Tensor batch in randperm(task.Train.Count, generator: order).split(o.BatchSize))
            {
                using DisposeScope stepScope = NewDisposeScope();
                Tensor inputs = x.index_select(0, batch);
                // d/dlogits of the mean cross-entropy = (softmax − one-hot) / B.
                Tensor residual = inputs.matmul(weights.t()).PlusInPlace(bias).softmax(1)
                    .sub_(nn.functional.one_hot(y.index_select(0, batch), task.Classes.Count)).OverInPlace(batch.shape[0]);
                weightVelocity.TimesInPlace(o.Momentum).PlusInPlace(residual.t().matmul(inputs));
                biasVelocity.TimesInPlace(o.Momentum).PlusInPlace(residual.sum(dim: 0));
                weights.PlusInPlace(weightVelocity, -rate);
                bias.PlusInPlace(biasVelocity, -rate);
            }
        }

        Tensor scores = Matrix(task.Test).matmul(weights.t()).PlusInPlace(bias).softmax(1);
        string setting = string.Create(CultureInfo.InvariantCulture, $"lr={o.LearningRate} epochs={o.Epochs}");
        return ProbeResult.From("linear_sgd", setting, task, scores.ToArray<float>());
    }

    /// <summary>
    /// Logistic regression; λ is the one of <see cref="L2Sweep"/> with the least cross-entropy on a fifth of the training slides (or
    /// patients) that it did not learn from, and the result is fitted on all of them. With one training slide there is nothing to hold out
    /// and λ is 1e-2.
    /// </summary>
    public static ProbeResult Logistic(ProbeTask task)
    {
        double lambda = ChooseL2(task);
        LogisticRegression fitted = LogisticRegression.FitPath(task.Train, task.TrainLabels, task.Classes.Count, [lambda])[lambda];
        string setting = string.Create(CultureInfo.InvariantCulture, $"l2={lambda:g}{(fitted.Converged ? "" : " (not converged)")}");
        return ProbeResult.From("linear_logistic", setting, task, fitted.Probabilities(task.Test));
    }

    private static double ChooseL2(ProbeTask task)
    {
        if (task.Train.Patches.UnitOf().Distinct().Count() < 2)
            return 1e-2;
        var split = ProbeSplit.Draw(task.Train.Patches, [.. Enumerable.Range(0, task.Train.Count)], 0.2, seed: 0);
        // A part that holds one class can still be learned from: the other classes' intercepts fall, and the loss says so.
        FeatureTable part = task.Train.Select(split.Train), held = task.Train.Select(split.Test);
        return LogisticRegression.FitPath(part, part.Patches.LabelOf.ToArray(), task.Classes.Count, L2Sweep)
            .MinBy(fit => CrossEntropy(fit.Value.Probabilities(held), held.Patches.LabelOf, task.Classes.Count)).Key;
    }

    /// <summary>The step decay of the paper's probe: a tenth after 60 % of the epochs, a hundredth after 80 %.</summary>
    internal static double Decayed(double rate, int epoch, int epochs) =>
        rate * (epoch < 0.6 * epochs ? 1 : epoch < 0.8 * epochs ? 0.1 : 0.01);

    private static double CrossEntropy(float[] probabilities, ReadOnlySpan<int> labels, int classes)
    {
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
            sum -= Math.Log(Math.Max(probabilities[i * classes + labels[i]], 1e-30));
        return sum / labels.Length;
    }

    private static Tensor Matrix(FeatureTable features) => tensor(features.Values).reshape(features.Count, features.Width);
}
