namespace SSLP.Kernels;

/// <summary>
/// Threads that are started once and wait for work: a run costs microseconds and allocates nothing. The calling thread is worker 0.
/// Each worker takes its items in ascending order from a shared counter. One run at a time; a second caller waits.
/// </summary>
public sealed class WorkerPool : IWorkers, IDisposable
{
    /// <summary>Spins before a thread goes to sleep: about 20 µs, as long as waking a sleeper takes.</summary>
    private const int SpinsBeforeSleep = 35;

    /// <summary>More threads than any machine has processors for: a number above it is a mistake.</summary>
    public const int MostWorkers = 1024;

    private readonly Lock _oneRun = new();
    private readonly object _signal = new();
    private readonly Thread[] _threads;
    private IParallelWork? _work;
    private int _items;
    private int _nextItem;
    private int _busy;
    private int _generation;
    private bool _stopping;
    private Exception? _failure;

    /// <param name="workers">Threads including the caller's; 0: one a processor. At most <see cref="MostWorkers"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 0 or more than <see cref="MostWorkers"/>.</exception>
    public WorkerPool(int workers = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(workers);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(workers, MostWorkers);
        Workers = workers > 0 ? workers : Math.Min(Environment.ProcessorCount, MostWorkers);
        _threads = new Thread[Workers - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Loop(worker)) { IsBackground = true, Name = $"sslp kernel {worker}" };
            _threads[i].Start();
        }
    }

    /// <inheritdoc/>
    public int Workers { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside an item of this pool.</exception>
    public void Run(IParallelWork work, int items)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        if (_oneRun.IsHeldByCurrentThread)
            throw new InvalidOperationException("A WorkerPool cannot be run from inside one of its own items.");
        lock (_oneRun)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            Start(work, items);
            TakeItems(0);
            WaitForThreads();
            _work = null;
            if (Interlocked.Exchange(ref _failure, null) is { } failure)
                throw failure;
        }
    }

    public void Dispose()
    {
        lock (_oneRun)
        {
            if (_stopping)
                return;
            lock (_signal)
            {
                Volatile.Write(ref _stopping, true);
                _generation++;
                Monitor.PulseAll(_signal);
            }
            foreach (Thread thread in _threads)
                thread.Join();
        }
    }

    private void Start(IParallelWork work, int items)
    {
        _work = work;
        _items = items;
        _nextItem = 0;
        // One item: the caller does it alone, the others sleep on.
        if (items <= 1 || _threads.Length == 0)
            return;
        Volatile.Write(ref _busy, _threads.Length);
        lock (_signal)
        {
            _generation++;
            Monitor.PulseAll(_signal);
        }
    }

    private void Loop(int worker)
    {
        int seen = 0;
        while (true)
        {
            seen = WaitForGeneration(seen);
            if (Volatile.Read(ref _stopping))
                return;
            TakeItems(worker);
            if (Interlocked.Decrement(ref _busy) == 0)
            {
                lock (_signal)
                    Monitor.PulseAll(_signal);
            }
        }
    }

    private int WaitForGeneration(int seen)
    {
        var spin = new SpinWait();
        for (int i = 0; i < SpinsBeforeSleep && Volatile.Read(ref _generation) == seen; i++)
            spin.SpinOnce(sleep1Threshold: -1);
        lock (_signal)
        {
            while (_generation == seen)
                Monitor.Wait(_signal);
            return _generation;
        }
    }

    private void WaitForThreads()
    {
        var spin = new SpinWait();
        for (int i = 0; i < SpinsBeforeSleep && Volatile.Read(ref _busy) != 0; i++)
            spin.SpinOnce(sleep1Threshold: -1);
        if (Volatile.Read(ref _busy) == 0)
            return;
        lock (_signal)
        {
            while (Volatile.Read(ref _busy) != 0)
                Monitor.Wait(_signal);
        }
    }

    private void TakeItems(int worker)
    {
        IParallelWork work = _work!;
        try
        {
            for (int item; (item = Interlocked.Increment(ref _nextItem) - 1) < _items;)
                work.Execute(item, worker);
        }
        catch (Exception failure)
        {
            Interlocked.CompareExchange(ref _failure, failure, null);
            Volatile.Write(ref _nextItem, int.MaxValue / 2);
        }
    }
}
