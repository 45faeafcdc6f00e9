using SSLP.Engine.Torch;
using static TorchSharp.torch;

namespace SSLP.Engine.Model;

/// <summary>
/// Batch normalisation over all dimensions but the second (Ioffe and Szegedy 2015), with torch's ε and momentum, parameters and buffers by
/// torch's names. TorchSharp's own counts its batches with a scalar that nobody holds, see <see cref="HeldScalars"/>.
/// </summary>
/// <param name="channels">C.</param>
internal sealed class BatchNorm(long channels)
    : TorchSharp.Modules.BatchNorm(channels, Epsilon, Momentum, affine: true, track_running_stats: true, null, null, nameof(BatchNorm))
{
    private const double Epsilon = 1e-5, Momentum = 0.1;

    /// <param name="input">[B, C] or [B, C, H, W].</param>
    public override Tensor forward(Tensor input)
    {
        if (training)
            num_batches_tracked!.CountOneInPlace();
        return nn.functional.batch_norm(input, running_mean!, running_var!, weight, bias!, training, Momentum, Epsilon);
    }

    // libtorch says so itself.
    protected override void ValidateInputDimensions(Tensor input)
    {
    }
}
