using SSLP.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Statistics;

/// <summary>Principal component analysis by the W × W covariance: exact, and cheap for the widths that encoders have.</summary>
internal sealed class PrincipalComponents
{
    private PrincipalComponents(float[] mean, float[] axes, double[] variances)
    {
        (Mean, Axes, Variances) = (mean, axes, variances);
    }

    /// <summary>W.</summary>
    public float[] Mean { get; }

    /// <summary>W × W, row-major: row c is the unit vector of component c, the largest variance first. Its largest entry is
    /// positive.</summary>
    public float[] Axes { get; }

    /// <summary>Variance along each axis, falling, never negative.</summary>
    public double[] Variances { get; }

    /// <param name="values">N × W, row-major, N at least 1.</param>
    /// <param name="width">W.</param>
    public static PrincipalComponents Of(float[] values, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor x = tensor(values).reshape(-1, width);
        Tensor mean = x.mean([0L], type: ScalarType.Float64);
        Tensor centred = x.to(ScalarType.Float64) - mean;
        (Tensor variances, Tensor vectors) = linalg.eigh(centred.t().matmul(centred).OverInPlace(x.shape[0]));
        Tensor axes = vectors.t().flip(0);
        // An axis and its opposite are both right; one is chosen, so that two runs give one picture.
        Tensor largest = axes.gather(1, axes.abs().argmax(1, keepdim: true));
        axes = axes * largest.sign();
        return new(
            mean.to(ScalarType.Float32).ToArray<float>(), axes.to(ScalarType.Float32).ToArray<float>(),
            variances.flip(0).AtLeast(0).ToArray<double>());
    }

    /// <summary>Coordinates along the first components, N × <paramref name="components"/>, row-major.</summary>
    public float[] Project(float[] values, int components)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        int width = Mean.Length;
        Tensor x = tensor(values).reshape(-1, width) - tensor(Mean);
        return x.matmul(tensor(Axes).reshape(width, width).narrow(0, 0, components).t()).ToArray<float>();
    }
}
