using System.Diagnostics;
using System.Runtime.InteropServices;
using SSLP.Bench.Machine;
using SSLP.Data.Files;
using SSLP.Engine.Model;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Bench.Jobs;

/// <summary>What the benches over a bank share: random unit rows, the same in tensors, the machine's measured limits.</summary>
internal sealed class BankBench : IDisposable
{
    private long _residentBefore;

    /// <exception cref="Fault">Too few rounds; a device or a type that the kernels do not have here.</exception>
    public BankBench(BenchOptions options)
    {
        bool onDevice = options.Device == DeviceKind.Cuda;
        if (!onDevice && options.Dtype != Precision.Float32)
            throw new Fault(FaultKind.Usage, "The CPU's kernels score in float32: --dtype bfloat16 takes --device cuda (sm_80 and later).");
        if (options.Rounds < 7)
            throw new Fault(FaultKind.Input, $"A bench takes the median of at least 7 rounds, not {options.Rounds}.");
        Options = options;
        Pool = new WorkerPool(options.Threads);
        Bank = MemoryBank.CreateRandom(options.Rows, options.Width, seed: 1, Pool);
        Queries = MemoryBank.CreateRandom(options.Queries, options.Width, seed: 2, Pool);
        set_num_threads(Pool.Workers);
        try
        {
            Kernels = new KernelSet(
                new KernelOptions
                {
                    Backend = onDevice ? KernelBackend.Cuda : KernelBackend.Cpu,
                    Scores = options.Dtype == Precision.BFloat16 ? DeviceScores.BFloat16 : DeviceScores.Float32,
                },
                Pool, options.Driver);
        }
        catch (Exception refused) when (refused is InvalidOperationException or ArgumentException)
        {
            Dispose();
            throw new Fault(FaultKind.Device, refused.Message, refused);
        }
        Device = onDevice && Kernels.Context is { IsOnHost: false } ? Devices.Select(DeviceKind.Cuda) : CPU;
        (PeakFlops, ReadBandwidth) = onDevice
            ? (DeviceProbe.PeakFlops(Device, Dtype), DeviceProbe.ReadBandwidth(Device))
            : (MachineProbe.PeakFlops(Pool, InstructionSets.Best), MachineProbe.ReadBandwidth(Pool));
    }

    /// <summary>Ours, on the device that was asked for.</summary>
    public KernelSet Kernels { get; } = null!;

    /// <summary>Where libtorch's ways compute.</summary>
    public Device Device { get; } = CPU;

    /// <summary>What libtorch's ways score in.</summary>
    public ScalarType Dtype => Options.Dtype == Precision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Waits for what libtorch enqueued: a way ends when its answer is there.</summary>
    public void Await()
    {
        if (Device.type == TorchSharp.DeviceType.CUDA)
            cuda.synchronize(Device);
    }

    /// <summary>A bank's rows as a tensor of its own, of the bench's type and on its device.</summary>
    public Tensor Rows(MemoryBank bank)
    {
        using Tensor host = ToTensor(bank);
        return host.to(Dtype, Device, copy: true);
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
            [
                $"measured peak {PeakFlops / 1e9:F0} GFLOP/s, {ReadBandwidth / 1e9:F1} GB/s read; {Options.Rounds} rounds, ways in turn",
                .. Kernels.Context is { } device
                    ? [$"on {device.Device.Name}; ours takes queries from the host and gives the answer there; peak_bytes is the host's"]
                    : Array.Empty<string>(),
                .. notes,
            ],
            Device: Options.DeviceName, Dtype: Options.DtypeName);

    public void Dispose()
    {
        Kernels?.Dispose();
        Bank.Dispose();
        Queries.Dispose();
        Pool.Dispose();
    }
}
