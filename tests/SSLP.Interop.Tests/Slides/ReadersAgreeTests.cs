using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>The embedded reader against OpenSlide, pixel by pixel, over whole levels.</summary>
public class ReadersAgreeTests
{
    /// <summary>Both decode with libjpeg; another version of it may round otherwise.</summary>
    private const int MostDifference = 2;

    /// <summary>
    /// OpenSlide takes corners in level-0 pixels and interpolates where one falls between two pixels of the level: by at most
    /// 0.5 / downsample px, so by a quarter of the range of a byte on level 1. It cuts large regions into pieces of this side itself.
    /// </summary>
    private const int OpenSlidePiece = 4096, MostInterpolated = 64;

    public static TheoryData<string> BothOpen => new(
        "slides/CMU-1-Small-Region.svs",
        "slides/C3L-00601-26.pyr.tif",
        "slides/her2st_C2.pyr.tif",
        "slides/her2st_C3.pyr.tif",
        "slides/her2st_C4.pyr.tif",
        "slides/her2st_C5.pyr.tif",
        "formats/osp-boxes.tiff",
        "formats/osp-small.svs");

    [Theory]
    [MemberData(nameof(BothOpen))]
    public void Every_level_has_the_same_pixels(string file)
    {
        using var embedded = Slide.Open(TestData.Path(file), SlideReader.Embedded);
        using Slide openSlide = OpenWithOpenSlide(file);
        Assert.Equal(openSlide.Format, embedded.Format);
        Assert.Equal(openSlide.Levels, embedded.Levels);
        int compared = 0;
        for (int level = 0; level < embedded.Levels.Count; level++)
        {
            SlideLevel size = embedded.Levels[level];
            if (!AgreesWithItself(openSlide, level))
            {
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"level {level}, {size.Width} × {size.Height}: left out, OpenSlide gives other pixels on each call");
                continue;
            }
            compared++;
            (double worstMean, int worst, int worstBetween) = (0.0, 0, 0);
            int rows = level == 0 ? 1024 : OpenSlidePiece;
            for (int y = 0; y < size.Height; y += rows)
            {
                for (int x = 0; x < size.Width; x += OpenSlidePiece)
                {
                    int width = (int)Math.Min(OpenSlidePiece, size.Width - x), height = (int)Math.Min(rows, size.Height - y);
                    bool between = x * size.Downsample % 1 != 0 || y * size.Downsample % 1 != 0;
                    (double mean, int most) = Difference(embedded, openSlide, level, x, y, width, height);
                    (worstMean, worst, worstBetween) = (Math.Max(worstMean, mean), Math.Max(worst, between ? 0 : most),
                        Math.Max(worstBetween, between ? most : 0));
                    Assert.True(mean <= 1 && most <= (between ? MostInterpolated : MostDifference),
                        $"Level {level} of {file} at ({x}, {y}): mean difference {mean:F3}, largest {most}.");
                }
            }
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"level {level}, {size.Width} × {size.Height}: mean difference at most {worstMean:F4}, largest {worst}, where OpenSlide " +
                $"interpolates {worstBetween}");
        }
        Assert.True(compared > 0, $"OpenSlide agrees with itself on no level of {file}.");
        if (compared < embedded.Levels.Count)
            TestContext.Current.AddWarning(
                $"{file}: OpenSlide {OpenSlideLibrary.Version} gives other pixels on each call for {embedded.Levels.Count - compared} " +
                $"levels; they are not compared.");
    }

    /// <summary>
    /// OpenSlide 3.4.1 with an up-to-date libtiff (Debian 12's 4.5.0-6+deb12u4) leaves parts of tiles unset in levels narrower than a tile
    /// that are not JPEG: what it gives there is whatever the memory held. Two handles, so that no cache stands between.
    /// </summary>
    private static bool AgreesWithItself(Slide openSlide, int level)
    {
        SlideLevel size = openSlide.Levels[level];
        if (size.Width >= size.TileWidth && size.Height >= size.TileHeight)
            return true;
        byte[][] reads = [.. Enumerable.Range(0, 6).Select(time =>
        {
            using var slide = Slide.Open(openSlide.Path, SlideReader.OpenSlide);
            // What lies in the memory that it gets is of another value each time.
            byte[] dirt = GC.AllocateUninitializedArray<byte>(1 << 20);
            Array.Fill(dirt, (byte)time);
            byte[] rgb = new byte[size.Width * size.Height * 3];
            slide.ReadRegion(level, 0, 0, (int)size.Width, (int)size.Height, rgb);
            return rgb;
        })];
        return reads.All(rgb => rgb.AsSpan().SequenceEqual(reads[0]));
    }

    [Theory]
    [InlineData("slides/CMU-1-Small-Region.svs")]
    [InlineData("formats/osp-small.svs")]
    public void Associated_images_have_the_same_pixels(string file)
    {
        using var embedded = Slide.Open(TestData.Path(file), SlideReader.Embedded);
        using Slide openSlide = OpenWithOpenSlide(file);
        Assert.Equal(openSlide.AssociatedImages.Order(), embedded.AssociatedImages.Order());
        foreach (string name in embedded.AssociatedImages)
        {
            SlideImage ours = embedded.ReadAssociatedImage(name);
            SlideImage theirs = openSlide.ReadAssociatedImage(name);
            Assert.Equal((theirs.Width, theirs.Height), (ours.Width, ours.Height));
            int most = ours.Rgb.Zip(theirs.Rgb, (a, b) => Math.Abs(a - b)).Max();
            Assert.True(most <= MostDifference, $"'{name}' of {file} differs by {most}.");
        }
    }

    private static Slide OpenWithOpenSlide(string file)
    {
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine.");
        return Slide.Open(TestData.Path(file), SlideReader.OpenSlide);
    }

    private static (double Mean, int Most) Difference(Slide a, Slide b, int level, int x, int y, int width, int height)
    {
        byte[] first = new byte[width * height * 3], second = new byte[first.Length];
        a.ReadRegion(level, x, y, width, height, first);
        b.ReadRegion(level, x, y, width, height, second);
        long sum = 0;
        int most = 0;
        for (int i = 0; i < first.Length; i++)
        {
            int difference = Math.Abs(first[i] - second[i]);
            sum += difference;
            most = Math.Max(most, difference);
        }
        return ((double)sum / first.Length, most);
    }
}
