using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
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
        { "histolab-broken.svs", SlideFault.NotASlide },
        { "largeimage-grey10kx5k.tif", SlideFault.UnsupportedFormat },
        { "largeimage-test_orient3.tif", SlideFault.UnsupportedPixels },
        { "wsiprocess-corrupted.ndpi", SlideFault.NotASlide },
        { "no-such-file.svs", SlideFault.NotFound },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Is_refused_with_a_sentence(string file, SlideFault fault)
    {
        string path = TestData.Path("malformed", file);
        SlideException refusal = Assert.Throws<SlideException>(() => Slide.Open(path));
        TestContext.Current.TestOutputHelper?.WriteLine(refusal.Message);
        Assert.Equal(fault, refusal.Fault);
        Assert.StartsWith(path + ": ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void A_file_cut_behind_its_pyramid_serves_and_says_what_is_lost()
    {
        using var slide = Slide.Open(TestData.Path("malformed", "derived-trunc-90pct.svs"), SlideReader.Embedded);
        Assert.Equal((2220, 2967), (slide.Levels[0].Width, slide.Levels[0].Height));
        Assert.Equal(0, slide.VerifyTiles(deep: true).Unreadable);
        Assert.Contains(slide.Notes, note => note.Contains("directory at byte 1850194", StringComparison.Ordinal));
        Assert.Equal(["thumbnail"], slide.AssociatedImages);
    }

    [Fact]
    public void Pixels_that_only_OpenSlide_reads_go_to_it()
    {
        string path = TestData.Path("malformed", "largeimage-small_la.tiff");
        Assert.Equal(SlideFault.UnsupportedPixels, Assert.Throws<SlideException>(() => Slide.Open(path, SlideReader.Embedded)).Fault);
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine (apt install libopenslide0).");
        using var slide = Slide.Open(path);
        Assert.Equal(SlideReader.OpenSlide, slide.Reader);
    }
}
