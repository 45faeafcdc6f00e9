using SSLP.Engine.Runs;
using SSLP.Engine.Stages;
using SSLP.Interop.Cuda;

namespace SSLP.Bench.Profile;

/// <summary>Opens and closes the window of a profile between steps, for the recorder and for a profiler that waits for it, and ends the run
/// behind it.</summary>
internal sealed class ProfileWindow : IProgress<StepMetrics>
{
    private readonly StageRecorder _recorder;
    private readonly CudaContext? _cuda;
    private readonly CancellationTokenSource _stop;
    private readonly int _warmup, _steps;
    private int _done;
    private bool _open;

    /// <param name="recorder">Of the run's context.</param>
    /// <param name="cuda">The device's context; null on the CPU.</param>
    /// <param name="warmup">Steps before the window.</param>
    /// <param name="steps">Steps of it.</param>
    /// <param name="stop">Cancelled behind it.</param>
    public ProfileWindow(StageRecorder recorder, CudaContext? cuda, int warmup, int steps, CancellationTokenSource stop)
    {
        (_recorder, _cuda, _warmup, _steps, _stop) = (recorder, cuda, warmup, steps, stop);
        if (warmup == 0)
            Open();
    }

    /// <summary>Steps that lie in the window.</summary>
    public int Steps => Math.Clamp(_done - _warmup, 0, _steps);

    /// <summary>Steps done in all.</summary>
    public int Done => _done;

    public void Report(StepMetrics value)
    {
        _done++;
        if (_done == _warmup)
            Open();
        if (_done != _warmup + _steps)
            return;
        Close();
        _stop.Cancel();
    }

    /// <summary>Where the run ended before.</summary>
    public void Close()
    {
        if (!_open)
            return;
        _open = false;
        _cuda?.Synchronize();
        _recorder.Stop();
        _cuda?.StopProfiler();
    }

    private void Open()
    {
        _open = true;
        _cuda?.Synchronize();
        _cuda?.StartProfiler();
        _recorder.Start();
    }
}
