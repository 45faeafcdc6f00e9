using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using SSLP.Kernels;

namespace SSLP.Native;

/// <summary>The host's own threads as the kernels' workers. What the host leaves undone is a fault, never a wrong result.</summary>
internal sealed unsafe class HostWorkers(
    delegate* unmanaged[Cdecl]<void*, int, delegate* unmanaged[Cdecl]<void*, int, int, void>, void*, int> parallelFor, void* user,
    int workers)
    : IWorkers
{
    private readonly Lock _oneRun = new();

    public int Workers => workers;

    public void Run(IParallelWork work, int items)
    {
        if (items == 0)
            return;
        lock (_oneRun)
        {
            var run = new ItemsOfOneRun(work, items, workers);
            var state = GCHandle.Alloc(run);
            int status;
            try
            {
                status = parallelFor(user, items, &Item, (void*)GCHandle.ToIntPtr(state));
            }
            finally
            {
                state.Free();
            }
            if (run.Failure is { } failure)
                ExceptionDispatchInfo.Throw(failure);
            if (status != 0 || run.Done != items)
            {
                throw new MisuseException(Status.Callback,
                    $"The host's parallel_for returned {status} with {run.Done} of {items} items done; it must do each, then return 0.");
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Item(void* state, int item, int worker) =>
        ((ItemsOfOneRun)GCHandle.FromIntPtr((nint)state).Target!).Execute(item, worker);

    private sealed class ItemsOfOneRun(IParallelWork work, int items, int workers)
    {
        private readonly int[] _given = new int[items];
        private readonly int[] _busy = new int[workers];
        private Exception? _failure;
        private int _done;

        public Exception? Failure => _failure;

        public int Done => _done;

        /// <summary>Nothing is thrown to the host: the first failure is kept, and items after it are passed over.</summary>
        public void Execute(int item, int worker)
        {
            if (Volatile.Read(ref _failure) is not null)
                return;
            bool taken = false;
            try
            {
                if ((uint)item >= (uint)items || (uint)worker >= (uint)workers)
                    throw Wrong($"item {item} of {items} to worker {worker} of {workers}");
                if (Interlocked.Exchange(ref _given[item], 1) != 0)
                    throw Wrong($"item {item} twice");
                taken = Interlocked.Exchange(ref _busy[worker], 1) == 0;
                if (!taken)
                    throw Wrong($"worker {worker} two items at a time");
                work.Execute(item, worker);
                Interlocked.Increment(ref _done);
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref _failure, failure, null);
            }
            finally
            {
                if (taken)
                    Volatile.Write(ref _busy[worker], 0);
            }
        }

        private static MisuseException Wrong(string what) => new(Status.Callback, $"The host's parallel_for gave {what}.");
    }
}
