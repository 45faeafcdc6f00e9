using SSLP.PtxMachine.Counting;
using SSLP.PtxMachine.Program;
using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>Counts of launches whose traffic is known.</summary>
public sealed class CountTests
{
    private const string Thread = "ld.param.b64 %rd1, [p0];\nmov.u32 %r1, %tid.x;\n";

    [Theory]
    [InlineData(4, 4)]  // 32 neighbouring words: 128 bytes
    [InlineData(8, 8)]  // every other word
    [InlineData(32, 32)]
    [InlineData(512, 32)]
    [InlineData(0, 1)]
    public void A_request_of_a_warp_touches_sectors(int stride, int sectors)
    {
        LaunchCounts counts = Run($"mul.wide.u32 %rd2, %r1, {stride};\nadd.s64 %rd3, %rd1, %rd2;\nld.global.b32 %r2, [%rd3];", 32,
            Math.Max(32 * stride, 32));
        Assert.Equal(sectors, counts.Traffic!.GlobalLoadSectors);
        Assert.Equal(128, counts.Traffic.GlobalLoadBytes);
        Assert.Equal(sectors, counts.Traffic.TouchedSectors);
        Assert.Equal(1, counts[InstructionClass.GlobalLoad]);
    }

    [Fact]
    public void Sectors_that_are_touched_again_are_requested_again_but_moved_once()
    {
        const string Loads =
            "mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nld.global.b32 %r2, [%rd3];\nld.global.b32 %r3, " +
            "[%rd3];\nst.global.b32 [%rd3], %r2;";
        TrafficCounts traffic = Run(Loads, 64, 256).Traffic!;
        Assert.Equal((16, 8, 8), (traffic.GlobalLoadSectors, traffic.GlobalStoreSectors, traffic.TouchedSectors));
        Assert.Equal((8, 8), (traffic.ReadSectors, traffic.WrittenSectors));
        Assert.Equal((512, 256), (traffic.GlobalLoadBytes, traffic.GlobalStoreBytes));
    }

    [Theory]
    [InlineData("shl.b32 %r2, %r1, 2;", 1)]
    [InlineData("shl.b32 %r2, %r1, 3;", 2)]
    [InlineData("shl.b32 %r2, %r1, 7;", 32)]
    [InlineData("mul.lo.s32 %r2, %r1, 132;", 1)]  // a row of 33 words
    public void Lanes_that_want_different_words_of_a_bank_wait_for_each_other(string address, int passes)
    {
        TrafficCounts traffic = Run($"{address}\nmov.u32 %r3, s;\nadd.u32 %r3, %r3, %r2;\nst.shared.b32 [%r3], %r1;", 32, 32).Traffic!;
        Assert.Equal((1, 1, passes), (traffic.SharedRequests, traffic.SharedIdeal, traffic.SharedWavefronts));
        Assert.Equal(passes - 1, traffic.BankConflicts);
    }

    [Fact]
    public void A_word_that_all_want_is_given_in_one_pass_and_sixteen_bytes_a_lane_take_four()
    {
        const string Stores =
            "shl.b32 %r2, %r1, 4;\nmov.u32 %r3, s;\nadd.u32 %r4, %r3, %r2;\nst.shared.v4.b32 [%r4], {%r1, %r1, %r1, %r1};\nbar.sync " +
            "0;\nld.shared.b32 %r5, [%r3];";
        TrafficCounts traffic = Run(Stores, 32, 32).Traffic!;
        Assert.Equal((2, 5, 5), (traffic.SharedRequests, traffic.SharedIdeal, traffic.SharedWavefronts));
    }

    [Fact]
    public void Instructions_are_counted_by_class_and_by_thread()
    {
        LaunchCounts counts = Run(
            "add.s32 %r2, %r1, 1;\nfma.rn.f32 %f1, %f2, %f3, %f4;\nsetp.lt.s32 %p1, %r1, 8;\n@%p1 bra L_skip;\nadd.s32 %r2, %r2, " +
            "1;\nL_skip:\nred.add.global.u32 [%rd1], 1;\nbar.sync 0;", 40, 32);
        Assert.Equal((4, 2, 2, 2, 2),
            (counts[InstructionClass.Integer], counts[InstructionClass.Float32], counts[InstructionClass.Predicate],
                counts[InstructionClass.GlobalAtomic], counts[InstructionClass.Barrier]));
        Assert.Equal(40, counts.Traffic!.GlobalAtomics);
        // Two to begin with, then add, fma, setp, bra, red, bar, ret by all, and add by those that do not branch.
        Assert.Equal(9 * 40 + 32, counts.ThreadInstructions);
    }

    private static LaunchCounts Run(string body, uint threads, int bytes)
    {
        using var run = new TestRun(new MachineOptions { CountTraffic = true });
        ulong memory = run.Upload<byte>(new byte[bytes]);
        run.Launch(TestRun.Text(Thread + body, declarations: ".shared .align 16 .b8 s[4352];"), 1, threads, memory);
        return run.Machine.Launches.Single();
    }
}
