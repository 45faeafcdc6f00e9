using SSLP.Data.Loading;
using SSLP.Engine.Diverged;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Optimizer;
using SSLP.Engine.Stages;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>
/// A training step whose network and kernels share a device: bytes go up once, views, features, gradient and bank stay there, and what
/// comes back is one report of 256 bytes, behind the backward pass. It is the one thing that the host waits for.
/// </summary>
internal sealed class DeviceTraining : IDisposable
{
    private readonly KernelSet _kernels;
    private readonly Method _method;
    private readonly StepGuard _guard;
    private readonly FlatSgd _optimizer;
    private readonly DeviceSlots _slots;
    private readonly StepReport _report;

    private DeviceTraining(KernelSet kernels, Method method, StepGuard guard, FlatSgd optimizer, DeviceSlots slots)
    {
        (_kernels, _method, _guard, _optimizer, _slots) = (kernels, method, guard, optimizer, slots);
        _report = kernels.NewReport();
    }

    /// <summary>The context of the device; stays the kernels'.</summary>
    public CudaContext Context => _kernels.Context!;

    /// <summary>For a method that can, with kernels that work where its network is; else null.</summary>
    /// <param name="method">Where it will run.</param>
    /// <param name="guard">Of the method.</param>
    /// <param name="optimizer">Of its encoder.</param>
    /// <param name="options">What is drawn for a view.</param>
    /// <param name="patchSize">P, side of the patches, px.</param>
    /// <param name="batchSize">B.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Where the network is.</param>
    public static DeviceTraining? For(
        Method method, StepGuard guard, FlatSgd optimizer, AugmentOptions options, int patchSize, int batchSize, ulong seed,
        Device device) =>
        method.OnDevice is { } kernels && KernelBridge.AreOn(kernels, device)
            ? new DeviceTraining(
                kernels, method, guard, optimizer, new DeviceSlots(kernels, options, patchSize, batchSize, method, seed, device))
            : null;

    /// <summary>Forward, loss and backward. A step whose lists did not fit is done again with more room before anybody hears of
    /// it.</summary>
    /// <param name="patches">The batch, lent by the ring until this returns.</param>
    /// <param name="step">Steps done before.</param>
    /// <param name="ramp">w(t).</param>
    /// <param name="isWatched">The method is to leave what it compared.</param>
    /// <param name="before">The batch statistics before the step.</param>
    /// <returns>The batch, what the report says of it, and the norm of its gradients.</returns>
    public (TrainingBatch Batch, StepReading Reading, double Norm) Step(
        PatchBatch patches, int step, double ramp, bool isWatched, (Tensor, Tensor) before)
    {
        while (true)
        {
            var batch = new TrainingBatch(_slots.Send(patches, _method, step, ramp), _slots.Patches, step, ramp, isWatched);
            using (_method.Stages.Range(Stage.Guard))
            {
                _optimizer.ClearGradients();
                _report.EnqueueClear();
            }
            _method.EnqueueStep(batch, _slots.Inputs, _report);
            double? norm;
            using (_method.Stages.Range(Stage.Guard))
            {
                _guard.EnqueueStatistics(_report, _kernels);
                norm = _optimizer.EnqueueNorm(_report) ? null : _optimizer.GradientNorm();
            }
            StepReading reading;
            using (_method.Stages.Range(Stage.DeviceWait))
                reading = _report.Read();
            if (!reading.IsToBeRepeated)
                return (batch, reading, norm ?? MomentumSgdRules.NormOf(reading[StepValue.GradientSquares]));
            _guard.Restore(before);
            _method.Widen(reading);
            _slots.EnqueueConsumed();
        }
    }

    /// <summary>What the report says of the losses.</summary>
    public StepTerms TermsOf(in StepReading reading) => _method.TermsOf(reading);

    /// <summary>After the optimizer's step: bank, queue and key encoder follow.</summary>
    public void End(TrainingBatch batch)
    {
        _method.EnqueueEnd(batch, _slots.Inputs, _report);
        _slots.EnqueueConsumed();
    }

    public void Dispose()
    {
        _report.Dispose();
        _slots.Dispose();
    }
}
