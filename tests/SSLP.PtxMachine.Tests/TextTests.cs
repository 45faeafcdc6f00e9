using System.Text;
using SSLP.Kernels;
using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>What the machine reads, and what it refuses, by line.</summary>
public sealed class TextTests
{
    [Fact]
    public void Every_embedded_text_is_read_with_its_parameters_threads_and_shared_memory()
    {
        foreach (EmbeddedKernel kernel in PtxLibrary.Kernels.Values)
        {
            MachineKernel read = Machine.Load(Encoding.ASCII.GetString(PtxLibrary.Text(kernel.Name))).Single();
            Assert.Equal((kernel.Entry, kernel.GroupSize, kernel.SharedBytes), (read.Entry, read.MaxThreads, read.SharedBytes));
        }
    }

    [Theory]
    [InlineData("tex.2d.v4.f32 {%f1, %f2, %f3, %f4}, [t, {%f1, %f2}];", "']' is expected before ','")]
    [InlineData("ex2.approx.f32 %f1, %f2;", "ex2.approx.f32 is not known")]
    [InlineData("add.rz.f32 %f1, %f2, %f3;", "add.rz.f32 is not known")]
    [InlineData("add.s32 %r1, %r2;", "takes 3 operands, not 2")]
    [InlineData("add.s32 %rd1, %r2, %r3;", "takes Bits32, but %rd1 is Bits64")]
    [InlineData("add.s32 %r1, %r2, %q9;", "names %q9, which is not known")]
    [InlineData("mov.u32 %r1, %clock;", "names %clock, which is not known")]
    [InlineData("ld.global.b32 %r1, %rd1;", "has other operands than are known")]
    [InlineData("ld.global.v4.b64 {%rd1, %rd2, %rd3, %rd4}, [%rd5];", "moves more than 16 bytes")]
    [InlineData("ld.param.b64 %rd1, [p0+8];", "reads 8 bytes at 8 of p0, which has 8")]
    [InlineData("ld.param.b64 %rd1, [p7];", "reads p7, which is no parameter")]
    [InlineData("bra L_none;", "there is no label L_none")]
    [InlineData("bar.sync 1;", "for barrier 0 alone")]
    [InlineData("@%p1 bar.sync 0;", "without a guard")]
    [InlineData("@%r1 add.s32 %r1, %r2, %r3;", "%r1 is not a predicate")]
    [InlineData("cp.async.cg.shared.global [%r1], [%rd1], 8;", "does not copy 8 bytes")]
    [InlineData("atom.add.global.u16 %r1, [%rd1], 1;", "is not known")]
    [InlineData(".local .align 4 .b8 depot[4];", "'.local' is not known here")]
    [InlineData("L_a:\nL_a:", "the label L_a is there twice")]
    [InlineData("mov.f32 %f1, 0d3FF0000000000000;", "takes 4 bytes, not a float of 8")]
    [InlineData("setp.lt.and.s32 %p1, %r1, %r2, %p2;", "is not known")]
    public void What_it_does_not_know_is_refused_by_line(string line, string reason)
    {
        string text = TestRun.Text(line);
        int expected = text.Split('\n').Index().First(at => at.Item.Contains(line.Split('\n')[^1], StringComparison.Ordinal)).Index + 1;
        PtxRefusedException refused = Assert.Throws<PtxRefusedException>(() => Machine.Load(text));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.InRange(refused.Line, expected, expected + 1);
    }

    [Theory]
    [InlineData(".version 8.0\n.target sm_80\n.address_size 32\n", "'64' is expected before '32'")]
    [InlineData(".version 6.0\n.target sm_80\n.address_size 64\n", "version 6.0 is not 7 or 8")]
    [InlineData(".version 8.0\n.target sm_80\n.address_size 64\n.visible .func f() { }",
        "'.visible' is not the beginning of a .visible .entry")]
    [InlineData(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { .reg .b32 %r<2>; mov.b32 %r1, 1;",
        "the text ends inside an entry")]
    [InlineData(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { .reg .b32 %r<2>; mov.b32 %r1, 1; }",
        "the entry ends without a ret")]
    [InlineData(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { .reg .b32 %r<2>; .reg .f32 %r1; ret; }",
        "%r1 is declared twice")]
    public void Texts_that_are_no_texts_are_refused(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<PtxRefusedException>(() => Machine.Load(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_name_of_an_inner_scope_hides_the_outer_one_and_is_gone_behind_it()
    {
        using var run = new TestRun();
        ulong to = run.Allocate<uint>(1);
        run.Launch(TestRun.Text("""
            ld.param.b64 %rd1, [p0];
            mov.b32 %r1, 7;
            {
            .reg .b32 %r1;
            mov.b32 %r1, 9;
            }
            st.global.b32 [%rd1], %r1;
            """), 1, 1, to);
        Assert.Equal(7u, run.Read<uint>(to, 1)[0]);
    }
}
