using System.Globalization;
using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

[CollectionDefinition("driver")]
public sealed class DriverCollection : ICollectionFixture<FakeCuda>;

/// <summary>What the CUDA device asks of the driver, through the stand-in that records it and reads parameter sizes off the real
/// PTX.</summary>
[Collection("driver")]
public sealed unsafe class CudaComputeDeviceTests(FakeCuda driver)
{
    [Fact]
    public void Launches_go_to_stream_0_of_the_primary_context_with_parameters_as_the_PTX_declares_them()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        Assert.Equal("retain device=70", driver.Record[0]);
        var arguments = new KernelArguments();
        arguments.View(0x10, 1);
        arguments.View(0x20, 2);
        arguments.View(0x30, 3);
        arguments.Int32(4);
        device.EnqueueLaunch("GatherRows", new LaunchGrid(5), ref arguments);
        Assert.Equal(
            "launch Kernel_GatherRows grid=5,1,1 block=32,1,1 shared=0 stream=0"
            + " 10000000000000000100000000000000 20000000000000000200000000000000 30000000000000000300000000000000 04000000",
            driver.Record[^1]);
    }

    [Fact]
    public void Every_kernel_loads_once_and_takes_its_method_s_parameters_in_size_and_order()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        foreach (DeviceKernel kernel in DeviceKernels.All)
        {
            int[] bytes = [.. kernel.Method.GetParameters().Select(p => SizeOf(p.ParameterType))];
            driver.Forget();
            for (int launch = 0; launch < 2; launch++)
                Launch(device, kernel.Name, bytes);
            Assert.Single(driver.Record, line => line == "load");
            string[] words = driver.Record[^1].Split(' ');
            Assert.Equal($"block={kernel.GroupSize.ToString(CultureInfo.InvariantCulture)},1,1", words[3]);
            Assert.Equal(bytes, words[6..].Select(hex => hex.Length / 2));
            // Argument i was given the value i + 1 in its first byte.
            Assert.Equal(Enumerable.Range(1, bytes.Length), words[6..]
                .Select(hex => int.Parse(hex[..2], NumberStyles.HexNumber, CultureInfo.InvariantCulture) / (hex.Length == 32 ? 16 : 1)));
        }
    }

    [Fact]
    public void A_read_back_waits_and_an_upload_does_not()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        using IDeviceBlock block = device.Allocate(8);
        long value = 42, back = 0;
        driver.Forget();
        device.Upload(block.Address, &value, 8);
        device.ReadBack(&back, block.Address, 8);
        Assert.Equal(["upload 8 stream=0", "read back 8 stream=0", "synchronize stream=0"], driver.Record);
        Assert.Equal(42, back);
    }

    [Fact]
    public void The_kernel_set_hands_out_the_device_s_implementations()
    {
        driver.Require();
        using var kernels = new KernelSet(KernelBackend.Cuda, threads: 1);
        using var bank = MemoryBank.CreateRandom(10, 8, seed: 1);
        using (INearestKeys nearest = kernels.NearestKeys(bank))
        using (IWholeBankLoss loss = kernels.WholeBankLoss(bank))
        using (IKMeans means = kernels.KMeans(bank))
        using (IMemoryBankUpdate update = kernels.MemoryBankUpdate(bank))
        using (IAugmenter augmenter = kernels.Augmenter(new AugmentOptions { InputSize = 4 }, 8))
        using (IThreeTermStep step = kernels.ThreeTermStep(bank, new SpatialNeighbours(new int[10], new int[10], new int[10]),
            new ThreeTermOptions()))
        {
            Assert.IsType<NearestKeysCuda>(nearest);
            Assert.IsType<WholeBankLossCuda>(loss);
            Assert.IsType<ThreeTermStepCuda>(step);
            Assert.IsType<KMeansCuda>(means);
            Assert.IsType<MemoryBankUpdateCuda>(update);
            Assert.IsType<AugmenterCuda>(augmenter);
        }
    }

    [Fact]
    public void The_kernels_run_on_the_device_with_the_number_that_was_asked_for()
    {
        driver.Require();
        using (new KernelSet(new KernelOptions { Backend = KernelBackend.Cuda, Threads = 1, Device = 1 }))
            Assert.Equal("retain device=71", driver.Record[0]);
        ArgumentOutOfRangeException fault = Assert.Throws<ArgumentOutOfRangeException>(
            () => new KernelSet(new KernelOptions { Backend = KernelBackend.Cuda, Threads = 1, Device = 2 }));
        Assert.Contains("CUDA device 2 was asked for; the driver has 2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void As_many_queries_as_there_are_rows_in_a_large_bank_fit_the_grid_of_every_launch()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        using var bank = MemoryBank.CreateRandom(100, 4, seed: 1);
        using var mirror = BankMirror.Borrow(bank, device);
        using var search = new CandidateSearch(mirror, device, CandidateScores.Rounded);
        const int queries = 70_000;
        using DeviceArray<float> vectors = new DeviceArray<float>(device).EnsureLength(queries * 16);
        using DeviceArray<int> own = new DeviceArray<int>(device).EnsureLength(queries);
        driver.Forget();
        search.Run(vectors, own, new int[queries]);  // a grid that a device does not take is refused
        Assert.Contains(driver.Record, line => line.StartsWith("launch Kernel_RescoreCandidates grid=70000,1,1", StringComparison.Ordinal));
        ArgumentException fault = Assert.Throws<ArgumentException>(() =>
        {
            var arguments = new KernelArguments();
            device.EnqueueLaunch("GatherRows", new LaunchGrid(1, 65_536), ref arguments);
        });
        Assert.Contains("1 × 65536 × 1 blocks", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_width_that_a_group_cannot_sum_is_refused_by_its_number()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        using var bank = MemoryBank.CreateRandom(10, 1025, seed: 1);
        var spatial = new SpatialNeighbours(new int[10], new int[10], new int[10]);
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => new ThreeTermStepCuda(bank, spatial, new ThreeTermOptions(), device));
        Assert.Contains("up to 1024 values; this bank's have 1025", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bank_update_uploads_launches_and_takes_the_rows_back_in_this_order()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        using MemoryBank bank = MemoryBank.CreateRandom(10, 8, seed: 1), features = MemoryBank.CreateRandom(3, 8, seed: 2);
        using var update = new MemoryBankUpdateCuda(bank, device);
        driver.Forget();
        update.Update([7, 2, 7], features.Rows, 0.5f);
        Assert.Equal(
            [
                "upload 12", "upload 96", "fill 256", "upload 640", "launch Kernel_TakeFeatures grid=3,1,1",
                "launch Kernel_UpdateBank grid=3,1,1", "read back 256", "synchronize",
                "upload 8", "launch Kernel_GatherRows grid=2,1,1", "read back 128", "synchronize",
            ],
            Calls("upload", "fill", "launch", "read back", "synchronize"));
    }

    [Fact]
    public void An_iteration_of_k_means_is_three_launches_for_all_runs_and_reads_nothing_back()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        using var bank = MemoryBank.CreateRandom(200, 8, seed: 1);
        using var means = new KMeansCuda(bank, device);
        driver.Forget();
        means.Cluster(3, 3, [1234, 1235], new int[400]);
        string[] calls = Calls("launch", "read back", "fill", "synchronize");
        string[] iteration =
        [
            "launch Kernel_FillEmptyClusters grid=2,1,1", "launch Kernel_MeanClusters grid=6,1,1",
            "launch Kernel_AssignClusters grid=2,2,1",
        ];
        Assert.Equal(
            [
                "fill 8", "fill 24", "launch Kernel_GatherRows grid=6,1,1", "launch Kernel_MeanClusters grid=6,1,1",
                "launch Kernel_AssignClusters grid=2,2,1", .. iteration, .. iteration,
                "read back 1600", "synchronize", "read back 192", "synchronize",
            ],
            calls);
    }

    [Fact]
    public void Augmentation_blurs_only_where_a_plan_does()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        byte[] patches = new byte[2 * 8 * 8 * 3];
        float[] output = new float[2 * 3 * 4 * 4];
        foreach (float blur in (float[])[0f, 1f])
        {
            using var augmenter = new AugmenterCuda(new AugmentOptions { InputSize = 4, Blur = blur }, 8, device);
            driver.Forget();
            fixed (byte* source = patches)
            fixed (float* views = output)
                augmenter.Apply(1, 0, 0, [3, 4], source, views);
            string[] launches = blur == 0 ? ["launch Kernel_AugmentPatches grid=2,1,1"]
                : ["launch Kernel_AugmentPatches grid=2,1,1", "launch Kernel_BlurAcross grid=6,1,1", "launch Kernel_BlurDown grid=6,1,1"];
            Assert.Equal(["upload 384", "upload 224", .. launches, "read back 384"], Calls("upload", "launch", "read back"));
        }
    }

    [Fact]
    public void Tensor_cores_note_rows_before_float32_decides()
    {
        driver.Require();
        using var device = new CudaComputeDevice();
        using var bank = MemoryBank.CreateRandom(300, 8, seed: 1);
        using var mirror = BankMirror.Borrow(bank, device);
        using var search = new CandidateSearch(mirror, device, CandidateScores.Rounded);
        driver.Forget();
        // The stand-in runs no kernel, so that every list stays empty: no row is asked for, and one pass is enough.
        using DeviceArray<float> queries = new DeviceArray<float>(device).EnsureLength(130 * 16);
        using DeviceArray<int> own = new DeviceArray<int>(device).EnsureLength(130);
        search.Run(queries, own, new int[130]);
        Assert.Equal(
            [
                "launch Kernel_SelectThresholds grid=130,1,1", "launch Kernel_RoundRows grid=300,1,1",
                "launch Kernel_RoundRows grid=130,1,1",
                "launch Kernel_CollectRoundedCandidates grid=6,1,1", "launch Kernel_RescoreCandidates grid=130,2,1",
                "launch Kernel_SortBuckets grid=130,1,1",
            ],
            Calls("launch"));
    }

    [Fact]
    public void Scores_that_a_device_cannot_make_are_refused_by_its_name()
    {
        var volta = new CudaDeviceInfo(0, "An older card", 7, 0, 1, 1, 1);
        Assert.Contains("7.0", Assert.Throws<ArgumentException>(() => DeviceScoresChoice.Require(DeviceScores.BFloat16, volta)).Message,
            StringComparison.Ordinal);
        DeviceScoresChoice.Require(DeviceScores.Float32, volta);
    }

    // What was asked of the driver, by its first words: call, size or kernel, grid.
    private string[] Calls(params string[] kinds) =>
        [.. driver.Record.Where(line => kinds.Any(kind => line.StartsWith(kind, StringComparison.Ordinal)))
            .Select(line => line.Split(line.StartsWith("launch", StringComparison.Ordinal) ? " block=" : " stream=")[0])];

    private static void Launch(CudaComputeDevice device, string kernel, int[] bytes)
    {
        var arguments = new KernelArguments();
        for (int i = 0; i < bytes.Length; i++)
        {
            // Views must be aligned to 16.
            if (bytes[i] == 16)
                arguments.View(16UL * ((ulong)i + 1), 1);
            else if (bytes[i] == 8)
                arguments.Int64(i + 1);
            else
                arguments.Int32(i + 1);
        }

        device.EnqueueLaunch(kernel, new LaunchGrid(1), ref arguments);
    }

    private static int SizeOf(Type type) =>
        type == typeof(int) || type == typeof(float) ? 4 : type == typeof(long) || type == typeof(double) ? 8 : 16;
}
