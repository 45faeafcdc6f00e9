using System.Diagnostics;
using System.Runtime.ExceptionServices;
using SSLP.Data.Patches;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;

namespace SSLP.Bench.Jobs;

/// <summary>A pretraining run on a thread of its own that does some steps when told and then waits, in a folder that is removed.</summary>
internal sealed class SteppedRun : IProgress<StepMetrics>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-bench").FullName;
    private readonly SemaphoreSlim _go = new(0), _done = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _steps;
    private readonly PretrainJob _job;
    private readonly Thread _thread;
    private int _left;
    private Exception? _failure;

    /// <param name="options">Of the run; long enough for all rounds.</param>
    /// <param name="source">The patches; stays the caller's.</param>
    /// <param name="context">Threads and kernels; stays the caller's.</param>
    /// <param name="steps">Steps of a round.</param>
    public SteppedRun(TrainingOptions options, IPatchSource source, EngineContext context, int steps)
    {
        _steps = steps;
        _job = new PretrainJob(options, new RunFolder(_folder), source, "sslp bench train", resume: false, context: context);
        _thread = new Thread(Train) { IsBackground = true, Name = "sslp bench train" };
        _thread.Start();
    }

    /// <summary>A round; its milliseconds.</summary>
    public double Round()
    {
        long begun = Stopwatch.GetTimestamp();
        _left = _steps;
        _go.Release();
        _done.Wait();
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    public void Report(StepMetrics value)
    {
        if (--_left > 0)
            return;
        _done.Release();
        _go.Wait();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _go.Release();
        _thread.Join();
        _job.Dispose();
        Directory.Delete(_folder, recursive: true);
        _stop.Dispose();
        _go.Dispose();
        _done.Dispose();
    }

    private void Train()
    {
        try
        {
            _go.Wait();
            if (!_stop.IsCancellationRequested)
                _job.Run(this, _stop.Token);
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
        _done.Release();
    }
}
