using System.Text;
using SSLP.Interop.Cuda;
using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Interop.Tests.Cuda;

[CollectionDefinition("driver")]
public sealed class DriverCollection : ICollectionFixture<FakeCuda>;

/// <summary>What the wrapper asks of the driver, in which order, through a stand-in that records it.</summary>
[Collection("driver")]
public sealed unsafe class CudaTests(FakeCuda driver)
{
    private const string Ptx = """
        .version 7.0
        .target sm_80
        .address_size 64
        .visible .entry Scale(
            .param .align 8 .b8 _view[16],
            .param .b32 _count,
            .param .f32 _factor,
            .param .b64 _stride
        )
        { ret; }
        """;

    [Fact]
    public void A_device_is_described()
    {
        driver.Require();
        Assert.True(CudaDriver.System.TryLoad(out string? reason), reason);
        Assert.Equal((12, 4), CudaDriver.System.Version);
        Assert.Equal(new CudaDeviceInfo(0, "Stand-in 70", 9, 0, 5L << 30, 132, 232448), CudaDriver.System.Describe(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => CudaDriver.System.Describe(2));
    }

    [Fact]
    public void The_primary_context_is_retained_and_released_once_all_that_lives_in_it_is_gone()
    {
        driver.Require();
        int before = driver.Retained;
        var context = CudaContext.Retain();
        CudaStream stream = context.CreateStream();
        context.Dispose();
        Assert.Equal(before + 1, driver.Retained);
        stream.Dispose();
        Assert.Equal(before, driver.Retained);
        Assert.Equal("release device=70", driver.Record[^1]);
        Assert.Throws<ObjectDisposedException>(context.MakeCurrent);
    }

    [Fact]
    public void A_profiler_is_told_when_to_collect()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        driver.Forget();
        context.StartProfiler();
        context.StopProfiler();
        Assert.Equal(["profiler start", "profiler stop"], driver.Record);
    }

    [Fact]
    public void A_thread_without_the_context_can_still_release()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        PinnedBuffer buffer = context.AllocatePinned(100);
        var thread = new Thread(buffer.Dispose);
        thread.Start();
        thread.Join();
        Assert.Contains("unpin", driver.Record);
        Assert.Throws<ObjectDisposedException>(() => _ = buffer.Bytes + *buffer.Pointer);
    }

    [Fact]
    public void A_thread_without_the_context_is_told_so_by_the_driver()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        CudaException? failure = null;
        var thread = new Thread(() => failure = Assert.Throws<CudaException>(context.DefaultStream.Synchronize));
        thread.Start();
        thread.Join();
        Assert.Equal("cuStreamSynchronize", failure!.Call);
        Assert.Contains("CUDA_ERROR_INVALID_CONTEXT", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_reach_the_driver_as_the_kernel_declares_them()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using CudaModule module = context.LoadModule("scale", Encoding.ASCII.GetBytes(Ptx));
        CudaFunction function = module.Function("Scale");
        var arguments = new KernelArguments();
        arguments.View(0x1122334455667780, 3);
        arguments.Int32(-2);
        arguments.Single(1.5f);
        arguments.Int64(1L << 40);
        function.EnqueueLaunch(context.DefaultStream, new LaunchGrid(7, 2, 3), 256, ref arguments);
        Assert.Equal(
            "launch Scale grid=7,2,3 block=256,1,1 shared=0 stream=0 80776655443322110300000000000000 feffffff 0000c03f 0000000000010000",
            driver.Record[^1]);
    }

    [Fact]
    public void A_view_that_is_not_aligned_is_refused_before_the_driver_sees_it()
    {
        Assert.Throws<ArgumentException>(() =>
        {
            var arguments = new KernelArguments();
            arguments.View(0x1008, 4);
        });
    }

    [Fact]
    public void Shared_memory_above_48_KB_is_asked_for_once_and_sent_with_each_launch()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using CudaModule module = context.LoadModule("scale", Encoding.ASCII.GetBytes(Ptx));
        CudaFunction function = module.Function("Scale", dynamicSharedBytes: 100_000);
        var arguments = new KernelArguments();
        arguments.View(256, 1);
        arguments.Int32(0);
        arguments.Single(0);
        arguments.Int64(0);
        function.EnqueueLaunch(context.DefaultStream, new LaunchGrid(1), 32, ref arguments);
        Assert.Contains("grant shared=100000", driver.Record);
        Assert.Contains("shared=100000 stream=0", driver.Record[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_entry_and_bad_PTX_are_named()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using CudaModule module = context.LoadModule("scale", Encoding.ASCII.GetBytes(Ptx));
        Assert.Contains("Missing in scale", Assert.Throws<CudaException>(() => module.Function("Missing")).Message,
            StringComparison.Ordinal);
        Assert.Contains("ptxas fatal", Assert.Throws<CudaException>(() => context.LoadModule("broken", "nonsense"u8)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_go_to_the_device_and_back()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using DeviceBuffer device = context.AllocateDevice(5);
        using PinnedBuffer host = context.AllocatePinned(10);
        "hello"u8.CopyTo(new Span<byte>(host.Pointer, 5));
        context.DefaultStream.EnqueueUpload(device.Address, host.Pointer, 5);
        context.DefaultStream.EnqueueReadBack(host.Pointer + 5, device.Address, 5);
        context.DefaultStream.Synchronize();
        Assert.Equal("hellohello", Encoding.ASCII.GetString(host.Pointer, 10));
        context.DefaultStream.EnqueueFill(device.Address, 7, 5);
        Assert.Equal("fill 5 stream=0", driver.Record[^1]);
    }

    [Fact]
    public void The_ring_orders_copies_and_computation_by_events_alone()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using DeviceBuffer device = context.AllocateDevice(64);
        driver.Forget();
        using var ring = new UploadRing(context, slots: 1, slotBytes: 64);
        string[] made = driver.Record;
        Assert.Equal(4, made.Length);
        string copies = made[0].Split(' ')[1], uploaded = made[2].Split(' ')[1], consumed = made[3].Split(' ')[1];
        Assert.Equal([$"stream {copies} flags=1", "pin 64 flags=1", $"event {uploaded} flags=2", $"event {consumed} flags=2"], made);

        driver.Forget();
        ring.WaitForSlot(0);
        ring.Host(0)[0] = 42;
        ring.EnqueueUpload(0, device.Address, 64, context.DefaultStream);
        ring.EnqueueConsumed(0, context.DefaultStream);
        ring.WaitForSlot(0);
        Assert.Equal(
            [
                $"synchronize event={uploaded}",
                $"wait event={consumed} stream={copies}",
                $"upload 64 stream={copies}",
                $"record event={uploaded} stream={copies}",
                $"wait event={uploaded} stream=0",
                $"record event={consumed} stream=0",
                $"synchronize event={uploaded}",
            ],
            driver.Record);
    }

    [Fact]
    public void The_ring_waits_for_its_copies_before_it_frees_their_memory()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        new UploadRing(context, slots: 2, slotBytes: 64).Dispose();
        List<string> record = [.. driver.Record];
        Assert.True(record.FindIndex(line => line.StartsWith("synchronize stream=", StringComparison.Ordinal)) < record.IndexOf("unpin"));
        Assert.Equal(2, record.Count(line => line == "unpin"));
        Assert.Equal(4, record.Count(line => line.StartsWith("destroy event", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_ring_takes_slots_of_the_callers_memory()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using DeviceBuffer device = context.AllocateDevice(64);
        using PinnedBuffer host = context.AllocatePinned(128);
        driver.Forget();
        using (var ring = new UploadRing(context, slots: 2, slotBytes: 64, (nint)host.Pointer))
        {
            Assert.Equal((nint)host.Pointer + 64, (nint)ring.Host(1));
            host.Pointer[64] = 42;
            ring.EnqueueUpload(1, device.Address, 64, context.DefaultStream);
            byte back;
            context.DefaultStream.EnqueueReadBack(&back, device.Address, 1);
            Assert.Equal(42, back);
        }
        Assert.DoesNotContain(driver.Record, line => line.Contains("pin", StringComparison.Ordinal));
    }

    [Fact]
    public void A_stream_of_the_hosts_is_taken_and_one_of_another_context_is_refused_by_name()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using CudaEvent mark = context.CreateEvent();
        driver.Forget();
        using (CudaStream hosts = context.StreamOf(0x77))
            hosts.EnqueueRecord(mark);
        Assert.EndsWith("stream=77", Assert.Single(driver.Record), StringComparison.Ordinal);  // and it is not destroyed
        Assert.Same(context.DefaultStream, context.StreamOf(0));
        Assert.Same(context.DefaultStream, context.StreamOf(1));  // CU_STREAM_LEGACY
        Assert.Contains("each thread", Assert.Throws<ArgumentException>(() => context.StreamOf(2)).Message, StringComparison.Ordinal);
        Assert.Contains("made in another context", Assert.Throws<ArgumentException>(() => context.StreamOf(0xF0E)).Message,
            StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_INVALID_HANDLE", Assert.Throws<ArgumentException>(() => context.StreamOf(0xBAD)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_threads_own_context_is_put_back()
    {
        driver.Require();
        int inside = -1, after = -1;
        var thread = new Thread(() =>
        {
            using (CudaDriver.System.KeepCurrent())
            {
                using var context = CudaContext.Retain();
                inside = CudaDriver.System.Calls.cuCtxSynchronize();
            }
            after = CudaDriver.System.Calls.cuCtxSynchronize();
        });
        thread.Start();
        thread.Join();
        Assert.Equal((0, 201), (inside, after));  // CUDA_ERROR_INVALID_CONTEXT: the thread had none, and has none again
    }

    [Fact]
    public void An_address_is_known_for_the_devices_or_the_hosts()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using DeviceBuffer device = context.AllocateDevice(64);
        using PinnedBuffer pinned = context.AllocatePinned(64);
        byte hosts;
        Assert.Equal(0, context.DeviceOf(device.Address + 63));
        Assert.Null(context.DeviceOf((ulong)pinned.Pointer));
        Assert.Null(context.DeviceOf((ulong)&hosts));
    }

    [Fact]
    public void A_launch_allocates_nothing()
    {
        driver.Require();
        using var context = CudaContext.Retain();
        using CudaModule module = context.LoadModule("scale", Encoding.ASCII.GetBytes(Ptx));
        CudaFunction function = module.Function("Scale");
        Launch();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            Launch();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Launch()
        {
            var arguments = new KernelArguments();
            arguments.View(4096, 3);
            arguments.Int32(1);
            arguments.Single(1);
            arguments.Int64(1);
            function.EnqueueLaunch(context.DefaultStream, new LaunchGrid(1), 32, ref arguments);
        }
    }
}
