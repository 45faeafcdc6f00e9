using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>What a slide says of itself, and regions at and beyond its edges.</summary>
public class SlideTests
{
    private const string Svs = "slides/CMU-1-Small-Region.svs";

    [Fact]
    public void An_svs_states_its_levels_mpp_and_images()
    {
        using var slide = Slide.Open(TestData.Path(Svs));
        Assert.Equal(SlideReader.Embedded, slide.Reader);
        Assert.Equal("aperio", slide.Format);
        Assert.Equal([new SlideLevel(2220, 2967, 1, 240, 240)], slide.Levels);
        Assert.Equal(new Mpp(0.499, 0.499, "aperio.MPP"), slide.Mpp);
        Assert.Equal("20", slide.Properties["aperio.AppMag"]);
        Assert.Equal(["label", "macro", "thumbnail"], slide.AssociatedImages);
    }

    [Theory]
    [InlineData(SlideReader.Embedded)]
    [InlineData(SlideReader.OpenSlide)]
    public void A_resolution_tag_of_a_scanner_is_the_mpp(SlideReader reader)
    {
        SkipWithoutOpenSlide(reader);
        using var slide = Slide.Open(TestData.Path("slides/her2st_C2.pyr.tif"), reader);
        Assert.NotNull(slide.Mpp);
        Assert.Equal(10_000 / (7421363 / 512.0), slide.Mpp.X, 1e-6);
        Assert.Equal("tiff.ResolutionUnit", slide.Mpp.Source);
    }

    [Theory]
    [InlineData("slides/C3L-00601-26.pyr.tif", SlideReader.Embedded)]
    [InlineData("slides/C3L-00601-26.pyr.tif", SlideReader.OpenSlide)]
    [InlineData("formats/osp-boxes.tiff", SlideReader.Embedded)]
    [InlineData("slides/TCGA-CR-7395-01A-01-TS1.svs", SlideReader.Auto)]
    public void A_print_resolution_is_no_mpp(string file, SlideReader reader)
    {
        SkipWithoutOpenSlide(reader == SlideReader.Auto ? SlideReader.OpenSlide : reader);
        using var slide = Slide.Open(TestData.Path(file), reader);
        Assert.Null(slide.Mpp);
    }

    [Fact]
    public void A_compression_that_only_OpenSlide_reads_goes_to_it()
    {
        string path = TestData.Path("malformed", "largeimage-yb10kx5k.zstd.tiff");
        SlideException refusal = Assert.Throws<SlideException>(() => Slide.Open(path, SlideReader.Embedded));
        Assert.Equal(SlideFault.UnsupportedCompression, refusal.Fault);
        Assert.Contains("Zstandard", refusal.Message, StringComparison.Ordinal);
        SkipWithoutOpenSlide(SlideReader.OpenSlide);
        using var slide = Slide.Open(path);
        Assert.Equal(SlideReader.OpenSlide, slide.Reader);
        Assert.Equal(5, slide.Levels.Count);
    }

    [Theory]
    [InlineData(SlideReader.Embedded)]
    [InlineData(SlideReader.OpenSlide)]
    public void Outside_of_the_slide_is_white(SlideReader reader)
    {
        SkipWithoutOpenSlide(reader);
        using var slide = Slide.Open(TestData.Path(Svs), reader);
        SlideLevel level = slide.Levels[0];
        const int Side = 33;
        byte[] corner = Read(slide, -10, -7, Side), inside = Read(slide, 0, 0, Side);
        for (int y = 0; y < Side; y++)
        {
            for (int x = 0; x < Side; x++)
            {
                Span<byte> expected = x < 10 || y < 7 ? [255, 255, 255] : inside.AsSpan((((y - 7) * Side) + x - 10) * 3, 3);
                Assert.True(corner.AsSpan(((y * Side) + x) * 3, 3).SequenceEqual(expected), $"({x}, {y})");
            }
        }
        Assert.All(Read(slide, level.Width, 0, Side), value => Assert.Equal(255, value));
        Assert.All(Read(slide, 0, -Side, Side), value => Assert.Equal(255, value));
        Assert.All(Read(slide, long.MaxValue / 4, long.MinValue / 4, Side), value => Assert.Equal(255, value));
        Assert.Equal(255, Read(slide, level.Width - Side + 1, level.Height - Side + 1, Side)[^1]);
    }

    [Fact]
    public void A_stride_leaves_the_bytes_between_rows_alone()
    {
        using var slide = Slide.Open(TestData.Path(Svs));
        const int Width = 300, Height = 251, Stride = (Width * 3) + 5;
        byte[] strided = new byte[Stride * Height], packed = new byte[Width * Height * 3];
        Array.Fill(strided, (byte)77);
        slide.ReadRegion(0, 230, 470, Width, Height, strided, Stride);
        slide.ReadRegion(0, 230, 470, Width, Height, packed);
        for (int y = 0; y < Height; y++)
        {
            Assert.True(strided.AsSpan(y * Stride, Width * 3).SequenceEqual(packed.AsSpan(y * Width * 3, Width * 3)));
            Assert.True(strided.AsSpan((y * Stride) + (Width * 3), 5).IndexOfAnyExcept((byte)77) < 0);
        }
    }

    [Fact]
    public void Arguments_are_checked_before_anything_is_read()
    {
        using var slide = Slide.Open(TestData.Path(Svs));
        byte[] rgb = new byte[3 * 4 * 4];
        Assert.Throws<ArgumentOutOfRangeException>(() => slide.ReadRegion(1, 0, 0, 4, 4, rgb));
        Assert.Throws<ArgumentOutOfRangeException>(() => slide.ReadRegion(-1, 0, 0, 4, 4, rgb));
        Assert.Throws<ArgumentOutOfRangeException>(() => slide.ReadRegion(0, 0, 0, 0, 4, rgb));
        Assert.Throws<ArgumentOutOfRangeException>(() => slide.ReadRegion(0, 0, 0, 4, 4, rgb, 11));
        Assert.Throws<ArgumentException>(() => slide.ReadRegion(0, 0, 0, 4, 5, rgb));
        Assert.Throws<ArgumentException>(() => slide.ReadAssociatedImage("map"));
    }

    [Theory]
    [InlineData(SlideReader.Embedded)]
    [InlineData(SlideReader.OpenSlide)]
    public void Many_threads_read_the_same_pixels_as_one(SlideReader reader)
    {
        SkipWithoutOpenSlide(reader);
        using var slide = Slide.Open(TestData.Path(Svs), reader);
        (int X, int Y)[] places = Enumerable.Range(0, 64).Select(i => (X: i * 197 % 2000, Y: i * 389 % 2700)).ToArray();
        byte[][] alone = [.. places.Select(place => Read(slide, place.X, place.Y, 211))];
        Parallel.For(0, places.Length * 4, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            int place = i % places.Length;
            Assert.True(Read(slide, places[place].X, places[place].Y, 211).AsSpan().SequenceEqual(alone[place]));
        });
    }

    private static byte[] Read(Slide slide, long x, long y, int side)
    {
        byte[] rgb = new byte[side * side * 3];
        slide.ReadRegion(0, x, y, side, side, rgb);
        return rgb;
    }

    private static void SkipWithoutOpenSlide(SlideReader reader) =>
        Assert.SkipWhen(reader == SlideReader.OpenSlide && !OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine.");
}
