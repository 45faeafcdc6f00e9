namespace SSLP.Kernels;

/// <summary>Work that <see cref="IWorkers"/> do in items. Items of one run may execute in any order and at the same time.</summary>
public interface IParallelWork
{
    /// <summary>Does one item. <paramref name="worker"/> (0 … Workers−1) names per-thread scratch: no two items share it at a
    /// time.</summary>
    void Execute(int item, int worker);
}

/// <summary>
/// Threads that the kernels run on: <see cref="WorkerPool"/>, or a host's own. The kernels' results do not depend on how many there are nor
/// on who does which item.
/// </summary>
public interface IWorkers
{
    /// <summary>How many items may be in progress at a time, ≥ 1; constant. Kernels keep scratch for each.</summary>
    int Workers { get; }

    /// <summary>
    /// Executes items 0 … items−1, each once, and returns when all are done; what they wrote is then seen by the caller. An item's
    /// exception is thrown here, after the last item in progress has ended; items not begun may be left out then. One run at a time: a
    /// second caller waits.
    /// </summary>
    /// <param name="work">Called with worker numbers below <see cref="Workers"/>, none of which two items have at a time.</param>
    /// <param name="items">≥ 0; 0 does nothing.</param>
    void Run(IParallelWork work, int items);
}
