using SSLP.Interop.Cuda;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>The three-term step over a bank and its spatial index.</summary>
internal sealed class NativeStep(NativeBank bank, NativeSpatial spatial, ThreeTermOptions options)
    : NativeObject("step", isExclusive: true, bank, spatial)
{
    private EnqueuedThreeTermStep? _enqueued;

    public NativeBank Bank => bank;

    public IThreeTermStep Step { get; } = bank.Context.Kernels.ThreeTermStep(bank.Bank, spatial.Index, options);

    private bool IsUnderWay => _enqueued?.IsUnderWay == true;

    /// <summary>Before a call that is not to come between a step and its end.</summary>
    /// <exception cref="MisuseException">One is under way.</exception>
    public void RefuseUnderWay()
    {
        if (IsUnderWay)
            throw new MisuseException(Status.Busy, "A step is under way: sslp_step_finish it first.");
    }

    /// <inheritdoc cref="EnqueuedThreeTermStep.Enqueue"/>
    public void Enqueue(
        ReadOnlySpan<int> anchors, DeviceMatrix features, in ThreeTermCall call, DeviceMatrix gradient, CudaStream stream)
    {
        RefuseUnderWay();
        _enqueued ??= new((ThreeTermStepCuda)Step, bank.Bank.RowCount, bank.Context.OnDevice);
        _enqueued.Enqueue(anchors, features, call, gradient, stream);
        bank.CountStep(1);
    }

    /// <inheritdoc cref="EnqueuedThreeTermStep.Finish"/>
    /// <exception cref="MisuseException">None is under way.</exception>
    public ThreeTermResult Finish(out bool again)
    {
        if (!IsUnderWay)
            throw new MisuseException(Status.Usage, "No step is under way: sslp_step_enqueue comes before sslp_step_finish.");
        try
        {
            return _enqueued!.Finish(out again);
        }
        finally
        {
            bank.CountStep(IsUnderWay ? 0 : -1);
        }
    }

    public override void Dispose()
    {
        bank.CountStep(IsUnderWay ? -1 : 0);
        _enqueued?.Dispose();
        Step.Dispose();
    }
}
