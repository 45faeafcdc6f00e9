using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Engine.Methods;
using SSLP.Engine.Model;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Kernels;

namespace SSLP.Engine.Training;

/// <summary>One buffer of a run.</summary>
/// <param name="What">What it holds, and by what formula.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Key">The option that makes it smaller, with what would halve it; empty where none does.</param>
/// <param name="IsEstimate">True where the size is not known exactly before the run.</param>
public sealed record PlannedBuffer(string What, long Bytes, string Key = "", bool IsEstimate = false);

/// <summary>
/// What a run takes before anything of it is allocated: memory by buffer, and disk. N rows, D width, B batch, R k-means runs, S side of
/// the network's input, P side of a patch.
/// </summary>
public sealed partial class RunPlan
{
    // Saved for the backward pass, an image of 224 px in float32: convolutions' inputs and outputs. Counted from the layers' shapes.
    private const double ActivationBytes18 = 28e6, ActivationBytes50 = 120e6;
    private const long Parameters18 = 11_200_000, Parameters50 = 23_500_000, Features18 = 512, Features50 = 2048;

    /// <summary>Patches whose features the report at the end shows, at the least; less than twice as many.</summary>
    internal const int ReportPatches = 8192;

    private RunPlan(IReadOnlyList<PlannedBuffer> memory, IReadOnlyList<PlannedBuffer> disk) => (Memory, Disk) = (memory, disk);

    /// <summary>Host memory; of a network on a CUDA device, its part lies there.</summary>
    public IReadOnlyList<PlannedBuffer> Memory { get; }

    /// <summary>Files of the run, at their most.</summary>
    public IReadOnlyList<PlannedBuffer> Disk { get; }

    /// <param name="options">Every option.</param>
    /// <param name="rows">N.</param>
    /// <param name="patchSize">P.</param>
    /// <param name="processes">How many train together: the plan is of each of them, the disk's of the first.</param>
    public static RunPlan Of(TrainingOptions options, int rows, int patchSize, int processes = 1)
    {
        var sizes = new RunSizes(options, rows);
        long n = rows, d = options.Width, b = sizes.BatchSize, r = options.ClusterRuns, side = options.InputSize;
        bool hasBank = options.Method is MethodKind.Sslp or MethodKind.InstDisc;
        long views = options.Method is MethodKind.MoCoV2 or MethodKind.SimClr ? 2 : 1;
        long parameters = (options.Arch == Architecture.ResNet18 ? Parameters18 : Parameters50) * (
            options.Method == MethodKind.MoCoV2 ? 2 : 1);
        double activations = (options.Arch == Architecture.ResNet18 ? ActivationBytes18 : ActivationBytes50) * b * views * side * side / (
            224.0 * 224.0);
        if (options.Precision == Precision.BFloat16)
            activations /= 2;
        string fewer = "fewer patches (--split, fewer slides)";
        List<PlannedBuffer> memory = [];
        if (hasBank)
        {
            ThreeTermOptions terms = MethodFactory.PlanOf(options, rows).Terms;
            bool isInParts = options.Bank == BankPlacement.Sharded && processes > 1;
            long own = isInParts ? (n + processes - 1) / processes : n;
            string less = $"width={d / 2}, or {fewer}{(processes > 1 && !isInParts ? ", or bank=sharded" : string.Empty)}";
            string name = isInParts ? "P" : "N", part = isInParts ? $", P = N / {processes}, this process's part" : string.Empty;
            memory.Add(new($"bank, rows to gather from: 4·{name}·⌈D⌉₁₆{part}", 4 * own * ((d + 15) / 16 * 16), less));
            memory.Add(new($"bank, panels to stream: 4·⌈{name}⌉₃₂·D; the second copy keeps gathers to whole cache lines",
                4 * ((own + 31) / 32 * 32) * d, less));
            memory.Add(new("labels: 4·R·N, and those of the clustering before", 8 * r * n,
                $"cluster_runs={Math.Max(1, r - 1)}, or {fewer}"));
            long classes = (long)Math.Min(n, Math.Pow(sizes.Objective.Clusters, r));
            memory.Add(new("rows by class: 8·N + 4·min(N, Cᴿ), twice while it clusters, and 8·N to sort",
                2 * ClusterAgreement.BytesFor(n, classes) + 8 * n, fewer));
            memory.Add(new(isInParts ? "k-means: 4·N + 8·P" : "k-means: 12·N", 4 * n + 8 * own, fewer));
            memory.Add(new("spatial index: 8·N, coordinates apart", 8 * n, fewer));
            if (options.Kernels != KernelBackend.Cuda)
            {
                int threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
                memory.Add(new($"candidates of the search, and 4·{name} a thread for queries that a sample misleads",
                    ThreeTermStepCpu.CandidateBudgetBytes + 4 * own * threads, $"threads={Math.Max(1, threads / 2)}", true));
                memory.Add(new("places of the drawn ranks: 4·Z, Z of N that may be drawn",
                    4L * NegativeRanks.Candidates(options.NegativeSampling, rows, options.PoolShare), fewer));
            }
            if (options.CheckpointBank != CheckpointBank.Whole)
                memory.Add(new("numbers of the rows that a checkpoint changes: 2·N", 2 * n, "checkpoint_bank=whole"));
            memory.Add(new("sets of a step: B·(8·M + 8·(1 + A)·K)",
                b * (8L * terms.Negatives + 8L * (1 + terms.AuxiliaryAnchors) * terms.NearestKeys), $"batch_size={b / 2}", true));
        }
        else if (options.Method == MethodKind.MoCoV2)
            memory.Add(new("queue, rows and panels", MemoryBank.BytesFor(sizes.Queue, options.Width), $"queue={sizes.Queue / 2}"));
        if (hasBank)
            memory.Add(new("report at the end: 4·N to draw anchors by; its bank, labels, classes and index take the place of the run's",
                4 * n, fewer));
        memory.Add(new("columns of the patches: 12·N, mapped where they come from a manifest", 12 * n, fewer));
        memory.Add(new("order of an epoch, and the next one's: 8·N", 8 * n, fewer));
        memory.Add(new("batches being read: prefetch·B·3·P²", BatchRing.BytesFor(patchSize, (int)b, sizes.Prefetch),
            $"prefetch=2, or batch_size={b / 2}"));
        memory.Add(new("views: 12·B·S² each", 12 * b * side * side * views, $"batch_size={b / 2}"));
        memory.Add(new("weights, gradients, momentum, a checkpoint's copy of weights and momentum: 20 a parameter", 20 * parameters));
        memory.Add(new($"report at the end: features of {2 * ReportPatches:N0} patches at most, and a bank of them to search: 12·F each",
            12L * 2 * ReportPatches * (options.Arch == Architecture.ResNet18 ? Features18 : Features50), string.Empty, true));
        if (processes > 1)
            memory.Add(new("gradients to average over the processes: 4 a parameter", 4 * parameters));
        memory.Add(new("activations for the backward pass", (long)activations, $"batch_size={b / 2}", true));
        long weights = 8 * parameters, bank = hasBank ? 4 * n * d + 4 * r * n : 0;
        var schedule = new Schedule(options, Math.Max(1, rows / sizes.BatchSize / processes));
        int kept = Math.Min(options.KeepCheckpoints, schedule.MostCheckpoints);
        List<PlannedBuffer> disk =
        [
            new($"checkpoints kept, {kept} and one being written: weights, " +
            $"momentum{(hasBank ? ", 4·N·D and 4·R·N of the bank" : string.Empty)}", (kept + 1L) * (weights + bank),
                kept > 1 ? "keep_checkpoints=1" : string.Empty),
            new("encoder", 4 * parameters),
        ];
        if (hasBank)
            disk.Add(new("slide and place of the bank's rows: 12·N", 12 * n));
        if (options.CheckpointBank != CheckpointBank.Whole && hasBank)
            disk.Add(new("the whole checkpoint below the changes", weights + bank, "checkpoint_bank=whole"));
        return new(memory, disk) { Device = DeviceOf(options, sizes, rows) };
    }

    /// <summary>Refuses what cannot fit. Estimates are left out: what is refused is known to be too much.</summary>
    /// <param name="folder">Where the run is to be written.</param>
    /// <param name="availableMemory">Bytes that the process may use.</param>
    /// <param name="freeDisk">Bytes that the run may take where it is to be written, those of its own checkpoints among them; null where
    /// the system does not say.</param>
    /// <exception cref="Fault">It names the number to change.</exception>
    public void Require(RunFolder folder, long availableMemory, long? freeDisk)
    {
        Refuse(Memory, availableMemory, "memory", "of this machine or container");
        if (freeDisk is { } free)
            Refuse(Disk, free, "disk", $"free at '{folder.Root}'");
    }

    /// <summary>Memory that the process may use, the container's limit where there is one.</summary>
    public static long AvailableMemory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Bytes free on the disk of a run's folder, which may not be there yet, and those of the checkpoints that it holds: a run
    /// that goes on replaces them. Null where the system does not say.</summary>
    public static long? FreeDisk(RunFolder folder)
    {
        try
        {
            string? at = Path.GetFullPath(folder.Root);
            while (at is not null && !Directory.Exists(at))
                at = Path.GetDirectoryName(at);
            if (at is null)
                return null;
            var checkpoints = new DirectoryInfo(folder.Checkpoints);
            return new DriveInfo(at).AvailableFreeSpace + (checkpoints.Exists ? checkpoints.EnumerateFiles().Sum(file => file.Length) : 0);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The plan as lines of text.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"{"memory",12}";
        foreach (PlannedBuffer buffer in Memory)
            yield return Line(buffer);
        yield return $"{Text(Memory.Sum(m => m.Bytes)),12}  in all, of {Text(AvailableMemory)}, besides the runtime and libtorch (about " +
            $"0.5 GB)";
        if (Device.Count > 0)
        {
            yield return $"{"device",12}";
            foreach (PlannedBuffer buffer in Device)
                yield return Line(buffer);
            yield return $"{Text(Device.Sum(m => m.Bytes)),12}  in all for the kernels, the network apart";
        }
        yield return $"{"disk",12}";
        foreach (PlannedBuffer buffer in Disk)
            yield return Line(buffer);
        yield return $"{Text(Disk.Sum(m => m.Bytes)),12}  in all";
    }

    /// <summary>Bytes as a person reads them.</summary>
    public static string Text(long bytes) => bytes switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F2} GB"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F1} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:F1} kB"),
    };

    private static string Line(PlannedBuffer buffer) =>
        $"{Text(buffer.Bytes),12}  {buffer.What}{(buffer.IsEstimate ? " (estimate)" : string.Empty)}";

    private static void Refuse(IReadOnlyList<PlannedBuffer> buffers, long available, string what, string where)
    {
        PlannedBuffer[] known = [.. buffers.Where(b => !b.IsEstimate)];
        long needed = known.Sum(b => b.Bytes);
        if (needed <= available)
            return;
        PlannedBuffer? largest = known.Where(b => b.Key.Length > 0).MaxBy(b => b.Bytes);
        string remedy = largest is null ? string.Empty
            : $" The largest part is {Text(largest.Bytes)}, {largest.What.Split(':')[0]}: set {largest.Key}.";
        throw new Fault(FaultKind.Space,
            $"The run takes at least {Text(needed)} of {what}, and {Text(available)} are there {where}.{remedy} --plan lists every part.");
    }
}
