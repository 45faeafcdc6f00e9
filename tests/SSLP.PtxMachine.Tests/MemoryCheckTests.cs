using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>Accesses that the ISA leaves undefined, and such as it defines, which must not be accused.</summary>
public sealed class MemoryCheckTests
{
    private const string Thread = "ld.param.b64 %rd1, [p0];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\n";
    private const string Shared = ".shared .align 4 .b8 s[256];";
    private const string SharedThread = "mov.u32 %r1, %tid.x;\nshl.b32 %r2, %r1, 2;\nmov.u32 %r3, s;\nadd.u32 %r4, %r3, %r2;\n";

    [Theory]
    [InlineData("st.global.b32 [%rd3+4], %r1;", 63)]  // the last thread's word is one too far
    [InlineData("ld.global.b32 %r2, [%rd3+8];", 62)]
    public void The_first_thread_outside_of_an_allocation_is_named(string access, int thread)
    {
        PtxFaultException fault = Fails(Thread + access, 1, 64, words: 64);
        Assert.Equal((PtxFaultKind.Address, thread), (fault.Kind, fault.Thread));
    }

    [Fact]
    public void Memory_that_was_freed_belongs_to_nobody()
    {
        using var run = new TestRun();
        ulong freed = run.Upload(1, 2, 3);
        Assert.True(run.Machine.Memory.Free(freed));
        Assert.False(run.Machine.Memory.Free(freed));
        Assert.Equal(PtxFaultKind.Address,
            Assert.Throws<PtxFaultException>(() => run.Launch(TestRun.Text(Thread + "ld.global.b32 %r2, [%rd3];"), 1, 1, freed)).Kind);
    }

    [Theory]
    [InlineData("st.shared.b32 [%r4+256], %r1;", PtxFaultKind.Address)]
    [InlineData("st.shared.b32 [%r4+2], %r1;", PtxFaultKind.Alignment)]
    [InlineData("st.shared.b32 [%r4+100000], %r1;", PtxFaultKind.Address)]
    [InlineData("ld.shared.b32 %r5, [%r4];", PtxFaultKind.Unwritten)]
    [InlineData("atom.add.shared.u32 %r5, [%r4], 1;", PtxFaultKind.Unwritten)]
    [InlineData("st.shared.b32 [%r4], 0;\nbar.sync 0;\nst.shared.b32 [%r4], %r1;\nld.shared.b32 %r5, [%r3];", PtxFaultKind.Race)]
    [InlineData("st.shared.b32 [%r4], %r1;\nbar.sync 0;\nld.shared.b32 %r5, [%r3];", PtxFaultKind.None)]
    [InlineData("st.shared.b32 [%r3], %r1;", PtxFaultKind.Race)]
    [InlineData("st.shared.b32 [%r4], %r1;\nbar.sync 0;\nld.shared.b32 %r5, [%r3];\nst.shared.b32 [%r4], %r5;", PtxFaultKind.Race)]
    [InlineData("st.shared.b32 [%r4], 0;\nbar.sync 0;\natom.add.shared.u32 %r5, [%r3], 1;", PtxFaultKind.None)]
    [InlineData("st.shared.b32 [%r4], 0;\nbar.sync 0;\natom.add.shared.u32 %r5, [%r3], 1;\nld.shared.b32 %r6, [%r3];", PtxFaultKind.Race)]
    [InlineData("st.shared.b32 [%r4], 0;\nbar.sync 0;\nld.shared.b32 %r6, [%r3];\nred.add.shared.u32 [%r3], 1;", PtxFaultKind.Race)]
    public void Shared_words_are_used_in_the_order_that_barriers_make(string accesses, PtxFaultKind expected)
    {
        foreach (ExecutionOrder order in Enum.GetValues<ExecutionOrder>())
        {
            using var run = new TestRun(new MachineOptions { Order = order });
            ulong nothing = run.Upload(0);
            string text = TestRun.Text(SharedThread + accesses, declarations: Shared);
            if (expected == PtxFaultKind.None)
                run.Launch(text, 2, 64, nothing);
            else
                Assert.Equal(expected, Assert.Throws<PtxFaultException>(() => run.Launch(text, 2, 64, nothing)).Kind);
        }
    }

    [Theory]
    [InlineData("st.global.b32 [%rd1], %r1;", PtxFaultKind.Race)]
    [InlineData("red.add.global.u32 [%rd1], 1;", PtxFaultKind.None)]
    [InlineData("red.add.global.u32 [%rd1], 1;\nld.global.b32 %r2, [%rd1];", PtxFaultKind.Race)]
    [InlineData("red.add.global.u32 [%rd1], 1;\nbar.sync 0;\nld.global.b32 %r2, [%rd1];", PtxFaultKind.Race)]  // other blocks add, too
    [InlineData("ld.global.b32 %r2, [%rd1];", PtxFaultKind.None)]
    [InlineData("ld.global.b32 %r2, [%rd1];\nmov.u32 %r3, %ctaid.x;\nsetp.eq.s32 %p1, %r3, 1;\n@%p1 st.global.b32 [%rd1], %r2;",
        PtxFaultKind.Race)]
    [InlineData("mov.u32 %r3, %ctaid.x;\nsetp.eq.s32 %p1, %r3, 0;\n@%p1 st.global.b32 [%rd1], %r3;\nbar.sync 0;\nld.global.b32 %r2, " +
        "[%rd1];", PtxFaultKind.Race)]
    public void Blocks_of_a_launch_are_ordered_by_nothing(string accesses, PtxFaultKind expected)
    {
        foreach (ExecutionOrder order in Enum.GetValues<ExecutionOrder>())
        {
            using var run = new TestRun(new MachineOptions { Order = order });
            ulong word = run.Upload(5);
            string text = TestRun.Text(Thread + accesses);
            if (expected == PtxFaultKind.None)
                run.Launch(text, 3, 1, word);
            else
                Assert.Equal(expected, Assert.Throws<PtxFaultException>(() => run.Launch(text, 3, 1, word)).Kind);
        }
    }

    [Fact]
    public void What_an_earlier_launch_wrote_is_there_and_what_it_left_is_not()
    {
        using var run = new TestRun();
        ulong words = run.Allocate<int>(64);
        run.Launch(TestRun.Text(Thread + "st.global.b32 [%rd3], %r1;"), 1, 32, words);
        run.Launch(TestRun.Text(Thread + "ld.global.b32 %r2, [%rd3];"), 1, 32, words);
        PtxFaultException fault = Assert.Throws<PtxFaultException>(
            () => run.Launch(TestRun.Text(Thread + "ld.global.b32 %r2, [%rd3];"), 1, 33, words));
        Assert.Equal((PtxFaultKind.Unwritten, 32), (fault.Kind, fault.Thread));
    }

    [Fact]
    public void Bytes_and_vectors_are_extended_and_split_by_their_types()
    {
        using var run = new TestRun();
        ulong from = run.Upload<byte>(0xff, 0x80, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), to = run.Allocate<uint>(8);
        run.Launch(TestRun.Text("""
            ld.param.b64 %rd1, [p0];
            ld.param.b64 %rd2, [p1];
            ld.global.u8 %h1, [%rd1+1];
            cvt.u32.u8 %r1, %h1;
            ld.global.s8 %h2, [%rd1+1];
            cvt.s32.s8 %r2, %h2;
            ld.global.v4.b32 {%r3, %r4, %r5, %r6}, [%rd1];
            st.global.v2.b32 [%rd2], {%r1, %r2};
            st.global.v4.b32 [%rd2+16], {%r6, %r5, %r4, %r3};
            """, 2), 1, 1, from, to);
        Assert.Equal([0x80u, 0xffffff80], run.Read<uint>(to, 2));
        Assert.Equal([0x100f0e0du, 0x0c0b0a09, 0x08070605, 0x040380ff], run.Read<uint>(to + 16, 4));
    }

    [Fact]
    public void Memory_of_the_host_can_be_lent_and_is_not_known_behind_the_loan()
    {
        using var run = new TestRun();
        float[] tensor = [1, 2, 3, 4];
        unsafe
        {
            fixed (float* data = tensor)
            {
                string text = TestRun.Text(Thread + "ld.global.f32 %f1, [%rd3];\nadd.rn.f32 %f1, %f1, %f1;\nst.global.f32 [%rd3], %f1;");
                using (run.Machine.Memory.Lend(data, 16))
                    run.Launch(text, 1, 4, (ulong)data);
                Assert.Equal([2f, 4, 6, 8], tensor);
                ulong address = (ulong)data;
                Assert.Equal(PtxFaultKind.Address, Assert.Throws<PtxFaultException>(() => run.Launch(text, 1, 4, address)).Kind);
            }
        }
    }

    [Fact]
    public void A_generic_address_leads_to_shared_or_to_global_memory()
    {
        using var run = new TestRun();
        ulong word = run.Upload(41), to = run.Allocate<int>(2);
        run.Launch(TestRun.Text("""
            ld.param.b64 %rd1, [p0];
            ld.param.b64 %rd2, [p1];
            mov.u64 %rd3, s;
            st.shared.b32 [%rd3], 7;
            cvta.shared.u64 %rd4, %rd3;
            cvta.global.u64 %rd5, %rd1;
            ld.b32 %r1, [%rd4];
            ld.b32 %r2, [%rd5];
            st.global.v2.b32 [%rd2], {%r1, %r2};
            """, 2, Shared), 1, 1, word, to);
        Assert.Equal([7, 41], run.Read<int>(to, 2));
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => run.Launch(
            TestRun.Text("mov.u64 %rd3, s;\ncvta.shared.u64 %rd4, %rd3;\nst.shared.b32 [%rd4], 1;", 1, Shared), 1, 1, word));
        Assert.Equal(PtxFaultKind.Address, fault.Kind);
    }

    [Theory]
    [InlineData("add.u32", 5, 3, 8)]
    [InlineData("min.s32", -5, 3, -5)]
    [InlineData("max.s32", -5, 3, 3)]
    [InlineData("exch.b32", 5, 3, 3)]
    [InlineData("and.b32", 6, 3, 2)]
    [InlineData("or.b32", 6, 3, 7)]
    public void Atomics_give_the_old_value_and_leave_the_new_one(string operation, int old, int with, int expected)
    {
        string[] words = operation.Split('.');
        using var run = new TestRun();
        ulong word = run.Upload(old), to = run.Allocate<int>(1);
        run.Launch(TestRun.Text(
            $"ld.param.b64 %rd1, [p0];\nld.param.b64 %rd2, [p1];\natom.global.{words[0]}.{words[1]} %r1, [%rd1], {with};\nst.global.b32 " +
            $"[%rd2], %r1;", 2), 1, 1, word, to);
        Assert.Equal(expected, run.Read<int>(word, 1)[0]);
        Assert.Equal(old, run.Read<int>(to, 1)[0]);
    }

    private static PtxFaultException Fails(string body, uint blocks, uint threads, int words)
    {
        using var run = new TestRun();
        ulong memory = run.Upload<int>(new int[words]);
        return Assert.Throws<PtxFaultException>(() => run.Launch(TestRun.Text(body), blocks, threads, memory));
    }
}
