using System.Diagnostics;

namespace SSLP.Bench.Jobs;

/// <summary>What the process takes of the machine now.</summary>
/// <param name="ResidentBytes">Memory in RAM, mapped files included.</param>
/// <param name="Handles">Open files and sockets (Linux), or all handles (Windows).</param>
/// <param name="HeapBytes">Managed heap after the last collection, with what was allocated since.</param>
internal readonly record struct ProcessFootprint(long ResidentBytes, int Handles, long HeapBytes)
{
    private const string OpenFiles = "/proc/self/fd";

    public static ProcessFootprint Now()
    {
        using var process = Process.GetCurrentProcess();
        // The listing of the folder is a handle itself.
        int handles = Directory.Exists(OpenFiles) ? Directory.EnumerateFileSystemEntries(OpenFiles).Count() - 1 : process.HandleCount;
        return new(process.WorkingSet64, handles, GC.GetTotalMemory(forceFullCollection: false));
    }

    /// <summary>The most that was ever resident.</summary>
    public static long PeakResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
