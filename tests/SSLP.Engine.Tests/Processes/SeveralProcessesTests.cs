using System.Diagnostics;
using System.Runtime.InteropServices;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Training;
using SSLP.Engine.Weights;
using SSLP.Interop.Cuda;
using SSLP.Kernels;
using SSLP.Tests.Native;
using SSLP.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace SSLP.Engine.Tests.Processes;

/// <summary>Two and four processes, each with its part of the batch, beside one with all of it. Batch statistics are fixed: they are each
/// part's own.</summary>
public sealed class SeveralProcessesTests(SeveralProcessesTests.Alone one) : IClassFixture<SeveralProcessesTests.Alone>, IDisposable
{
    private const string WorkerFolder = "SSLP_TEST_WORKER_FOLDER", WorkerBank = "SSLP_TEST_WORKER_BANK",
        WorkerFrom = "SSLP_TEST_WORKER_FROM", WorkerNccl = "SSLP_TEST_WORKER_NCCL", NcclFault = "FAKENCCL_FAULT";
    private const int Batch = 16, Half = 6; // of twelve steps

    private readonly string _root = Directory.CreateTempSubdirectory("sslp-processes-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>The run of one process, that all others are beside.</summary>
    public sealed class Alone : IDisposable
    {
        private readonly Lazy<string> _folder = new(() =>
        {
            string folder = Directory.CreateTempSubdirectory("sslp-alone-").FullName;
            Train(folder, null);
            return folder;
        });

        public string Folder => _folder.Value;

        public void Dispose()
        {
            if (_folder.IsValueCreated)
                Directory.Delete(Folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(2, "mpirun.openmpi")]
    [InlineData(4, "mpirun.openmpi")]
    [InlineData(2, "mpirun.mpich")]
    [InlineData(1, "")] // MPICH's library with nothing that starts it
    [InlineData(2, "mpirun.openmpi", BankPlacement.Sharded)]
    [InlineData(4, "mpirun.openmpi", BankPlacement.Sharded)]
    [InlineData(2, "mpirun.mpich", BankPlacement.Sharded)]
    public void They_have_the_losses_the_sets_the_clusters_and_the_bank_of_one(
        int processes, string launcher, BankPlacement bank = BankPlacement.Replicated)
    {
        string several = Path.Combine(_root, "several");
        (int code, string said) = Launch(launcher, processes, several, bank);
        Assert.SkipWhen(code == 127,
            $"{(launcher.Length > 0 ? launcher : "libmpich.so.12")} is not installed: apt install " +
            $"{(launcher.EndsWith("openmpi", StringComparison.Ordinal) ? "openmpi-bin" : "mpich")}.");
        Assert.True(code == 0, said);
        IReadOnlyList<StepMetrics> alone = MetricsLog.Read(new RunFolder(one.Folder).Metrics),
            many = MetricsLog.Read(new RunFolder(several).Metrics);
        Assert.Equal(alone.Count, many.Count);
        foreach ((StepMetrics a, StepMetrics b) in alone.Zip(many))
        {
            foreach ((double left, double right) in ((double, double)[])[
                (a.Loss, b.Loss), (a.Self, b.Self), (a.Intra, b.Intra), (a.Inter, b.Inter), (a.SpatialSize, b.SpatialSize),
                (a.FeatureSize, b.FeatureSize),
                (a.NegativeSize, b.NegativeSize),
                (a.GradientNorm / Math.Max(1, a.GradientNorm), b.GradientNorm / Math.Max(1, a.GradientNorm))])
                Assert.InRange(right, left - 1e-5, left + 1e-5);
            Assert.InRange(b.SlowestProcess!.Value, 0, processes - 1);
            Assert.Null(a.SlowestProcess);
        }
        Assert.Contains(alone, step => step.FeatureSize > 0);
        using SafetensorsFile first = Newest(one.Folder), second = Newest(several);
        Assert.Equal(Ints(first, FusedObjective.ClustersName), Ints(second, FusedObjective.ClustersName));
        using DisposeScope scope = NewDisposeScope();
        Assert.InRange((first.ReadTensor(FusedObjective.VectorsName) - second.ReadTensor(FusedObjective.VectorsName)).abs().max()
            .item<float>(), 0, 1e-5f);
        // 8 bytes a gradient, features and ids of all, and a few words by which the processes agree.
        long parameters = first.Entries.Values
            .Where(e => e.Dtype == SafetensorsDtype.F32 && !e.Name.StartsWith("bank.", StringComparison.Ordinal)
                && !e.Name.Contains("running_"))
            .Sum(e => e.Bytes / sizeof(float));
        long stated = (8 * parameters) + (Batch * (16 + 1) * 4 * (processes + 1) / processes);
        Assert.True(parameters > 11_000_000);
        if (bank == BankPlacement.Replicated)
        {
            Assert.InRange(many[0].CommunicatedBytes!.Value, stated, stated + 500);
            return;
        }
        // Besides: similarities of S, histograms, what the open bins hold, the gradient's sums. Of 50 rows the bins are the
        // least there are.
        long histograms = 2L * 4 * 2 * Batch * 256;
        Assert.InRange(many[^1].CommunicatedBytes!.Value, stated, stated + histograms + 200_000);

        if (processes != 2 || launcher != "mpirun.openmpi")
            return;
        // The checkpoint of half the run goes on in one process, and in another number of them.
        string half = Path.Combine(several, "checkpoints", $"step-{Half:D9}.safetensors");
        string here = Path.Combine(_root, "here"), there = Path.Combine(_root, "there");
        Train(here, null, from: half);
        (code, said) = Launch(launcher, 4, there, bank, half);
        Assert.True(code == 0, said);
        foreach (string folder in (string[])[here, there])
        {
            IReadOnlyList<StepMetrics> wentOn = MetricsLog.Read(new RunFolder(folder).Metrics);
            Assert.Equal(many.Count - Half, wentOn.Count);
            foreach ((StepMetrics a, StepMetrics b) in many.Skip(Half).Zip(wentOn))
            {
                Assert.InRange(b.Loss, a.Loss - 1e-5, a.Loss + 1e-5);
                Assert.Equal((a.Step, a.FeatureSize, a.NegativeSize), (b.Step, b.FeatureSize, b.NegativeSize));
            }
        }
    }

    /// <summary>The stand-ins for driver and NCCL take the host's memory for the devices', so that torch on the CPU stands for torch on a
    /// card; what a card does besides, streams and copies, is not seen here.</summary>
    [Fact]
    public void Gradients_that_NCCL_sums_have_the_bits_of_those_that_MPI_sums()
    {
        string mpi = Path.Combine(_root, "mpi"), nccl = Path.Combine(_root, "nccl"), library = StandIn();
        (int code, string said) = Launch("mpirun.openmpi", 2, mpi, BankPlacement.Replicated);
        Assert.SkipWhen(code == 127, "mpirun.openmpi is not installed: apt install openmpi-bin.");
        Assert.True(code == 0, said);
        (code, said) = Launch("mpirun.openmpi", 2, nccl, BankPlacement.Replicated, nccl: library);
        Assert.True(code == 0, said);
        IReadOnlyList<StepMetrics> hosts = MetricsLog.Read(new RunFolder(mpi).Metrics),
            devices = MetricsLog.Read(new RunFolder(nccl).Metrics);
        Assert.Equal(12, devices.Count);
        Assert.Equal(
            hosts.Select(step => (step.Step, step.Loss, step.GradientNorm, step.CommunicatedBytes)),
            devices.Select(step => (step.Step, step.Loss, step.GradientNorm, step.CommunicatedBytes)));
        using SafetensorsFile first = Newest(mpi), second = Newest(nccl);
        foreach (SafetensorsEntry entry in first.Entries.Values)
        {
            byte[] left = new byte[entry.Bytes], right = new byte[second.Entries[entry.Name].Bytes];
            first.ReadBytes(entry.Name, left);
            second.ReadBytes(entry.Name, right);
            Assert.True(left.AsSpan().SequenceEqual(right), entry.Name);
        }
    }

    [Theory]
    [InlineData("begin", "NCCL 2.99.1: ncclCommInitRank failed, unhandled system error: give each process a CUDA device of its own")]
    [InlineData("later", "NCCL 2.99.1: ncclReduce or ncclBroadcast failed, remote process exited or there was a network error")]
    public void What_NCCL_cannot_do_ends_the_job_with_its_words(string fault, string sentence)
    {
        (int code, string said) = Launch(
            "mpirun.openmpi", 2, Path.Combine(_root, fault), BankPlacement.Replicated, nccl: StandIn(), fault: fault);
        Assert.SkipWhen(code == 127, "mpirun.openmpi is not installed: apt install openmpi-bin.");
        Assert.NotEqual(0, code);
        Assert.Contains(sentence, said, StringComparison.Ordinal);
    }

    /// <summary>The stand-in for NCCL, built; skips where it cannot be.</summary>
    private string StandIn()
    {
        string library = Path.Combine(_root, "libfakenccl.so");
        if (FakeCuda.Compile(Path.Combine(AppContext.BaseDirectory, "fakenccl.c"), library) is { } absence)
            Assert.Skip(absence);
        return library;
    }

    /// <summary>What mpirun starts; skipped elsewhere.</summary>
    [Fact]
    public void Worker_of_several_processes()
    {
        string? folder = Environment.GetEnvironmentVariable(WorkerFolder), nccl = Environment.GetEnvironmentVariable(WorkerNccl);
        Assert.SkipWhen(folder is null, "A part of the test beside it, which mpirun starts.");
        using var group = ProcessGroup.Join(null, openMpi: Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_SIZE") is not null);
        FakeCuda? driver = null;
        try
        {
            Assert.Equal(group.Rank, group.Place); // of one machine
            if (!string.IsNullOrEmpty(nccl))
            {
                driver = new FakeCuda();
                group.NcclPath = NcclLibrary.None;
                Assert.StartsWith("Gradients go from the devices through the host: SSLP_NCCL=none.", group.UseDevice(CudaContext.Retain()));
                Assert.Null(group.UseDevice(null)); // nobody has a device
                group.NcclPath = nccl;
                Assert.EndsWith("two processes share a CUDA device, which NCCL does not take.", group.UseDevice(CudaContext.Retain()));
                driver.Bus = group.Rank;
                Assert.Contains("network is on the CPU", group.UseDevice(group.IsFirst ? CudaContext.Retain() : null));
                Assert.Null(group.UseDevice(CudaContext.Retain()));
                Assert.EndsWith(", gradients by NCCL 2.99.1", group.Library);
            }
            Train(folder!, group, Enum.Parse<BankPlacement>(Environment.GetEnvironmentVariable(WorkerBank)!),
                Environment.GetEnvironmentVariable(WorkerFrom));
            TellWithoutGarbage(group);
            AverageWithoutTensors(group);
            if (driver is not null)
            {
                nint library = NativeLibrary.Load(nccl!);
                Assert.Equal((1, 14), (Count(library, "fakenccl_begun"), Count(library, "fakenccl_reduced"))); // twelve steps and two means
                group.Dispose();
                Assert.Equal((1, 0), (Count(library, "fakenccl_ended"), driver.Retained));
            }
        }
        catch (Exception thrown)
        {
            // The others wait for it for ever.
            Console.Error.WriteLine(thrown);
            group.Abort(1);
        }
        finally
        {
            driver?.Dispose();
        }

        static unsafe int Count(nint library, string function) =>
            ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, function))();
    }

    /// <summary>What a step on a bank in parts says to the others some ten times allocates nothing.</summary>
    private static void TellWithoutGarbage(IShards shards)
    {
        float[] sums = new float[1000];
        int[] counts = new int[1000], all = new int[10 * shards.Size];
        ulong[] keys = [], own = new ulong[100 + 10 * shards.Rank];
        Tell();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
            Tell();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Tell()
        {
            Array.Fill(sums, 1);
            Array.Fill(counts, shards.Rank);
            Array.Fill(own, (ulong)shards.Rank);
            shards.Sum(sums);
            shards.Sum(counts);
            shards.Gather<int>(counts.AsSpan(0, 10), all);
            int told = shards.Gather<ulong>(own, ref keys);
            shards.Broadcast(sums, shards.Size - 1);
            int others = shards.Size * (shards.Size - 1) / 2;
            Assert.True(sums[999] == shards.Size && counts[999] == others && all[^1] == others);
            Assert.True(told == 100 * shards.Size + 10 * others && keys[told - 1] == (ulong)(shards.Size - 1));
        }
    }

    /// <summary>Gradients are averaged in memory that is kept, whatever their strides, to the bits of a piece made for the step: the sum,
    /// times the reciprocal of how many they are.</summary>
    private static void AverageWithoutTensors(ProcessGroup group)
    {
        using Tensor dense = zeros(300, 7), strided = zeros(5, 3).t(), scalar = zeros(1);
        Tensor[] gradients = [dense, strided, scalar];
        Fill(1);
        group.Average(gradients); // makes the room
        Fill(2);
        float[] expected = Joined();
        ((IShards)group).Sum(expected);
        for (int i = 0; i < expected.Length; i++)
            expected[i] *= 1f / group.Size;
        (long tensors, long scopes) = Created();
        group.Average(gradients);
        Assert.Equal((tensors, scopes), Created());
        Assert.Equal(expected, Joined());
        Assert.False(strided.is_contiguous());

        void Fill(int seed)
        {
            using DisposeScope scope = NewDisposeScope();
            random.manual_seed((seed * 100) + group.Rank);
            foreach (Tensor gradient in gradients)
                gradient.copy_(randn(gradient.shape));
        }

        float[] Joined() => [.. gradients.SelectMany(gradient => gradient.contiguous().ToArray<float>())];

        static (long, long) Created()
        {
            ThreadDisposeScopeStatistics made = DisposeScopeManager.Statistics;
            return (made.CreatedOutsideScopeCount, made.CreatedInScopeCount);
        }
    }

    private static void Train(
        string folder, ProcessGroup? group, BankPlacement bank = BankPlacement.Replicated, string? from = null)
    {
        TrainingOptions options = new()
        {
            Epochs = 4,
            BatchSize = Batch / (group?.Size ?? 1),
            InputSize = 32,
            Width = 16,
            Threads = 1,
            Clusters = 3,
            ClusterRuns = 2,
            LearningRate = 0.01,
            Bank = bank,
            CheckpointEvery = Half,
        };
        Directory.CreateDirectory(folder);
        using var source = new TestPatches(slides: 2, side: 5, patchSize: 32);
        using var context = new EngineContext(options.Engine);
        using KernelSet kernels = context.OpenKernels(out _, CPU);
        context.Enter();
        Method method = EngineContext.Seeded(options.Seed, () => MethodFactory.Create(options, source.Table, kernels, group));
        using var trainer = new Trainer(options, new RunFolder(folder), source, method, CPU, kernels, group: group);
        if (!string.IsNullOrEmpty(from))
            Assert.True(trainer.Resume(from));
        method.Encoder.eval();
        Assert.True(trainer.Run(null, CancellationToken.None).Finished);
    }

    private static SafetensorsFile Newest(string folder) => new Checkpoint(new RunFolder(folder), 1).OpenNewest()!.Value.File;

    private static int[] Ints(SafetensorsFile file, string name)
    {
        int[] values = new int[file.Entries[name].Bytes / sizeof(int)];
        file.ReadAll<int>(name, values);
        return values;
    }

    private static (int Code, string Said) Launch(
        string launcher, int processes, string folder, BankPlacement bank, string from = "", string nccl = "", string fault = "")
    {
        bool open = launcher.EndsWith("openmpi", StringComparison.Ordinal);
        if (launcher.Length == 0 && !NativeLibrary.TryLoad("libmpich.so.12", out _))
            return (127, "");
        string self = Path.Combine(AppContext.BaseDirectory, "SSLP.Engine.Tests.dll");
        ProcessStartInfo start = launcher.Length == 0
            ? new ProcessStartInfo("dotnet",
                [self, "--filter-method", $"*{nameof(Worker_of_several_processes)}", "--no-progress", "--no-ansi"])
            : new ProcessStartInfo(launcher, [
            .. open ? (string[])["--allow-run-as-root", "--oversubscribe"] : [], "-n", $"{processes}", "dotnet", self, "--filter-method",
            $"*{nameof(Worker_of_several_processes)}", "--no-progress", "--no-ansi"]);
        start.RedirectStandardError = start.RedirectStandardOutput = true;
        start.Environment[WorkerFolder] = folder;
        start.Environment[WorkerBank] = bank.ToString();
        start.Environment[WorkerFrom] = from;
        start.Environment[WorkerNccl] = nccl;
        start.Environment[NcclFault] = fault;
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
                process.Kill(entireProcessTree: true);
            return (process.ExitCode, output.Result + error.Result);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (127, "");
        }
    }
}
