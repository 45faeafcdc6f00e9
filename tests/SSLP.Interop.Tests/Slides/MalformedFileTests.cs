using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Files that must be refused or survived, each with a sentence.</summary>
public class MalformedFileTests
{
    public static TheoryData<string, SlideFault> Refused => new()
    {
        { "derived-directory.svs", SlideFault.NotASlide },
        { "derived-empty.svs", SlideFault.NotASlide },
        { "derived-magic-only.svs", SlideFault.Truncated },
        { "derived-png-named.svs", SlideFault.NotASlide },
        { "derived-strip-lzw.tif", SlideFault.UnsupportedFormat },
        { "derived-text.svs", SlideFault.NotASlide },
        { "derived-trunc-4k.svs", SlideFault.Truncated },
        { "derived-trunc-90pct.svs", SlideFault.Truncated },
        { "histolab-broken.svs", SlideFault.NotASlide },
        { "largeimage-grey10kx5k.tif", SlideFault.UnsupportedFormat },
        { "largeimage-small_la.tiff", SlideFault.UnsupportedPixels },
        { "largeimage-test_orient3.tif", SlideFault.UnsupportedPixels },
        { "wsiprocess-corrupted.ndpi", SlideFault.NotASlide },
        { "no-such-file.svs", SlideFault.NotFound },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Is_refused_with_a_sentence(string file, SlideFault fault)
    {
        string path = TestData.Path("malformed", file);
        var refusal = Assert.Throws<SlideException>(() => Slide.Open(path));
        TestContext.Current.TestOutputHelper?.WriteLine(refusal.Message);
        Assert.Equal(fault, refusal.Fault);
        Assert.StartsWith(path + ": ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }
}
