using System.Runtime.ExceptionServices;
using SSLP.Data.Files;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;

namespace SSLP.Native;

/// <summary>
/// A training run a step at a time. The run is the program's own, on a thread of its own, which waits after each step until the host asks
/// for the next: so its numbers are the program's to the bit. Stopping it ends with a checkpoint, and it goes on from there.
/// </summary>
/// <param name="job">Borrowed.</param>
internal sealed class SteppedRun(PretrainJob job) : IProgress<StepMetrics>
{
    private readonly Lock _gate = new();
    private SemaphoreSlim _go = new(0), _shown = new(0);
    private CancellationTokenSource _stop = new();
    private Thread? _thread;
    private StepMetrics? _last;
    private TrainingOutcome? _outcome;
    private Exception? _failure;

    /// <summary>Does the next step.</summary>
    /// <returns>Null where the run is finished: its checkpoint and its encoder are written.</returns>
    /// <exception cref="Fault">Stopped by <see cref="Stop"/>, or what ended the run; that stays.</exception>
    public StepMetrics? Next()
    {
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
        if (_outcome is { Finished: true })
            return null;
        if (_thread is null)
            Begin();
        else
            _go.Release();
        _shown.Wait();
        if (_stop.IsCancellationRequested || !_thread!.IsAlive || _outcome is not null || _failure is not null)
            return Ended();
        return _last;
    }

    /// <summary>Ends the running step's call, from any thread: the step is finished, the run is stopped with a checkpoint.</summary>
    public void Stop()
    {
        lock (_gate)
            _stop.Cancel();
    }

    /// <summary>Writes checkpoint and encoder as the run is now; the next step goes on.</summary>
    public void Pause()
    {
        if (_thread is null)
            return;
        Stop();
        Finish();
    }

    void IProgress<StepMetrics>.Report(StepMetrics value)
    {
        _last = value;
        _shown.Release();
        // Nothing is thrown here: what the run does after a step, its checkpoint above all, is done before it looks at the stop.
        WaitHandle.WaitAny([_go.AvailableWaitHandle, _stop.Token.WaitHandle]);
        _go.Wait(0);
    }

    private StepMetrics? Ended()
    {
        bool stopped = _stop.IsCancellationRequested;
        Finish();
        if (_outcome is { Finished: true })
            return null;
        throw new Fault(FaultKind.Stopped, stopped
            ? $"Stopped after step {job.Trainer.StepsDone}; its checkpoint is written, and the next call goes on."
            : $"The run ended after step {job.Trainer.StepsDone} and is not finished.");
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested)
                _stop = new();
        }
        (_go, _shown, _outcome) = (new(0), new(0), null);
        _thread = new Thread(Work) { IsBackground = true, Name = "sslp training" };
        _thread.Start();
    }

    /// <summary>Waits until the run has written what it writes at its end.</summary>
    private void Finish()
    {
        _thread!.Join();
        _thread = null;
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    private void Work()
    {
        try
        {
            _outcome = job.Run(this, _stop.Token);
        }
        catch (Exception thrown)
        {
            _failure = thrown;
        }
        _shown.Release();
    }
}
