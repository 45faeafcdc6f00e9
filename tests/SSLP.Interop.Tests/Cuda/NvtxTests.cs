using SSLP.Interop.Cuda;
using SSLP.Tests.Native;
using Xunit;

namespace SSLP.Interop.Tests.Cuda;

/// <summary>Ranges as a tool gets them, through the injection protocol of NVTX 3. A process has one tool, so that one test attaches
/// it.</summary>
public sealed class NvtxTests(NvtxRecorder tool) : IClassFixture<NvtxRecorder>
{
    [Fact]
    public void A_tool_is_told_of_domains_strings_and_ranges()
    {
        tool.Require();
        // A tool that refuses leaves nothing behind, and neither does what is no tool.
        Refused(tool.Build("refusing", "-DREFUSES"), "does not start");
        Refused("/nowhere/libtool.so", "'/nowhere/libtool.so' cannot be loaded");
        Refused("libm.so.6", "it has no InitializeInjectionNvtx2");

        Assert.True(Nvtx.TryAttach(tool.Library, out Nvtx? nvtx, out string? reason), reason);
        Assert.True(Nvtx.TryAttach(tool.Library, out Nvtx? again, out _));
        Assert.Same(nvtx, again);
        NvtxDomain domain = nvtx.CreateDomain("SSLP");
        NvtxName forward = domain.Register("forward"), bank = domain.Register("bank step");
        Assert.Equal(["domain SSLP", "string forward domain=d0", "string bank step domain=d0"], tool.Record);

        tool.Forget();
        domain.Push(forward, 1L << 33, 0xFF2E86DE);
        domain.Push(bank, 0, 0xFF000000);
        domain.Pop();
        var other = new Thread(() =>
        {
            domain.Push(bank, 7, 0);
            domain.Pop();
        });
        other.Start();
        other.Join();
        domain.Pop();
        Assert.Equal(
            [
                "push forward bytes=8589934592 depth=0 thread=1 domain=d0 version=3 size=0 color=ff2e86de types=113",
                "push bank step bytes=0 depth=1 thread=1 domain=d0 version=3 size=0 color=ff000000 types=113",
                "pop depth=1 thread=1 domain=d0",
                "push bank step bytes=7 depth=0 thread=2 domain=d0 version=3 size=0 color=00000000 types=113",
                "pop depth=0 thread=2 domain=d0",
                "pop depth=0 thread=1 domain=d0",
            ],
            tool.Record);
        tool.Forget();

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            domain.Push(forward, i, 0);
            domain.Pop();
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        // A name that the tool does not register is sent as text.
        NvtxName last = forward;
        for (int i = 0; i < 300; i++)
            last = domain.Register($"name {i}");
        Assert.Equal(0, last.Registered);
        tool.Forget();
        domain.Push(last, 1, 0);
        domain.Pop();
        Assert.StartsWith("push name 299 bytes=1 ", tool.Record[0], StringComparison.Ordinal);
        Assert.EndsWith("types=111", tool.Record[0], StringComparison.Ordinal);
        Refused(tool.Build("second"), "a process has one NVTX tool");
    }

    private static void Refused(string library, string sentence)
    {
        Assert.False(Nvtx.TryAttach(library, out Nvtx? nvtx, out string? reason));
        Assert.Null(nvtx);
        Assert.Contains(sentence, reason, StringComparison.Ordinal);
    }
}
