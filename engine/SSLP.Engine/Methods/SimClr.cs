using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Methods;

/// <summary>
/// SimCLR (Chen, Kornblith, Norouzi, Hinton, ICML 2020): two views of each patch; each is to find the other among the 2B − 1 rest.
/// </summary>
/// <param name="encoder">Encoder with an MLP head; owned from here on.</param>
/// <param name="temperature">τ.</param>
/// <param name="kernels">Where they have a device, steps are enqueued there; stay the caller's.</param>
internal sealed class SimClr(Encoder encoder, double temperature, KernelSet kernels) : Method
{
    private int _batch; // of the last step

    public override Encoder Encoder => encoder;

    public override int Views => 2;

    public override string Describe => $"SimCLR: temperature {temperature}";

    public override StepTerms Step(TrainingBatch batch)
    {
        Tensor loss = Backward(batch, Forward(batch));
        return Terms(loss.item<float>(), batch.Patches.Length);
    }

    internal override KernelSet? OnDevice => kernels.Context is null ? null : kernels;

    internal override void EnqueueStep(TrainingBatch batch, StepInputs inputs, StepReport report)
    {
        _batch = batch.Patches.Length;
        Tensor loss = Backward(batch, Forward(batch));
        report.EnqueueMean(KernelBridge.Lent(loss, kernels), 1);
    }

    internal override StepTerms TermsOf(in StepReading reading) =>
        (reading.Fault & StepFault.NotFinite) != 0 ? StepTerms.NotANumber : Terms(reading[StepValue.Loss], _batch);

    /// <summary>Of both views, [2B, D], unit rows.</summary>
    private Tensor Forward(TrainingBatch batch)
    {
        using StageRange forward = Forwarding([.. batch.Views]);
        return encoder.forward(cat([.. batch.Views], 0));
    }

    /// <summary>The loss, whose gradients are in the encoder.</summary>
    private Tensor Backward(TrainingBatch batch, Tensor z)
    {
        long b = batch.Patches.Length;
        if (batch.IsWatched)
            Compared = ComparedOf(z.detach(), b);
        using StageRange backward = Stages.Range(Stage.Backward, BytesOf(z));
        Tensor itself = eye(2 * b, dtype: ScalarType.Bool, device: z.device);
        Tensor logits = z.matmul(z.t()).Over(temperature).FilledWhere(itself, float.NegativeInfinity);
        Tensor other = HeldScalars.CountUp(2 * b, ScalarType.Int64, z.device).roll(b, 0); // row i's positive is i ± B
        Tensor loss = nn.functional.cross_entropy(logits, other);
        loss.backward();
        return loss;
    }

    private static ComparedFeatures ComparedOf(Tensor z, long b) =>
        new((int)z.shape[1], z.narrow(0, 0, b).ToArray<float>(), z.narrow(0, b, b).ToArray<float>(), [], AreLearned: true);

    private static StepTerms Terms(double loss, int batch) => new(loss, loss, NegativeSize: 2 * batch - 2);
}
