using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>cp.async: bytes are there behind the wait that covers them, for others behind a barrier, and not before.</summary>
public sealed class AsyncCopyTests
{
    private const string Begin = """
        ld.param.b64 %rd1, [p0];
        ld.param.b64 %rd2, [p1];
        mov.u32 %r1, %tid.x;
        mul.wide.u32 %rd3, %r1, 16;
        add.s64 %rd4, %rd1, %rd3;
        add.s64 %rd5, %rd2, %rd3;
        mov.u32 %r2, s;
        shl.b32 %r3, %r1, 4;
        add.u32 %r4, %r2, %r3;
        xor.b32 %r5, %r3, 16;
        add.u32 %r5, %r2, %r5;
        """;

    private const string Store = "\nst.global.v4.b32 [%rd5], {%r8, %r9, %r10, %r11};";
    private const string Copy = "\ncp.async.cg.shared.global [%r4], [%rd4], 16;\ncp.async.commit_group;";
    private const string Own = "\nld.shared.v4.b32 {%r8, %r9, %r10, %r11}, [%r4];",
        Other = "\nld.shared.v4.b32 {%r8, %r9, %r10, %r11}, [%r5];";
    private const string Wait = "\ncp.async.wait_group 0;", Barrier = "\nbar.sync 0;";

    [Theory]
    [InlineData(Copy + Wait + Own, PtxFaultKind.None)]
    [InlineData(Copy + Wait + Barrier + Other, PtxFaultKind.None)]
    [InlineData(Copy + Own + Wait, PtxFaultKind.AsyncCopy)]
    [InlineData(Copy + Barrier + Own + Wait, PtxFaultKind.AsyncCopy)]
    [InlineData(Copy + Wait + Other, PtxFaultKind.Race)]  // of another thread, without a barrier
    [InlineData(Copy + "\ncp.async.wait_group 1;" + Barrier + Own, PtxFaultKind.AsyncCopy)]
    // an empty group may be left
    [InlineData(Copy + "\ncp.async.commit_group;\ncp.async.wait_group 1;" + Barrier + Own, PtxFaultKind.None)]
    [InlineData(Copy + Wait + Barrier + Other + Copy + Wait, PtxFaultKind.Race)]  // over words that others still read
    [InlineData(Copy + Wait + Barrier + Other + Barrier + Copy + Wait, PtxFaultKind.None)]
    [InlineData(Copy + Copy + Wait + Own, PtxFaultKind.AsyncCopy)]  // over a copy that is not done
    [InlineData(Copy, PtxFaultKind.AsyncCopy)]  // nothing waits
    [InlineData("\ncp.async.cg.shared.global [%r4], [%rd4], 16;\ncp.async.wait_group 0;", PtxFaultKind.AsyncCopy)]  // in no group
    [InlineData("\ncp.async.cg.shared.global [%r4], [%rd4], 16;\ncp.async.wait_all;" + Own, PtxFaultKind.None)]
    public void Copies_are_seen_behind_their_waits(string body, PtxFaultKind expected)
    {
        foreach (ExecutionOrder order in Enum.GetValues<ExecutionOrder>())
        {
            using var run = new TestRun(new MachineOptions { Order = order });
            int[] values = [.. Enumerable.Range(0, 256)];
            ulong from = run.Upload<int>(values), to = run.Allocate<int>(256);
            bool stores = body.Contains("ld.shared", StringComparison.Ordinal);
            string text = TestRun.Text(Begin + body + (stores ? Store : ""), 2, ".shared .align 16 .b8 s[1024];");
            if (expected != PtxFaultKind.None)
            {
                Assert.Equal(expected, Assert.Throws<PtxFaultException>(() => run.Launch(text, 1, 64, from, to)).Kind);
                continue;
            }

            run.Launch(text, 1, 64, from, to);
            bool other = body.Contains(Other, StringComparison.Ordinal);
            Assert.Equal([.. values.Select(at => other ? at ^ 4 : at)], run.Read<int>(to, 256));
        }
    }

    [Fact]
    public void Bytes_beyond_the_source_s_size_are_zeros_and_not_read()
    {
        using var run = new TestRun();
        ulong from = run.Upload(1, 2, 3), to = run.Allocate<int>(4);
        run.Launch(TestRun.Text(
            Begin + "\nmov.b32 %r6, 12;\ncp.async.cg.shared.global [%r4], [%rd4], 16, %r6;\ncp.async.wait_all;" + Own + Store, 2,
            ".shared .align 16 .b8 s[1024];"), 1, 1, from, to);
        Assert.Equal([1, 2, 3, 0], run.Read<int>(to, 4));
    }

    [Theory]
    [InlineData("add.u32 %r4, %r4, 8;", PtxFaultKind.Alignment)]
    [InlineData("add.s64 %rd4, %rd4, 8;", PtxFaultKind.Alignment)]
    [InlineData("add.u32 %r4, %r4, 1024;", PtxFaultKind.Address)]
    [InlineData("add.s64 %rd4, %rd4, 1024;", PtxFaultKind.Address)]
    public void Both_ends_of_a_copy_are_checked(string move, PtxFaultKind expected)
    {
        using var run = new TestRun();
        ulong from = run.Upload<int>(new int[256]), to = run.Allocate<int>(256);
        string text = TestRun.Text(Begin + "\n" + move + Copy + Wait, 2, ".shared .align 16 .b8 s[1024];");
        Assert.Equal(expected, Assert.Throws<PtxFaultException>(() => run.Launch(text, 1, 64, from, to)).Kind);
    }
}
