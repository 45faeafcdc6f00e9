using SSLP.Interop.Cuda;
using SSLP.Kernels;
using SSLP.PtxMachine.Driver;
using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>Faults put into the embedded texts and into launches: each is found, and said where.</summary>
public sealed unsafe class PlantedFaultTests
{
    private const int Width = 24;

    [Fact]
    public void The_texts_as_they_are_have_none()
    {
        using var planted = new Planted(text => text);
        planted.Find(DeviceScores.Float32);
        planted.Find(DeviceScores.BFloat16);
        planted.Loss(DeviceScores.BFloat16);
    }

    [Fact]
    public void A_missing_barrier_is_a_race()
    {
        // The tile's first barrier keeps the next chunk of columns from being written over the one that is read.
        using var planted = new Planted(InKernel("CollectCandidates", text => Without(text, "\tbar.sync\t0;\n")));
        PtxFaultException fault = planted.Fails(() => planted.Find(DeviceScores.Float32));
        Assert.Equal(PtxFaultKind.Race, fault.Kind);
        Assert.Equal("Kernel_CollectCandidates", fault.Kernel);
        Assert.Contains("with no barrier between", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_past_an_allocation_is_named_with_its_place()
    {
        using var device = new Planted(text => text);
        CudaException failure = Assert.Throws<CudaException>(() => device.Gather(floats: 160, [0, 9, 10, 3]));  // row 10 of ten rows
        PtxFaultException fault = device.Fault();
        Assert.Equal((PtxFaultKind.Address, 2u), (fault.Kind, fault.Block.X));
        Assert.Contains("byte 640 from the start of an allocation of 640 bytes", failure.Message, StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_misaligned_vector_load_is_named()
    {
        using var planted = new Planted(InKernel("GatherRows", text => Replaced(text, "ld.global.v4.f32", "[", "+4]")));
        PtxFaultException fault = planted.Fails(() => planted.Find(DeviceScores.Float32, rows: 5000));
        Assert.Equal((PtxFaultKind.Alignment, "Kernel_GatherRows"), (fault.Kind, fault.Kernel));
        Assert.Contains("not a multiple of 16", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unwritten_word_that_is_read_is_named()
    {
        using var device = new Planted(text => text);
        Assert.Throws<CudaException>(() => device.Gather(floats: 159, [1, 2, 9, 3]));
        PtxFaultException fault = device.Fault();
        Assert.Equal((PtxFaultKind.Unwritten, 2u, 3), (fault.Kind, fault.Block.X, fault.Thread));
    }

    [Fact]
    public void A_copy_that_nothing_waits_for_is_named()
    {
        using var planted = new Planted(InKernel("CollectRoundedCandidates", text => Without(text, "cp.async.wait_group 1;\n")));
        PtxFaultException fault = planted.Fails(() => planted.Find(DeviceScores.BFloat16));
        Assert.Equal((PtxFaultKind.AsyncCopy, "Kernel_CollectRoundedCandidates"), (fault.Kind, fault.Kernel));
    }

    [Fact]
    public void A_swapped_matrix_fragment_gives_other_numbers_than_the_reference()
    {
        using var planted = new Planted(InKernel("AccumulateSplitWholeBank", SwappedFragment));
        using var right = new Planted(text => text);
        float[] expected = right.Loss(DeviceScores.BFloat16), found = planted.Loss(DeviceScores.BFloat16);
        Assert.Contains(expected.Zip(found), pair => Math.Abs(pair.First - pair.Second) > 1e-2);
    }

    [Fact]
    public void A_uniform_claim_that_does_not_hold_is_named()
    {
        using var planted = new Planted(text => text.Replace(" bra\t", " bra.uni\t", StringComparison.Ordinal));
        PtxFaultException fault = planted.Fails(() => planted.Find(DeviceScores.Float32, rows: 5000));
        Assert.Equal(PtxFaultKind.Uniform, fault.Kind);
    }

    [Fact]
    public void Parameters_in_a_wrong_order_are_found_out_by_what_they_lead_to()
    {
        using var device = new Planted(text => text);
        Assert.Throws<CudaException>(() => device.Gather(floats: 160, [1, 2, 9, 3], wrongOrder: true));
        Assert.Equal(PtxFaultKind.Address, device.Fault().Kind);
    }

    [Fact]
    public void A_barrier_that_a_part_of_the_block_reaches_is_named()
    {
        using var planted = new Planted(InKernel("SelectThresholds", text => Replaced(
            text, "\tbar.sync\t0;\n", "\tbar", "\tmov.u32 %r1, %tid.x;\n\tsetp.ge.s32 %p1, %r1, 200;\n\t@%p1 ret;\n\tbar.sync\t0;\n")));
        PtxFaultException fault = planted.Fails(() => planted.Find(DeviceScores.Float32, rows: 5000));
        Assert.Equal((PtxFaultKind.Convergence, "Kernel_SelectThresholds"), (fault.Kind, fault.Kernel));
    }

    private static Func<string, string> InKernel(string kernel, Func<string, string> edit) =>
        text => text.Contains($".entry Kernel_{kernel}(", StringComparison.Ordinal) ? edit(text) : text;

    // A test whose edit changes nothing would pass for nothing.
    private static string Without(string text, string line)
    {
        int at = text.IndexOf(line, StringComparison.Ordinal);
        Assert.True(at >= 0, $"the text has no '{line.Trim()}'");
        return text.Remove(at, line.Length);
    }

    /// <summary>From the first occurrence of a beginning: what stands between a mark and the line's end becomes something else.</summary>
    private static string Replaced(string text, string beginning, string from, string with)
    {
        int start = text.IndexOf(beginning, StringComparison.Ordinal);
        Assert.True(start >= 0, $"the text has no '{beginning.Trim()}'");
        int at = from == "[" ? text.IndexOf(']', start) : start;
        int end = text.IndexOf('\n', at) + 1;
        return from == "[" ? text[..at] + with + ";\n" + text[end..] : text[..start] + with + text[end..];
    }

    // The first mma's A fragment with its second and third register the other way round: rows 8 and columns 8 further.
    private static string SwappedFragment(string text)
    {
        int start = text.IndexOf("mma.sync", StringComparison.Ordinal), open = text.IndexOf('{', text.IndexOf('}', start)),
            close = text.IndexOf('}', open);
        string[] registers = [.. text[(open + 1)..close].Split(',').Select(part => part.Trim())];
        Assert.Equal(4, registers.Length);
        (registers[1], registers[2]) = (registers[2], registers[1]);
        return text[..(open + 1)] + string.Join(", ", registers) + text[close..];
    }

    /// <summary>A device whose texts are edited.</summary>
    private sealed class Planted : IDisposable
    {
        private readonly MachineDriver _driver;

        public Planted(Func<string, string> edit)
        {
            _driver = new MachineDriver(edit: edit);
            Device = new CudaComputeDevice(driver: _driver.Driver);
        }

        public CudaComputeDevice Device { get; }

        public PtxFaultException Fault() => _driver.Fault ?? throw new InvalidOperationException("No kernel failed.");

        /// <summary>The fault behind the driver's error, which tells it in full.</summary>
        public PtxFaultException Fails(Action action)
        {
            CudaException failure = Assert.Throws<CudaException>(action);
            Assert.Contains(Fault().Message, failure.Message, StringComparison.Ordinal);
            Assert.Contains($"line {Fault().Line} ", Fault().Message, StringComparison.Ordinal);
            return Fault();
        }

        /// <summary>Copies rows of a bank of ten rows of 16 floats, of which a number of floats is uploaded.</summary>
        public void Gather(int floats, int[] rows, bool wrongOrder = false)
        {
            using IDeviceBlock bank = Device.Allocate(10 * 64), ids = Device.Allocate(4 * 4), gathered = Device.Allocate(4 * 64);
            Fill(bank.Address, new float[floats]);
            Fill(ids.Address, rows);
            var arguments = new KernelArguments();
            arguments.View(wrongOrder ? ids.Address : bank.Address, 40);
            arguments.View(wrongOrder ? bank.Address : ids.Address, 4);
            arguments.View(gathered.Address, 16);
            arguments.Int32(4);
            Device.EnqueueLaunch("GatherRows", new LaunchGrid(4), ref arguments);
        }

        private void Fill<T>(ulong address, T[] values) where T : unmanaged
        {
            fixed (T* source = values)
                Device.Upload(address, source, (long)values.Length * sizeof(T));
        }

        public void Find(DeviceScores scores, int rows = 300)
        {
            using MemoryBank bank = MemoryBank.CreateRandom(rows, Width, seed: 1), queries = MemoryBank.CreateRandom(5, Width, seed: 2);
            using var keys = new NearestKeysCuda(bank, Device, scores);
            keys.Find(queries.Rows, [], 30, new int[150], new float[150]);
        }

        public float[] Loss(DeviceScores scores)
        {
            using MemoryBank bank = MemoryBank.CreateRandom(300, Width, seed: 1), queries = MemoryBank.CreateRandom(5, Width, seed: 2);
            using MemoryBank gradient = new(5, Width);
            using var loss = new WholeBankLossCuda(bank, Device, scores);
            float[] losses = new float[5];
            loss.Evaluate(queries.Rows, [0, 1, 2, 3, 4], 0.07f, losses, gradient.Rows);
            return losses;
        }

        public void Dispose()
        {
            Device.Dispose();
            _driver.Dispose();
        }
    }
}
