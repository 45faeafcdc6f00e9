using System.Globalization;
using SSLP.Interop.Cuda;
using SSLP.Kernels.Device;
using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

[CollectionDefinition("driver")]
public sealed class DriverCollection : ICollectionFixture<FakeCuda>;

/// <summary>What the CUDA device asks of the driver, through the stand-in that records it and reads parameter sizes off the real PTX.</summary>
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
            Assert.Equal(Enumerable.Range(1, bytes.Length), words[6..].Select(hex => int.Parse(hex[..2], NumberStyles.HexNumber, CultureInfo.InvariantCulture) / (hex.Length == 32 ? 16 : 1)));
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
        Assert.Equal(KernelBackend.Cuda, KernelSet.Parse("cuda"));
        using var kernels = new KernelSet(KernelBackend.Cuda, threads: 1);
        using MemoryBank bank = MemoryBank.CreateRandom(10, 8, seed: 1);
        using (INearestKeys nearest = kernels.NearestKeys(bank))
        using (IWholeBankLoss loss = kernels.WholeBankLoss(bank))
        using (IThreeTermStep step = kernels.ThreeTermStep(bank, new SpatialNeighbours(new int[10], new int[10], new int[10]), new ThreeTermOptions()))
        {
            Assert.IsType<CudaNearestKeys>(nearest);
            Assert.IsType<CudaWholeBankLoss>(loss);
            Assert.IsType<CudaThreeTermStep>(step);
        }
    }

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
