using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>Single instructions against what the ISA says of them, by bits.</summary>
public sealed class ArithmeticTests
{
    private const uint Nan = 0x7fc00001, Canonical = 0x7fffffff, MinusZero = 0x80000000, Infinity = 0x7f800000, Tiny = 1,
        MinusInfinity = 0xff800000;
    private const uint One = 0x3f800000, Two = 0x40000000, Three = 0x40400000, Third = 0x3eaaaaab;

    /// <summary>Opcode, sources, result: 32 bits each.</summary>
    [Theory]
    // Rounding to nearest even: 1 + 2⁻²⁴ is halfway and goes to 1, 1 + 2⁻²³ + 2⁻²⁴ to 1 + 2⁻²².
    [InlineData("add.f32", One, 0x33800000, One)]
    [InlineData("add.rn.f32", 0x3f800001, 0x33800000, 0x3f800002)]
    [InlineData("sub.rn.f32", One, One, 0)]
    [InlineData("mul.rn.f32", Tiny, Two, 2)]  // subnormals are kept
    [InlineData("mul.f32", MinusZero, One, MinusZero)]
    [InlineData("div.rn.f32", One, Three, Third)]
    [InlineData("div.rn.f32", One, MinusZero, MinusInfinity)]
    // NaN results are the canonical one.
    [InlineData("add.rn.f32", Nan, One, Canonical)]
    [InlineData("sub.rn.f32", Infinity, Infinity, Canonical)]
    [InlineData("mul.rn.f32", Infinity, 0, Canonical)]
    [InlineData("div.rn.f32", 0, 0, Canonical)]
    // Minima and maxima drop a NaN, unless they are told to keep it; −0 is below +0.
    [InlineData("min.f32", Nan, One, One)]
    [InlineData("max.f32", One, Nan, One)]
    [InlineData("max.f32", Nan, Nan, Canonical)]
    [InlineData("min.f32", 0, MinusZero, MinusZero)]
    [InlineData("max.f32", MinusZero, 0, 0)]
    [InlineData("min.NaN.f32", Nan, One, Canonical)]
    [InlineData("max.NaN.f32", One, Nan, Canonical)]
    [InlineData("max.NaN.f32", One, Two, Two)]
    // Shifts beyond the width give zeros or signs.
    [InlineData("shl.b32", 1, 31, 0x80000000)]
    [InlineData("shl.b32", 1, 32, 0)]
    [InlineData("shr.u32", 0x80000000, 33, 0)]
    [InlineData("shr.s32", 0x80000000, 33, 0xffffffff)]
    [InlineData("shr.s32", 0x80000000, 4, 0xf8000000)]
    [InlineData("add.s32", 0xffffffff, 2, 1)]
    [InlineData("sub.u32", 1, 2, 0xffffffff)]
    [InlineData("mul.lo.s32", 0x10001, 0x10001, 0x20001)]
    [InlineData("mul.hi.u32", 0xffffffff, 0xffffffff, 0xfffffffe)]
    [InlineData("mul.hi.s32", 0xffffffff, 2, 0xffffffff)]
    [InlineData("div.s32", 0xfffffff9, 2, 0xfffffffd)]  // −7 / 2 is cut towards zero
    [InlineData("rem.s32", 0xfffffff9, 2, 0xffffffff)]
    [InlineData("div.u32", 0xfffffff9, 2, 0x7ffffffc)]
    [InlineData("div.s32", 0x80000000, 0xffffffff, 0x80000000)]
    [InlineData("rem.s32", 0x80000000, 0xffffffff, 0)]
    [InlineData("min.s32", 0xffffffff, 1, 0xffffffff)]
    [InlineData("min.u32", 0xffffffff, 1, 1)]
    [InlineData("max.s32", 0xffffffff, 1, 1)]
    [InlineData("and.b32", 12, 10, 8)]
    [InlineData("or.b32", 12, 10, 14)]
    [InlineData("xor.b32", 12, 10, 6)]
    public void Two_sources_give_what_the_ISA_says(string opcode, uint a, uint b, uint expected) =>
        Assert.Equal(expected, Run($"{opcode} %r3, %r1, %r2;", a, b));

    [Theory]
    [InlineData("neg.f32", One, 0xbf800000)]
    [InlineData("neg.f32", 0, MinusZero)]
    [InlineData("abs.f32", 0xbf800000, One)]
    [InlineData("rcp.rn.f32", Three, Third)]
    [InlineData("rcp.rn.f32", MinusZero, MinusInfinity)]
    [InlineData("sqrt.rn.f32", Two, 0x3fb504f3)]
    [InlineData("sqrt.rn.f32", 0xbf800000, Canonical)]
    [InlineData("not.b32", 5, 0xfffffffa)]
    [InlineData("neg.s32", 5, 0xfffffffb)]
    [InlineData("abs.s32", 0xfffffffb, 5)]
    [InlineData("popc.b32", 0xf0f, 8)]
    [InlineData("clz.b32", 0xf0f, 20)]
    // Floats to integers: rounded as written, clamped, 0 of a NaN.
    [InlineData("cvt.rzi.s32.f32", 0xc0200000, 0xfffffffe)]  // −2.5
    [InlineData("cvt.rni.s32.f32", 0xc0200000, 0xfffffffe)]
    [InlineData("cvt.rmi.s32.f32", 0xc0200000, 0xfffffffd)]
    [InlineData("cvt.rpi.s32.f32", 0xc0200000, 0xfffffffe)]
    [InlineData("cvt.rni.s32.f32", 0x40600000, 4)]  // 3.5
    [InlineData("cvt.rzi.s32.f32", 0x4f800000, 0x7fffffff)]  // 2³²
    [InlineData("cvt.rzi.u32.f32", 0xbf800000, 0)]
    [InlineData("cvt.rzi.s32.f32", Nan, 0)]
    [InlineData("cvt.rmi.f32.f32", 0xc0200000, 0xc0400000)]
    [InlineData("cvt.rn.f32.s32", 0x01000001, 0x4b800000)]  // 2²⁴ + 1 is halfway
    [InlineData("cvt.rn.f32.s32", 0xffffffff, 0xbf800000)]
    [InlineData("cvt.rn.f32.u32", 0xffffffff, 0x4f800000)]
    public void One_source_gives_what_the_ISA_says(string opcode, uint a, uint expected) =>
        Assert.Equal(expected, Run($"{opcode} %r3, %r1;", a, 0));

    [Theory]
    [InlineData("eq.f32", One, One, true)]
    [InlineData("eq.f32", 0, MinusZero, true)]
    [InlineData("ne.f32", One, Two, true)]
    [InlineData("lt.f32", One, Two, true)]
    [InlineData("ge.f32", One, Two, false)]
    [InlineData("eq.f32", Nan, Nan, false)]
    [InlineData("ne.f32", Nan, One, false)]
    [InlineData("lt.f32", Nan, One, false)]
    [InlineData("ge.f32", Nan, One, false)]
    [InlineData("equ.f32", Nan, One, true)]
    [InlineData("neu.f32", Nan, One, true)]
    [InlineData("ltu.f32", Nan, One, true)]
    [InlineData("geu.f32", One, Nan, true)]
    [InlineData("gtu.f32", One, Two, false)]
    [InlineData("num.f32", One, Nan, false)]
    [InlineData("nan.f32", One, Nan, true)]
    [InlineData("lt.s32", 0xffffffff, 0, true)]
    [InlineData("lo.u32", 0xffffffff, 0, false)]
    [InlineData("hs.u32", 0xffffffff, 0, true)]
    [InlineData("ls.u32", 3, 3, true)]
    [InlineData("hi.u32", 3, 3, false)]
    public void Comparisons_know_NaN_and_signs(string comparison, uint a, uint b, bool expected) =>
        Assert.Equal(expected ? 1u : 0u, Run($"setp.{comparison} %p1, %r1, %r2;\nselp.b32 %r3, 1, 0, %p1;", a, b));

    [Fact]
    public void A_fused_product_is_not_rounded()
    {
        // (1 + 2⁻¹²)² − 1 − 2⁻¹¹ = 2⁻²⁴: a rounded product would give 0.
        const string Fused = "fma.rn.f32 %r3, %r1, %r1, 0fBF801000;", Apart = "mul.f32 %r2, %r1, %r1;\nadd.f32 %r3, %r2, 0fBF801000;";
        Assert.Equal(0x33800000u, Run(Fused, 0x3f800800, 0));
        Assert.Equal(0u, Run(Apart, 0x3f800800, 0));
    }

    [Theory]
    [InlineData("cvt.s64.s32 %rd1, %r1;", 0xffffffff, 0xffffffffffffffff)]
    [InlineData("cvt.u64.u32 %rd1, %r1;", 0xffffffff, 0xffffffff)]
    [InlineData("mul.wide.u32 %rd1, %r1, %r1;", 0xffffffff, 0xfffffffe00000001)]
    [InlineData("mul.wide.s32 %rd1, %r1, %r1;", 0xffffffff, 1)]
    [InlineData("cvt.rzi.s64.f32 %rd1, %r1;", Nan, 0x8000000000000000)]
    [InlineData("cvt.rzi.s64.f32 %rd1, %r1;", Infinity, 0x7fffffffffffffff)]
    [InlineData("cvt.f64.f32 %rd1, %r1;", Third, 0x3fd5555560000000)]
    [InlineData("cvt.rn.f64.s32 %rd1, %r1;", 0xffffffff, 0xbff0000000000000)]
    public void Wide_results_take_their_sign_and_their_range_from_the_types(string instruction, uint a, ulong expected) =>
        Assert.Equal(expected, Wide(instruction, a));

    [Theory]
    [InlineData("cvt.s32.s64 %r3, %rd1;", 0x1234567890, 0x34567890)]
    [InlineData("cvt.rzi.s32.f64 %r3, %rd1;", 0x7ff8000000000000, 0x80000000)]  // a 64-bit NaN is the integer with the top bit alone
    [InlineData("cvt.rzi.s32.f64 %r3, %rd1;", 0xc0f86a0000000000, 0xfffe7960)]  // −10⁵
    [InlineData("cvt.rn.f32.f64 %r3, %rd1;", 0x3ff0000010000000, One)]  // 1 + 2⁻²⁴: halfway, to even
    [InlineData("cvt.rn.f32.f64 %r3, %rd1;", 0x7ff8000000000001, Canonical)]
    public void Narrow_results_are_cut_or_rounded(string instruction, ulong a, uint expected)
    {
        using var run = new TestRun();
        ulong source = run.Upload(a), to = run.Allocate<uint>(1);
        run.Launch(TestRun.Text($"ld.param.b64 %rd2, [p0];\nld.global.b64 %rd1, [%rd2];\n{instruction}\nld.param.b64 %rd3, " +
            $"[p1];\nst.global.b32 [%rd3], %r3;", 2), 1, 1, source, to);
        Assert.Equal(expected, run.Read<uint>(to, 1)[0]);
    }

    // Types say what bits mean, not registers: .b32 registers serve all.
    private static uint Run(string instruction, uint a, uint b)
    {
        using var run = new TestRun();
        ulong from = run.Upload(a, b), to = run.Allocate<uint>(1);
        run.Launch(TestRun.Text($"""
            ld.param.b64 %rd1, [p0];
            ld.global.b32 %r1, [%rd1];
            ld.global.b32 %r2, [%rd1+4];
            {instruction}
            ld.param.b64 %rd2, [p1];
            st.global.b32 [%rd2], %r3;
            """, 2), 1, 1, from, to);
        return run.Read<uint>(to, 1)[0];
    }

    private static ulong Wide(string instruction, uint a)
    {
        using var run = new TestRun();
        ulong from = run.Upload(a), to = run.Allocate<ulong>(1);
        run.Launch(TestRun.Text(
            $"ld.param.b64 %rd2, [p0];\nld.global.b32 %r1, [%rd2];\n{instruction}\nld.param.b64 %rd3, [p1];\nst.global.b64 [%rd3], %rd1;",
            2), 1, 1, from, to);
        return run.Read<ulong>(to, 1)[0];
    }
}
