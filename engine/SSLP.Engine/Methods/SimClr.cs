using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>
/// SimCLR (Chen, Kornblith, Norouzi, Hinton, ICML 2020): two views of each patch; each is to find the other among the 2B − 1 rest.
/// </summary>
/// <param name="encoder">Encoder with an MLP head; owned from here on.</param>
/// <param name="temperature">τ.</param>
internal sealed class SimClr(Encoder encoder, double temperature) : Method
{
    public override Encoder Encoder => encoder;

    public override int Views => 2;

    public override string Describe => $"SimCLR: temperature {temperature}";

    public override StepTerms Step(TrainingBatch batch)
    {
        long b = batch.Patches.Length;
        Tensor z;
        using (Forwarding([.. batch.Views]))
            z = encoder.forward(cat([.. batch.Views], 0)); // [2B, D], unit rows
        if (batch.IsWatched)
            Compared = new ComparedFeatures((int)z.shape[1], z.detach().narrow(0, 0, b).ToArray<float>(),
                z.detach().narrow(0, b, b).ToArray<float>(), [], AreLearned: true);
        using StageRange backward = Stages.Range(Stage.Backward, BytesOf(z));
        Tensor itself = eye(2 * b, dtype: ScalarType.Bool, device: z.device);
        Tensor logits = (z.matmul(z.t()) / temperature).masked_fill(itself, float.NegativeInfinity);
        Tensor other = arange(2 * b, ScalarType.Int64, z.device).roll(b, 0); // row i's positive is i ± B
        Tensor loss = nn.functional.cross_entropy(logits, other);
        loss.backward();
        return new StepTerms(loss.item<float>(), loss.item<float>(), NegativeSize: 2 * b - 2);
    }
}
