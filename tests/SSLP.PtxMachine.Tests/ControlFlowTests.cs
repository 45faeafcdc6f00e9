using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>Lanes that part and meet again, barriers, and what belongs to whole warps.</summary>
public sealed class ControlFlowTests
{
    private const string Thread = "ld.param.b64 %rd1, [p0];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\n";

    // Each thread counts down its own number of rounds, in odd rounds by another way that ends early for multiples of 7.
    private const string Nested = """
        mov.b32 %r2, %r1;
        mov.b32 %r3, 0;
        L_round:
        setp.le.s32 %p1, %r2, 0;
        @%p1 bra L_end;
        and.b32 %r4, %r2, 1;
        setp.eq.s32 %p2, %r4, 0;
        @%p2 bra L_even;
        rem.s32 %r5, %r1, 7;
        setp.ne.s32 %p3, %r5, 0;
        @%p3 bra L_odd;
        add.s32 %r3, %r3, 1000;
        bra L_end;
        L_odd:
        add.s32 %r3, %r3, 3;
        bra L_next;
        L_even:
        add.s32 %r3, %r3, 1;
        L_next:
        sub.s32 %r2, %r2, 1;
        bra L_round;
        L_end:
        st.global.b32 [%rd3], %r3;
        """;

    [Theory]
    [InlineData(ExecutionOrder.Forward)]
    [InlineData(ExecutionOrder.Backward)]
    public void Nested_divergence_gives_each_thread_its_own(ExecutionOrder order)
    {
        using var run = new TestRun(new MachineOptions { Order = order });
        ulong words = run.Allocate<int>(45);
        run.Launch(TestRun.Text(Thread + Nested), 1, 45, words);
        Assert.Equal([.. Enumerable.Range(0, 45).Select(Expected)], run.Read<int>(words, 45));

        static int Expected(int thread)
        {
            int sum = 0;
            for (int left = thread; left > 0; left--)
            {
                if (left % 2 == 0)
                    sum += 1;
                else if (thread % 7 == 0)
                    return sum + 1000;
                else
                    sum += 3;
            }

            return sum;
        }
    }

    [Fact]
    public void Lanes_that_parted_meet_before_what_needs_them_all()
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(32);
        run.Launch(TestRun.Text(Thread + """
            and.b32 %r2, %r1, 3;
            setp.eq.s32 %p1, %r2, 0;
            mov.b32 %r3, 1;
            @%p1 bra L_meet;
            mov.b32 %r3, 2;
            setp.eq.s32 %p2, %r2, 1;
            @%p2 bra L_meet;
            mov.b32 %r3, 3;
            L_meet:
            shfl.sync.bfly.b32 %r4, %r3, 1, 31, -1;
            st.global.b32 [%rd3], %r4;
            """), 1, 32, words);
        Assert.Equal([.. Enumerable.Range(0, 32).Select(lane => ((lane ^ 1) & 3) switch { 0 => 1, 1 => 2, _ => 3 })],
            run.Read<int>(words, 32));
    }

    [Theory]
    [InlineData("shfl.sync.idx.b32 %r4, %r1, 5, 31, -1;", 5)]
    [InlineData("shfl.sync.down.b32 %r4, %r1, 4, 31, -1;", 7)]
    [InlineData("shfl.sync.down.b32 %r4, %r1, 30, 31, -1;", 3)]  // beyond the last lane: one's own
    [InlineData("shfl.sync.up.b32 %r4, %r1, 2, 0, -1;", 1)]
    [InlineData("shfl.sync.up.b32 %r4, %r1, 4, 0, -1;", 3)]
    [InlineData("shfl.sync.bfly.b32 %r4, %r1, 16, 31, -1;", 19)]
    [InlineData("shfl.sync.idx.b32 %r4, %r1, 1, 0x1c03, -1;", 1)]  // segments of four lanes: mask 28, clamp 3
    public void Shuffles_take_from_the_lane_that_the_ISA_names(string shuffle, int lane3)
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(32);
        run.Launch(TestRun.Text(Thread + shuffle + "\nst.global.b32 [%rd3], %r4;"), 1, 32, words);
        Assert.Equal(lane3, run.Read<int>(words, 32)[3]);
    }

    [Theory]
    [InlineData("shfl.sync.bfly.b32 %r4, %r1, 1, 31, -1;")]
    [InlineData("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r4}, [%r1];")]
    [InlineData("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r1, %r1, %r1}, {%r1, %r1}, {%f5, %f5, " +
        "%f5, %f5};")]
    public void Instructions_of_a_warp_are_not_for_a_part_of_it(string instruction)
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(32);
        string text = TestRun.Text(Thread + $"setp.lt.s32 %p1, %r1, 20;\n@%p1 bra L_skip;\n{instruction}\nL_skip:");
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => run.Launch(text, 1, 32, words));
        Assert.Equal((PtxFaultKind.Convergence, 20), (fault.Kind, fault.Thread));
    }

    [Theory]
    [InlineData("setp.lt.s32 %p1, %r1, 20;\n@%p1 bra L_skip;\nbar.sync 0;\nL_skip:", 20)]
    [InlineData("setp.lt.s32 %p1, %r1, 20;\n@%p1 ret;\nbar.sync 0;", 20)]
    [InlineData("setp.lt.s32 %p1, %r1, 32;\n@%p1 ret;\nbar.sync 0;", 32)]  // a whole warp has ended
    public void Barriers_are_for_the_whole_block(string body, int thread)
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(64);
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => run.Launch(TestRun.Text(Thread + body), 1, 64, words));
        Assert.Equal((PtxFaultKind.Convergence, thread), (fault.Kind, fault.Thread));
        Assert.Contains("bar.sync", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_uniform_branch_that_parts_is_named_and_one_that_does_not_is_taken()
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(32);
        run.Launch(TestRun.Text(Thread + "setp.lt.s32 %p1, %r1, 64;\n@%p1 bra.uni L_skip;\nst.global.b32 [%rd3+4], %r1;\nL_skip:"),
            1, 32, words);
        string text = TestRun.Text(Thread + "setp.lt.s32 %p1, %r1, 9;\n@%p1 bra.uni L_skip;\nst.global.b32 [%rd3], %r1;\nL_skip:");
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => run.Launch(text, 1, 32, words));
        Assert.Equal((PtxFaultKind.Uniform, 0), (fault.Kind, fault.Thread));
        Assert.Contains("9 of 32 threads", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_warp_that_runs_on_and_on_is_stopped()
    {
        using var run = new TestRun(new MachineOptions { MaxBlocksBetweenBarriers = 1000 });
        ulong words = run.Allocate<int>(1);
        PtxFaultException fault = Assert.Throws<PtxFaultException>(
            () => run.Launch(TestRun.Text("L_on:\nadd.s32 %r1, %r1, 1;\nbra L_on;"), 1, 1, words));
        Assert.Equal(PtxFaultKind.Endless, fault.Kind);
    }

    [Theory]
    [InlineData(0u, 32u, "a block of 0 threads")]
    [InlineData(2000u, 1u, "a block of 2000 threads")]
    [InlineData(32u, 0u, "a grid of 0")]
    public void Launches_that_no_device_takes_are_refused(uint threads, uint blocks, string reason)
    {
        if (threads == 0)
            blocks = 1;
        using var run = new TestRun();
        ulong words = run.Allocate<int>(1);
        PtxFaultException fault = Assert.Throws<PtxFaultException>(
            () => run.Launch(TestRun.Text("mov.b32 %r1, 1;"), blocks, threads, words));
        Assert.Equal(PtxFaultKind.Launch, fault.Kind);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Special_registers_number_threads_and_blocks_in_three_dimensions()
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(3 * 2 * 2 * 40 * 2);
        string text = TestRun.Text("""
            ld.param.b64 %rd1, [p0];
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ctaid.y;
            mov.u32 %r3, %ctaid.z;
            mov.u32 %r4, %nctaid.x;
            mov.u32 %r5, %nctaid.y;
            mad.lo.s32 %r6, %r3, %r5, %r2;
            mad.lo.s32 %r6, %r6, %r4, %r1;
            mov.u32 %r7, %ntid.x;
            mov.u32 %r8, %tid.x;
            mad.lo.s32 %r9, %r6, %r7, %r8;
            mov.u32 %r10, %laneid;
            mov.u32 %r11, %warpid;
            mad.lo.s32 %r12, %r11, 32, %r10;
            mul.wide.u32 %rd2, %r9, 8;
            add.s64 %rd3, %rd1, %rd2;
            st.global.v2.b32 [%rd3], {%r9, %r12};
            """);
        run.Launch(Machine.Load(text).Single(), (3, 2, 2), 40, [BitConverter.GetBytes(words)]);
        int[] found = run.Read<int>(words, 3 * 2 * 2 * 40 * 2);
        Assert.Equal([.. Enumerable.Range(0, 480).SelectMany(at => new[] { at, at % 40 })], found);
    }
}
