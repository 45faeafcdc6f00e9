using System.Diagnostics;
using System.Runtime.InteropServices;
using SSLP.Bench.Machine;
using SSLP.Data.Files;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>What the benches over a bank share: random unit rows, the same in tensors, the machine's measured limits.</summary>
internal sealed class BankBench : IDisposable
{
    private long _residentBefore;

    public BankBench(BenchOptions options)
    {
        if (options.Rounds < 7)
            throw new Fault(FaultKind.Input, $"A bench takes the median of at least 7 rounds, not {options.Rounds}.");
        Options = options;
        Pool = new WorkerPool(options.Threads);
        Bank = MemoryBank.CreateRandom(options.Rows, options.Width, seed: 1, Pool);
        Queries = MemoryBank.CreateRandom(options.Queries, options.Width, seed: 2, Pool);
        PeakFlops = MachineProbe.PeakFlops(Pool, InstructionSets.Best);
        ReadBandwidth = MachineProbe.ReadBandwidth(Pool);
        set_num_threads(Pool.Workers);
    }

    public BenchOptions Options { get; }

    public WorkerPool Pool { get; }

    public MemoryBank Bank { get; }

    /// <summary>Queries as the rows of a small bank.</summary>
    public MemoryBank Queries { get; }

    public double PeakFlops { get; }

    public double ReadBandwidth { get; }

    /// <summary>max(operations / peak, bytes / bandwidth), in milliseconds.</summary>
    public double FloorMs(double flops, double bytes) => 1e3 * Math.Max(flops / PeakFlops, bytes / ReadBandwidth);

    /// <summary>A bank's rows as a tensor of its own.</summary>
    public static Tensor ToTensor(MemoryBank bank)
    {
        Tensor rows = empty(bank.RowCount, bank.Width);
        bank.SaveRows(0, MemoryMarshal.Cast<byte, float>(rows.bytes));
        return rows;
    }

    /// <summary>Starts counting memory; the bank is already there.</summary>
    public void StartMemory()
    {
        DropPeak();
        _residentBefore = Process.GetCurrentProcess().WorkingSet64;
    }

    /// <summary>Forgets what was needed for a while only: from here on <see cref="PeakGrowth"/> counts what is held, and what the job
    /// adds.</summary>
    public static void DropPeak()
    {
        // What was dropped before is not to be moved about, or counted, while the job runs.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        // Linux sets the peak back to the present when told so; elsewhere the peak of the process so far stays in the figure.
        if (OperatingSystem.IsLinux())
            File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>Most that the process grew by since <see cref="StartMemory"/>.</summary>
    public long PeakGrowth() => Math.Max(0, Process.GetCurrentProcess().PeakWorkingSet64 - _residentBefore);

    /// <summary>The report of a job whose ways were timed.</summary>
    public BenchReport Report(
        string job, BenchRounds rounds, double[] medians, double floorMs, long peakBytes, IEnumerable<KeyValuePair<string, long>> shape,
        IEnumerable<string> notes) =>
        new(
            job, ThisProcess.Machine(Pool.Workers), ThisProcess.Commit(), new Dictionary<string, long>(shape), medians[0], floorMs,
            floorMs / medians[0], peakBytes, rounds.Baselines(medians),
            [$"measured peak {PeakFlops / 1e9:F0} GFLOP/s, {ReadBandwidth / 1e9:F1} GB/s read; {Options.Rounds} rounds, ways in turn",
                .. notes]);

    public void Dispose()
    {
        Bank.Dispose();
        Queries.Dispose();
        Pool.Dispose();
    }
}
