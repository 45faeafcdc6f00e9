using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Training;
using SSLP.Kernels;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Engine.Tests.Training;

public sealed class RunPlanTests
{
    private static readonly RunFolder Folder = new("/tmp/sslp-plan");

    [Fact]
    public void The_banks_two_copies_are_what_the_bank_allocates()
    {
        using var bank = new MemoryBank(10_001, 40);
        var plan = RunPlan.Of(new TrainingOptions { Width = 40 }, 10_001, 64);
        Assert.Equal(MemoryBank.BytesFor(10_001, 40), plan.Memory.Where(b => b.What.StartsWith("bank", StringComparison.Ordinal))
            .Sum(b => b.Bytes));
        // Besides tails for vectors and the line of scratch.
        Assert.InRange(bank.Bytes - MemoryBank.BytesFor(10_001, 40), 0, 3 * 4096 + 40 * 4);
    }

    [Fact]
    public void Classes_of_rows_are_planned_as_they_are_held()
    {
        const int rows = 10_001, clusters = 13;
        int[] labels = [.. Enumerable.Range(0, 3 * rows).Select(i => (int)((ulong)i * 2_654_435_761 >> 7) % clusters)];
        long before = GC.GetAllocatedBytesForCurrentThread();
        var agreement = new ClusterAgreement(labels, rows);
        long held = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(held - ClusterAgreement.BytesFor(rows, agreement.Classes), 0, 500);
        var plan = RunPlan.Of(new TrainingOptions { Clusters = clusters }, rows, 64);
        Assert.Equal(2 * ClusterAgreement.BytesFor(rows, clusters * clusters * clusters) + 8 * rows,
            plan.Memory.Single(b => b.What.StartsWith("rows by class", StringComparison.Ordinal)).Bytes);
    }

    [Fact]
    public void Several_processes_keep_their_mean_gradient()
    {
        var options = new TrainingOptions { Method = MethodKind.InstDisc };
        var one = RunPlan.Of(options, 10_000, 64);
        long parameters = one.Memory.Single(b => b.What.StartsWith("weights", StringComparison.Ordinal)).Bytes / 20;
        string[] alone = [.. one.Memory.Select(b => b.What)];
        PlannedBuffer more = RunPlan.Of(options, 10_000, 64, processes: 2).Memory.Single(b => !alone.Contains(b.What));
        Assert.Equal(4 * parameters, more.Bytes);
    }

    [Fact]
    public void A_hundred_million_patches_are_counted_in_64_bits()
    {
        var plan = RunPlan.Of(new TrainingOptions(), 100_000_000, 256);
        Assert.Equal(102_400_000_000, plan.Memory.Where(b => b.What.StartsWith("bank", StringComparison.Ordinal)).Sum(b => b.Bytes));
        Assert.All(plan.Memory.Concat(plan.Disk), b => Assert.True(b.Bytes > 0, b.What));
    }

    [Fact]
    public void What_cannot_fit_is_refused_with_the_number_to_change()
    {
        var plan = RunPlan.Of(new TrainingOptions(), 10_000_000, 256);
        plan.Require(Folder, 64L << 30, 64L << 30);
        Fault memory = Assert.Throws<Fault>(() => plan.Require(Folder, 8L << 30, 64L << 30));
        Assert.Equal(FaultKind.Space, memory.Kind);
        Assert.Contains("width=64", memory.Message, StringComparison.Ordinal);
        Fault disk = Assert.Throws<Fault>(() => plan.Require(Folder, 64L << 30, 1L << 30));
        Assert.Contains("keep_checkpoints=1", disk.Message, StringComparison.Ordinal);
        Assert.Contains(Folder.Root, disk.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 2)] // one at the end, and one being written
    [InlineData(7, 0, 10)]
    [InlineData(1, 0, 61)]
    [InlineData(0, 10, 61)] // by time: it may be one a step
    public void A_short_run_takes_the_disk_of_the_checkpoints_that_it_can_write(int every, double minutes, int checkpoints)
    {
        var options = new TrainingOptions
        {
            MaxSteps = 60,
            CheckpointEvery = every,
            CheckpointMinutes = minutes,
            KeepCheckpoints = 1000,
            Method = MethodKind.SimClr,
        };
        static long Kept(TrainingOptions of) => RunPlan.Of(of, 10_000, 64).Disk
            .Single(b => b.What.StartsWith("checkpoints", StringComparison.Ordinal)).Bytes;
        Assert.Equal(checkpoints * Kept(options with { KeepCheckpoints = 1 }) / 2, Kept(options));
        Assert.Equal(3 * Kept(options with { KeepCheckpoints = 1 }) / 2, Kept(new TrainingOptions { Method = MethodKind.SimClr }));
    }

    /// <summary>What a run has written is there for it to replace: a resumed run is not refused for its own checkpoints.</summary>
    [Fact]
    public void Checkpoints_of_the_run_itself_are_not_counted_as_taken()
    {
        string root = Directory.CreateTempSubdirectory("sslp-plan-").FullName;
        try
        {
            var folder = new RunFolder(root);
            Directory.CreateDirectory(folder.Checkpoints);
            using (FileStream file = File.Create(Path.Combine(folder.Checkpoints, "step-0000010.safetensors")))
                file.SetLength(1L << 42); // sparse: it takes no disk, and counts by its length
            Assert.True(RunPlan.FreeDisk(folder) > 1L << 42);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public void A_device_that_cannot_hold_the_candidates_is_refused_with_the_batch_to_take()
    {
        var plan = RunPlan.Of(new TrainingOptions { Kernels = KernelBackend.Cuda, BatchSize = 128 }, 100_000_000, 256);
        plan.RequireDevice(200L << 30);
        Fault fault = Assert.Throws<Fault>(() => plan.RequireDevice(80L << 30));
        Assert.Equal(FaultKind.Space, fault.Kind);
        Assert.Contains("batch_size=64", fault.Message, StringComparison.Ordinal);
        Assert.Contains("device memory", fault.Message, StringComparison.Ordinal);
        Assert.Empty(RunPlan.Of(new TrainingOptions(), 100_000_000, 256).Device);
        RunPlan.Of(new TrainingOptions(), 100_000_000, 256).RequireDevice(0);
    }

    /// <summary>The committed table is made of the plan; where it is not, the one that is lies beside the tests.</summary>
    [Fact]
    public void The_table_of_bench_results_is_the_plan_s()
    {
        string committed = Path.Combine(MemoryTable.Repository, "bench", "results", "memory", "README.md"), now = MemoryTable.Compose();
        string received = Path.Combine(AppContext.BaseDirectory, "memory.md");
        File.WriteAllText(received, now);
        string before = File.Exists(committed) ? File.ReadAllText(committed).ReplaceLineEndings("\n") : string.Empty;
        Assert.True(before == now, $"The table is of another plan: cp '{received}' '{committed}'");
    }

    [Fact]
    public void Every_part_of_an_epoch_is_timed()
    {
        using var source = new TestPatches(slides: 2, side: 4, patchSize: 16);
        using var kernels = new KernelSet(KernelBackend.Cpu, threads: 1);
        var times = PlanTimes.Measure(new TrainingOptions { InputSize = 32, Width = 16, BatchSize = 8 }, source, kernels,
            TorchSharp.torch.CPU);
        Assert.Equal(4, times.Parts.Count);
        Assert.All(times.Parts, p => Assert.True(p.Seconds > 0, p.What));
    }
}
