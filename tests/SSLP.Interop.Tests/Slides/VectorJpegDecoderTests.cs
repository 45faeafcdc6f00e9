using SkiaSharp;
using SSLP.Interop.Slides.Jpeg;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Our own decoder against libjpeg (SkiaSharp's), bit for bit, and on damaged streams.</summary>
public class VectorJpegDecoderTests
{
    public static TheoryData<int, int> Sizes =>
        new() { { 1, 1 }, { 3, 50 }, { 5, 5 }, { 8, 8 }, { 17, 9 }, { 33, 2 }, { 64, 47 }, { 100, 77 }, { 240, 240 }, { 257, 300 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Gives_libjpegs_pixels(int width, int height)
    {
        Require();
        var own = new VectorJpegDecoder();
        var libjpeg = new SkiaJpegDecoder();
        int stride = (width * 3) + 5;
        byte[] first = new byte[stride * height], second = new byte[stride * height];
        foreach (SKJpegEncoderDownsample chroma in Enum.GetValues<SKJpegEncoderDownsample>())
        {
            foreach (int quality in (int[])[1, 40, 75, 95, 100])
            {
                for (int spikes = 0; spikes <= 2; spikes++)
                {
                    byte[] stream = Encode(width, height, chroma, quality, spikes);
                    Assert.Null(libjpeg.Decode(stream, width, height, first, stride));
                    Assert.Null(own.Decode(stream, width, height, second, stride));
                    Assert.True(first.AsSpan().SequenceEqual(second), $"{width} × {height}, {chroma}, quality {quality}, spikes {spikes}.");
                }
            }
        }
    }

    [Fact]
    public void Half_the_resolution_is_libjpegs()
    {
        Require();
        byte[] stream = Encode(96, 64, SKJpegEncoderDownsample.Downsample420, 80, 1), first = new byte[48 * 32 * 3],
            second = new byte[48 * 32 * 3];
        Assert.Null(new SkiaJpegDecoder().Decode(stream, 48, 32, first, 144));
        Assert.Null(new VectorJpegDecoder().Decode(stream, 48, 32, second, 144));
        Assert.Equal(first, second);
    }

    [Fact]
    public void Damage_is_an_answer_and_writes_nothing_outside()
    {
        Require();
        const int Width = 70, Height = 50, Bytes = Width * Height * 3;
        var own = new VectorJpegDecoder();
        byte[][] good = [.. Enum.GetValues<SKJpegEncoderDownsample>().Select(chroma => Encode(Width, Height, chroma, 85, 1))];
        byte[] rgb = new byte[Bytes + 4096];
        int refused = 0;
        for (int seed = 0; seed < 6000; seed++)
        {
            var random = new Random(seed);
            byte[] stream = [.. good[seed % good.Length]];
            for (int hits = random.Next(1, 5); hits > 0; hits--)
                stream[random.Next(stream.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                stream = stream[..random.Next(stream.Length)];
            rgb.AsSpan(Bytes).Fill(0xA5);
            refused += own.Decode(stream, Width, Height, rgb.AsSpan(0, Bytes), Width * 3) is null ? 0 : 1;
            Assert.True(rgb.AsSpan(Bytes).IndexOfAnyExcept((byte)0xA5) < 0, $"Seed {seed} wrote behind the pixels.");
        }
        Assert.InRange(refused, 1000, 5900);
    }

    [Fact]
    public void A_cut_stream_is_refused_wherever_it_is_cut()
    {
        Require();
        var own = new VectorJpegDecoder();
        byte[] stream = Encode(40, 40, SKJpegEncoderDownsample.Downsample420, 90, 1), rgb = new byte[40 * 40 * 3];
        int scan = stream.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]) + 14;
        for (int length = scan; length < stream.Length; length++)
            Assert.NotNull(own.Decode(stream.AsSpan(0, length), 40, 40, rgb, 120));
    }

    [Fact]
    public void Allocates_nothing_after_the_first_tile()
    {
        Require();
        var own = new VectorJpegDecoder();
        byte[] stream = Encode(64, 64, SKJpegEncoderDownsample.Downsample420, 90, 1), rgb = new byte[64 * 64 * 3];
        own.Decode(stream, 64, 64, rgb, 192);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
            own.Decode(stream, 64, 64, rgb, 192);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Require() => Assert.SkipUnless(VectorJpegDecoder.IsSupported, "This processor has no AVX2.");

    /// <summary>0: a gradient; 1: with noise; 2: black and white at random, the worst that a transform meets.</summary>
    private static byte[] Encode(int width, int height, SKJpegEncoderDownsample chroma, int quality, int spikes)
    {
        var random = new Random((width * 1000) + height + spikes);
        byte[] rgba = new byte[width * height * 4];
        for (int y = 0, at = 0; y < height; y++)
            for (int x = 0; x < width; x++, at += 4)
                (rgba[at], rgba[at + 1], rgba[at + 2], rgba[at + 3]) = (Level(x * 3), Level(y * 2), Level(x + y), 255);
        using var image = SKImage.FromPixelCopy(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
        using SKPixmap pixels = image.PeekPixels();
        using SKData data = pixels.Encode(new SKJpegEncoderOptions(quality, chroma, SKJpegEncoderAlphaOption.Ignore))!;
        return data.ToArray();

        byte Level(int value) => spikes == 2 ? (byte)(random.Next(2) * 255)
            : (byte)Math.Clamp((value % 256) + (spikes == 1 ? random.Next(-40, 40) : 0), 0, 255);
    }
}
