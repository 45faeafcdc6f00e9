using SSLP.Interop.Cuda;

namespace SSLP.Kernels;

/// <summary>
/// <see cref="ThreeTermStepCuda"/> for a host with features and gradient on the device and a stream of its own. One step is under way at a
/// time: enqueueing waits for nothing, <see cref="Finish"/> for that step and no work of the host's behind it.
/// </summary>
/// <param name="step">Borrowed; does nothing else while a step is under way.</param>
/// <param name="rows">N, rows of its bank.</param>
/// <param name="device">Borrowed; the step's.</param>
internal sealed class EnqueuedThreeTermStep(ThreeTermStepCuda step, int rows, CudaComputeDevice device) : IDisposable
{
    private readonly SentInts _inputs = new(device.Context, device);
    private readonly StepReport _report = new(device);
    private StepReportRing? _reading;
    private CudaStream? _stream;
    private int[] _anchors = [], _host = [];
    private DeviceMatrix _features, _gradient;
    private ThreeTermCall _call;
    private int _drawn;

    /// <summary>Whether a step was enqueued that is not finished.</summary>
    public bool IsUnderWay => _stream is not null;

    /// <summary>One step in the order of a stream; nothing is waited for.</summary>
    /// <param name="anchors">B bank rows, on the host.</param>
    /// <param name="features">f [B, D], unit rows. They stay as they are until <see cref="Finish"/>.</param>
    /// <param name="gradient">dL/df [B, D], written.</param>
    /// <param name="stream">The host's, or stream 0.</param>
    /// <exception cref="ArgumentException">An anchor is no bank row, or there is none.</exception>
    public void Enqueue(
        ReadOnlySpan<int> anchors, DeviceMatrix features, in ThreeTermCall call, DeviceMatrix gradient, CudaStream stream)
    {
        ThreeTermStep.CheckAnchors(rows, anchors);
        (_anchors, _features, _gradient, _call) = (anchors.ToArray(), features, gradient, call);
        _host = new int[step.InputInts(anchors.Length)];
        _drawn = step.DrawRanks(anchors.Length, call.Seed, call.Step, _host);
        Enqueue(stream);
        _stream = stream;
    }

    /// <summary>Waits for the step. One whose lists had no room, or did not reach far enough, is done again first: its gradient was of no
    /// use.</summary>
    /// <param name="again">Whether it was: the gradient has been written anew.</param>
    /// <exception cref="ArgumentException">A feature is not finite; the gradient is of no use.</exception>
    public ThreeTermResult Finish(out bool again)
    {
        CudaStream stream = _stream ?? throw new InvalidOperationException("No step is under way.");
        again = false;
        while (true)
        {
            StepReading reading = _reading!.Read(0);
            if ((reading.Fault & StepFault.NotFinite) != 0)
            {
                _stream = null;
                device.RefuseNonFinite(_features, row => $"Feature {row} (bank row {_anchors[row]})");
            }

            step.Widen(reading);
            if (!reading.IsToBeRepeated)
            {
                _stream = null;
                return ThreeTermStepCuda.ResultOf(reading);
            }

            again = true;
            Enqueue(stream);
        }
    }

    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])[_inputs, _reading, _report])
            part?.Dispose();
    }

    private void Enqueue(CudaStream stream)
    {
        using StreamOrder order = device.InOrderOf(stream);
        ThreeTermPlan plan = step.Prepare(_anchors, _call, _drawn, _host);
        _report.EnqueueClear();
        step.Enqueue(plan, _inputs.Send(_host), _features, _gradient, _report);
        _reading ??= new StepReportRing(device.Context, _report, slots: 1);
        _reading.Enqueue(0);
    }
}
