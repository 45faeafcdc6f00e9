using System.Text;
using SSLP.Interop.Cuda;
using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>The machine behind the driver's functions: what holds a context cannot tell it from a card, but for what a card does not
/// check.</summary>
public sealed unsafe class DriverTests
{
    private static readonly string Twice = TestRun.Text("""
        ld.param.b64 %rd1, [p0];
        mov.u32 %r1, %tid.x;
        mul.wide.u32 %rd2, %r1, 4;
        add.s64 %rd3, %rd1, %rd2;
        ld.global.b32 %r2, [%rd3];
        add.s32 %r2, %r2, %r2;
        st.global.b32 [%rd3], %r2;
        """);

    [Fact]
    public void A_device_is_described_as_the_texts_need_it()
    {
        using var machine = new MachineDriver(multiprocessors: 7);
        Assert.True(machine.Driver.TryLoad(out string? reason), reason);
        CudaDeviceInfo device = machine.Driver.Describe(0);
        Assert.Equal((1, 8, 0, 7), (machine.Driver.DeviceCount, device.ComputeMajor, device.ComputeMinor, device.Multiprocessors));
        using var context = CudaContext.Retain(0, machine.Driver);
        Assert.InRange(context.Memory().Free, 1, context.Memory().Total);
    }

    [Fact]
    public void Two_machines_in_a_process_do_not_know_each_other()
    {
        using MachineDriver one = new(), other = new();
        using CudaContext first = CudaContext.Retain(0, one.Driver), second = CudaContext.Retain(0, other.Driver);
        first.MakeCurrent();
        using DeviceBuffer buffer = first.AllocateDevice(16);
        second.MakeCurrent();
        CudaException failure = Assert.Throws<CudaException>(() => second.DefaultStream.EnqueueFill(buffer.Address, 0, 16));
        Assert.Contains("outside of every allocation", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_and_launches_of_a_stream_are_in_order()
    {
        foreach (CopyTiming timing in Enum.GetValues<CopyTiming>())
        {
            using var machine = new MachineDriver(timing: timing);
            using var world = new World(machine);
            world.Upload(world.Stream, 5);
            world.Launch(world.Stream);
            world.Launch(world.Stream);
            world.ReadBack(world.Stream);
            world.Stream.Synchronize();
            Assert.Equal(20, world.Pinned(1));
            Assert.Equal(
                ["cuMemcpyHtoDAsync_v2", "cuLaunchKernel", "cuLaunchKernel", "cuMemcpyDtoHAsync_v2", "cuStreamSynchronize"],
                machine.Calls.Select(call => call.Function));
            Assert.Equal(("k", 4L), (machine.Calls[1].Subject, machine.Calls[0].Bytes));
        }
    }

    [Fact]
    public void A_delayed_copy_reads_pinned_memory_late_and_tells_who_wrote_it_too_early()
    {
        using var machine = new MachineDriver(timing: CopyTiming.Delayed);
        using var world = new World(machine);
        world.Upload(world.Stream, 5);
        world.SetPinned(0, 6);  // before anything waited: the copy may still be reading
        world.ReadBack(world.Stream);
        world.SetPinned(1, -1);
        Assert.Equal(-1, world.Pinned(1));  // nothing waited for the way back
        world.Stream.Synchronize();
        Assert.Equal(6, world.Pinned(1));
    }

    [Fact]
    public void A_stream_sees_another_one_s_copy_only_behind_its_event()
    {
        using var machine = new MachineDriver(timing: CopyTiming.Delayed);
        using var world = new World(machine);
        using CudaStream copies = world.Context.CreateStream();
        using CudaEvent copied = world.Context.CreateEvent();
        Assert.True(copied.HasPassed);  // never recorded
        world.Upload(copies, 5);
        copies.EnqueueRecord(copied);
        Assert.Contains("reads a word that nothing wrote", Assert.Throws<CudaException>(() => world.Launch(world.Stream)).Message,
            StringComparison.Ordinal);
        machine.ForgetFault();
        world.Stream.EnqueueWait(copied);
        world.Launch(world.Stream);
        world.ReadBack(world.Stream);
        world.Stream.Synchronize();
        Assert.Equal(10, world.Pinned(1));
    }

    [Fact]
    public void An_event_passes_while_one_looks_at_it()
    {
        using var machine = new MachineDriver(timing: CopyTiming.Delayed);
        using var world = new World(machine);
        using CudaEvent done = world.Context.CreateEvent();
        world.Upload(world.Stream, 5);
        world.Stream.EnqueueRecord(done);
        Assert.False(done.HasPassed);
        Assert.True(done.HasPassed);
    }

    [Fact]
    public void Pageable_memory_is_staged_and_read_into_at_once()
    {
        using var machine = new MachineDriver(timing: CopyTiming.Delayed);
        using var world = new World(machine);
        int value = 5, back = 0;
        world.Stream.EnqueueUpload(world.Device.Address, &value, 4);
        value = 6;
        world.Stream.EnqueueReadBack(&back, world.Device.Address, 4);
        Assert.Equal(5, back);
    }

    [Fact]
    public void A_fault_is_the_launch_s_error_and_stays_until_it_is_forgotten()
    {
        using var machine = new MachineDriver();
        using var world = new World(machine);
        CudaException failure = Assert.Throws<CudaException>(() => world.Launch(world.Stream));  // the word was never written
        Assert.Contains("CUDA_ERROR_LAUNCH_FAILED", failure.Message, StringComparison.Ordinal);
        Assert.Contains("k, line ", failure.Message, StringComparison.Ordinal);
        Assert.Equal(failure.Code, Assert.Throws<CudaException>(world.Stream.Synchronize).Code);
        machine.ForgetFault();
        world.Stream.Synchronize();
    }

    [Fact]
    public void A_text_that_the_machine_does_not_know_is_refused_with_its_line()
    {
        using var machine = new MachineDriver();
        using var context = CudaContext.Retain(0, machine.Driver);
        string text = TestRun.Text("lg2.approx.f32 %f1, %f2;");
        CudaException refused = Assert.Throws<CudaException>(() => context.LoadModule("text", Encoding.ASCII.GetBytes(text)));
        Assert.Contains("CUDA_ERROR_INVALID_PTX", refused.Message, StringComparison.Ordinal);
        Assert.Contains("lg2.approx.f32 is not known", refused.Message, StringComparison.Ordinal);
        using CudaModule module = context.LoadModule("twice", Encoding.ASCII.GetBytes(Twice));
        Assert.Contains("CUDA_ERROR_NOT_FOUND", Assert.Throws<CudaException>(() => module.Function("other")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_thread_without_the_context_is_told_so()
    {
        using var machine = new MachineDriver();
        using var world = new World(machine);
        CudaException? failure = null;
        var thread = new Thread(() => failure = Assert.Throws<CudaException>(world.Stream.Synchronize));
        thread.Start();
        thread.Join();
        Assert.Contains("CUDA_ERROR_INVALID_CONTEXT", failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_is_given_back()
    {
        using var machine = new MachineDriver();
        using (var world = new World(machine))
            Assert.Equal((1, 4), (machine.Machine.Memory.Count, machine.Machine.Memory.Bytes));
        Assert.Equal((0, 0), (machine.Machine.Memory.Count, machine.Machine.Memory.Bytes));
    }

    /// <summary>A context with one word of device memory, two of pinned, and a kernel that doubles the word.</summary>
    private sealed class World : IDisposable
    {
        private readonly PinnedBuffer _pinned;
        private readonly CudaModule _module;
        private readonly CudaFunction _twice;

        public World(MachineDriver machine)
        {
            Context = CudaContext.Retain(0, machine.Driver);
            Device = Context.AllocateDevice(4);
            _pinned = Context.AllocatePinned(8);
            Stream = Context.CreateStream();
            _module = Context.LoadModule("twice", Encoding.ASCII.GetBytes(Twice));
            _twice = _module.Function("k");
        }

        public CudaContext Context { get; }

        public DeviceBuffer Device { get; }

        public CudaStream Stream { get; }

        public int Pinned(int at) => ((int*)_pinned.Pointer)[at];

        public void SetPinned(int at, int value) => ((int*)_pinned.Pointer)[at] = value;

        public void Upload(CudaStream stream, int value)
        {
            SetPinned(0, value);
            stream.EnqueueUpload(Device.Address, _pinned.Pointer, 4);
        }

        public void ReadBack(CudaStream stream) => stream.EnqueueReadBack(_pinned.Pointer + 4, Device.Address, 4);

        public void Launch(CudaStream stream)
        {
            var arguments = new KernelArguments();
            arguments.Int64((long)Device.Address);
            _twice.EnqueueLaunch(stream, new LaunchGrid(1), 1, ref arguments);
        }

        public void Dispose()
        {
            _module.Dispose();
            Stream.Dispose();
            _pinned.Dispose();
            Device.Dispose();
            Context.Dispose();
        }
    }
}
