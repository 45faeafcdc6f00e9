using Xunit;

// Allocations are counted for the whole process: a test that runs beside another would count its neighbour's.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace SSLP.Kernels.Tests;

/// <summary>Counts managed bytes allocated on all threads.</summary>
internal static class AllocationMeter
{
    /// <summary>
    /// The least bytes that one call allocated over several: the test host's own threads allocate now and then, a call that allocates
    /// does so every time.
    /// </summary>
    public static long Bytes(Action call)
    {
        // Twice before counting: buffers grow on the first call, and tiered compilation allocates on its own.
        call();
        call();
        long least = long.MaxValue;
        for (int i = 0; i < 10; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            call();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least;
    }
}
