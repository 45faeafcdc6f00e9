using System.Runtime.InteropServices;

namespace SSLP.Kernels;

/// <summary>
/// Keeps a pool's threads from sharing a processor while another idles. Linux often wakes a sleeper on the processor of the thread that wakes
/// it and moves it only some milliseconds later, and a run is no longer than that. So where a pool has as many threads as there are processors
/// each has one of its own, and when the calling thread turns up on a worker's, that worker goes to the one which the caller left.
/// </summary>
/// <remarks>With fewer threads than processors, and on other systems, the placing is left to the system.</remarks>
internal sealed unsafe partial class WorkerPlacement
{
    private const string ThisThread = "/proc/thread-self";

    private readonly int[] _threadIds, _homes;
    private int _callersHome;

    private WorkerPlacement(List<int> processors)
    {
        _callersHome = processors[0];
        _homes = [.. processors.Skip(1)];
        _threadIds = new int[_homes.Length];
    }

    /// <summary>A placement of a caller and <paramref name="threads"/> threads; null where the system is to see to it.</summary>
    public static WorkerPlacement? For(int threads) =>
        threads > 0 && OperatingSystem.IsLinux() && Directory.Exists(ThisThread) && AllowedProcessors() is { } processors &&
        processors.Count == threads + 1
            ? new WorkerPlacement(processors)
            : null;

    /// <summary>Called by the pool's thread 0, 1, … when it starts.</summary>
    public void Settle(int thread)
    {
        lock (_homes)
        {
            _threadIds[thread] = CurrentThreadId();
            Move(_threadIds[thread], _homes[thread]);
        }
    }

    /// <summary>Called before threads are woken: the one at home where the caller is now moves to where the caller was.</summary>
    public void MakeRoom()
    {
        int here = sched_getcpu();
        lock (_homes)
        {
            int thread = Array.IndexOf(_homes, here);
            if (thread < 0)
                return;
            (_homes[thread], _callersHome) = (_callersHome, here);
            // One that has not started yet will find its way by itself.
            if (_threadIds[thread] > 0)
                Move(_threadIds[thread], _homes[thread]);
        }
    }

    /// <summary>Processors that the calling thread may run on, ascending; null where the system does not say.</summary>
    internal static List<int>? AllowedProcessors()
    {
        ProcessorSet set = default;
        if (sched_getaffinity(0, sizeof(ProcessorSet), &set) < 0)
            return null;
        return [.. Enumerable.Range(0, ProcessorSet.Count).Where(set.Has)];
    }

    /// <summary>The system's number of the calling thread. (glibc has had gettid only since 2.30, and .NET runs on older ones.)</summary>
    internal static int CurrentThreadId() => int.Parse(Path.GetFileName(new FileInfo(ThisThread).LinkTarget!));

    /// <summary>A request that is refused changes where a thread runs, not what it computes.</summary>
    internal static void Move(int threadId, int processor)
    {
        ProcessorSet set = default;
        set.Add(processor);
        _ = sched_setaffinity(threadId, sizeof(ProcessorSet), &set);
    }

    [LibraryImport("libc")]
    private static partial int sched_getcpu();

    [LibraryImport("libc")]
    private static partial int sched_getaffinity(int threadId, nint bytes, ProcessorSet* set);

    [LibraryImport("libc")]
    private static partial int sched_setaffinity(int threadId, nint bytes, ProcessorSet* set);

    /// <summary>cpu_set_t of sched.h.</summary>
    private struct ProcessorSet
    {
        public const int Count = 1024;

        private fixed ulong _bits[Count / 64];

        public readonly bool Has(int processor) => (_bits[processor / 64] >> processor % 64 & 1) != 0;

        public void Add(int processor) => _bits[processor / 64] |= 1ul << processor % 64;
    }
}
