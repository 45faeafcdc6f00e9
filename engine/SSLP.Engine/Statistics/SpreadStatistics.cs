using SSLP.Engine.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Statistics;

/// <summary>
/// Whether features fill their space or have collapsed. An encoder that answers the same for everything makes a small loss
/// impossible to tell from a learned one; these numbers tell.
/// </summary>
/// <param name="Width">W.</param>
/// <param name="EffectiveRank">exp of the entropy of the covariance's normalised eigenvalues (Roy and Vetterli 2007): 1 collapsed, W
/// isotropic.</param>
/// <param name="Deviation">Mean over dimensions of the standard deviation of unit features, times √W: 0 collapsed, 1 isotropic (Chen and He
/// 2021).</param>
/// <param name="MeanCosine">Mean cosine between two different rows: 1 collapsed, near 0 spread out.</param>
internal sealed record SpreadStatistics(int Width, double EffectiveRank, double Deviation, double MeanCosine)
{
    /// <summary>Rows from which a covariance of 128 to 2048 dimensions is known well enough.</summary>
    public const int EnoughRows = 8192;

    /// <param name="values">N × W, row-major, N at least 2.</param>
    /// <param name="width">W.</param>
    public static SpreadStatistics Of(float[] values, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length / width, 2);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor x = tensor(values).reshape(-1, width).to(ScalarType.Float64);
        x = x / x.norm(1, keepdim: true).AtLeast(1e-12);
        long n = x.shape[0];
        double rows = (x * x).sum().item<double>();
        // Σ_{i≠j} <x_i, x_j> = ‖Σ x‖² − Σ ‖x_i‖².
        Tensor sum = x.sum(dim: 0);
        double meanCosine = (sum.dot(sum).item<double>() - rows) / ((double)n * (n - 1));
        double deviation = x.std(0, unbiased: false).mean().item<double>() * Math.Sqrt(width);
        float[] unit = x.to(ScalarType.Float32).ToArray<float>();
        return new(width, EffectiveRankOf(PrincipalComponents.Of(unit, width).Variances), deviation, meanCosine);
    }

    private static double EffectiveRankOf(double[] variances)
    {
        double total = variances.Sum();
        // Rounding leaves about 1e-16 of the squared scale (1 for unit rows) where there is no variance at all.
        if (total < 1e-12)
            return 1;
        return Math.Exp(Entropy.Of(variances, total));
    }
}
