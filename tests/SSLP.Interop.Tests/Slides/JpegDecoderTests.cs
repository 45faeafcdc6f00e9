using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.Tiff;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>The JPEG decoders against each other on real tiles, and reads at half the resolution.</summary>
public class JpegDecoderTests
{
    [Theory]
    [InlineData("slides/CMU-1-Small-Region.svs")]
    [InlineData("slides/her2st_C2.pyr.tif")]
    public void All_decoders_give_the_same_pixels(string file)
    {
        Assert.SkipUnless(NativeLibraries.IsPresent(NativeLibraries.TurboJpeg), "libturbojpeg is not installed on this machine.");
        using var slide = (TiffSlide)Slide.Open(TestData.Path(file), SlideReader.Embedded);
        TiledImage image = slide.Image(0);
        var machine = new TurboJpegDecoder();
        foreach (int scale in (int[])[1, 2])
        {
            int width = image.TileWidth / scale, height = image.TileHeight / scale, stride = (width * 3) + 7;
            byte[] first = new byte[stride * height], second = new byte[stride * height];
            for (int column = 0; column < image.Columns; column += 3)
            {
                byte[] stream = Stream(slide, image, column, image.Rows / 2);
                Assert.Null(machine.Decode(stream, width, height, first, stride));
                foreach (JpegDecoder other in Decoders()[1..])
                {
                    Assert.Null(other.Decode(stream, width, height, second, stride));
                    Assert.True(first.AsSpan().SequenceEqual(second), $"Tile {column} at scale 1/{scale} by {other.Name}.");
                }
            }
        }
    }

    [Fact]
    public void A_damaged_stream_is_an_answer_and_no_crash()
    {
        using var slide = (TiffSlide)Slide.Open(TestData.Path("slides/her2st_C2.pyr.tif"), SlideReader.Embedded);
        byte[] stream = Stream(slide, slide.Image(0), 15, 20), rgb = new byte[256 * 256 * 3];
        foreach (JpegDecoder decoder in Decoders())
        {
            Assert.Null(decoder.Decode(stream, 256, 256, rgb, 768));
            Assert.NotNull(decoder.Decode(stream.AsSpan(0, 700), 256, 256, rgb, 768));
            Assert.NotNull(decoder.Decode([], 256, 256, rgb, 768));
            Assert.NotNull(decoder.Decode(new byte[2000], 256, 256, rgb, 768));
            Assert.Null(decoder.Decode(stream, 256, 256, rgb, 768));
        }
    }

    [Theory]
    [InlineData("slides/CMU-1-Small-Region.svs")]
    [InlineData("slides/her2st_C2.pyr.tif")]
    public void Half_the_resolution_is_near_the_mean_of_four_pixels(string file)
    {
        using var slide = Slide.Open(TestData.Path(file), SlideReader.Embedded);
        Assert.Equal(2, slide.FactorByDecoder(0));
        SlideLevel level = slide.Levels[0];
        const int Side = 501;
        long x = (level.Width / 4) + 1, y = (level.Height / 4) + 1;
        byte[] full = new byte[Side * Side * 12], half = new byte[Side * Side * 3];
        slide.ReadRegion(0, 2 * x, 2 * y, 2 * Side, 2 * Side, full);
        slide.ReadReduced(0, 2, x, y, Side, Side, half, Side * 3);
        (double mean, int most) = DifferenceFromMeans(full, half, Side);
        Assert.True(mean <= 1 && most <= 40, $"Mean difference {mean:F3}, largest {most}.");
    }

    [Fact]
    public void Half_the_resolution_without_a_scaling_decoder_is_the_mean_of_four_pixels()
    {
        using var slide = Slide.Open(TestData.Path("formats/osp-boxes.tiff"), SlideReader.Embedded);
        Assert.Equal(1, slide.FactorByDecoder(0));
        const int Side = 100;
        byte[] full = new byte[Side * Side * 12], half = new byte[Side * Side * 3];
        slide.ReadRegion(0, 14, 20, 2 * Side, 2 * Side, full);
        slide.ReadReduced(0, 2, 7, 10, Side, Side, half, Side * 3);
        Assert.Equal((0, 0), DifferenceFromMeans(full, half, Side));
    }

    [Fact]
    public void Half_the_resolution_is_white_outside()
    {
        using var slide = Slide.Open(TestData.Path("slides/CMU-1-Small-Region.svs"), SlideReader.Embedded);
        byte[] rgb = new byte[3 * 3 * 3];
        // 2967 rows: the odd last one is left out.
        slide.ReadReduced(0, 2, 1109, 1482, 3, 3, rgb, 9);
        Assert.All(rgb[3..9], value => Assert.Equal(255, value));
        Assert.All(rgb[9..], value => Assert.Equal(255, value));
        Assert.Contains(rgb[..3], value => value != 255);
    }

    private static (double Mean, int Most) DifferenceFromMeans(byte[] full, byte[] half, int side)
    {
        long sum = 0;
        int most = 0;
        for (int i = 0; i < half.Length; i++)
        {
            int band = i % 3, column = i / 3 % side, row = i / 3 / side, stride = side * 6;
            int corner = (row * 2 * stride) + (column * 6) + band;
            int mean = (full[corner] + full[corner + 3] + full[corner + stride] + full[corner + stride + 3] + 2) / 4;
            sum += Math.Abs(half[i] - mean);
            most = Math.Max(most, Math.Abs(half[i] - mean));
        }
        return ((double)sum / half.Length, most);
    }

    internal static JpegDecoder[] Decoders()
    {
        List<JpegDecoder> decoders = NativeLibraries.IsPresent(NativeLibraries.TurboJpeg) ? [new TurboJpegDecoder()] : [];
        if (VectorJpegDecoder.IsSupported)
            decoders.Add(new VectorJpegDecoder());
        return [.. decoders, new SkiaJpegDecoder()];
    }

    private static byte[] Stream(TiffSlide slide, TiledImage image, int column, int row)
    {
        (long offset, int length) = image.Tile(column, row);
        byte[] stream = new byte[image.Jpeg!.Room + length];
        slide.File.Read(offset, stream.AsSpan(image.Jpeg.Room));
        image.Jpeg.Complete(stream, out _);
        return stream;
    }
}
