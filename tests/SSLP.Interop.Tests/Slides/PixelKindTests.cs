using System.Buffers.Binary;
using SkiaSharp;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Grey, palette, alpha, planes and 16 bits: the pixels that OpenSlide gives, and those that their meaning asks for.</summary>
public sealed class PixelKindTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int WhiteIsZero = 0, BlackIsZero = 1, Rgb = 2, Palette = 3, Side = 128, Tile = 64;

    private sealed record Kind(int Photometric, int Samples, int Bits, int? Extra = null, bool Planar = false, bool Predictor = false,
        bool Deflate = true)
    {
        public bool BigEndian { get; init; }

        public bool Big { get; init; }
    }

    private static readonly Dictionary<string, Kind> Kinds = new()
    {
        ["grey"] = new(BlackIsZero, 1, 8),
        ["grey, white is zero"] = new(WhiteIsZero, 1, 8, Deflate: false),
        ["grey, predictor"] = new(BlackIsZero, 1, 8, Predictor: true),
        ["grey, 16 bits"] = new(BlackIsZero, 1, 16),
        ["grey, 16 bits, predictor, big-endian"] = new(BlackIsZero, 1, 16, Predictor: true) { BigEndian = true },
        ["palette"] = new(Palette, 1, 8),
        ["palette, big-endian BigTIFF"] = new(Palette, 1, 8) { BigEndian = true, Big = true },
        ["RGB, planar"] = new(Rgb, 3, 8, Planar: true),
        ["RGB, planar, predictor"] = new(Rgb, 3, 8, Planar: true, Predictor: true),
        ["RGB, planar, raw, big-endian"] = new(Rgb, 3, 8, Planar: true, Deflate: false) { BigEndian = true },
        ["RGB, 16 bits"] = new(Rgb, 3, 16),
        ["RGB, 16 bits, predictor"] = new(Rgb, 3, 16, Predictor: true),
        ["RGB, 16 bits, big-endian, raw"] = new(Rgb, 3, 16, Deflate: false) { BigEndian = true },
        ["RGB, 16 bits, planar, BigTIFF"] = new(Rgb, 3, 16, Planar: true) { Big = true },
        ["RGBA"] = new(Rgb, 4, 8, Extra: 2),
        ["RGBA, multiplied"] = new(Rgb, 4, 8, Extra: 1),
        ["RGBA, unspecified"] = new(Rgb, 4, 8, Extra: 0),
        ["RGBA, no tag"] = new(Rgb, 4, 8),
        ["RGBA, predictor"] = new(Rgb, 4, 8, Extra: 2, Predictor: true),
        ["RGBA, planar"] = new(Rgb, 4, 8, Extra: 2, Planar: true),
        ["RGBA, 16 bits"] = new(Rgb, 4, 16, Extra: 2),
        ["RGBA, 16 bits, multiplied, big-endian"] = new(Rgb, 4, 16, Extra: 1) { BigEndian = true },
    };

    public static TheoryData<string> Names => new(Kinds.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Has_the_pixels_that_were_written(string name)
    {
        Kind kind = Kinds[name];
        using var slide = Slide.Open(Write(kind), SlideReader.Embedded);
        byte[] rgb = Read(slide);
        for (int i = 0; i < rgb.Length; i++)
        {
            int expected = Expected(kind, i / 3 % Side, i / 3 / Side, i % 3);
            if (rgb[i] != expected)
                Assert.Fail($"Pixel ({i / 3 % Side}, {i / 3 / Side}), band {i % 3}: {rgb[i]} for {expected}.");
        }
        Assert.Equal(0, slide.VerifyTiles(deep: true).Unreadable);
        Assert.Equal(0, slide.VerifyTiles(deep: false).Unreadable);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Has_OpenSlides_pixels(string name)
    {
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine (apt install libopenslide0).");
        Assert.SkipWhen(Kinds[name] is { BigEndian: true, Big: false }, "OpenSlide 3.4.1 opens no classic TIFF in this byte order.");
        string path = Write(Kinds[name]);
        using var ours = Slide.Open(path);
        using var theirs = Slide.Open(path, SlideReader.OpenSlide);
        Assert.Equal(SlideReader.Embedded, ours.Reader);
        Assert.Equal(theirs.Levels, ours.Levels);
        Assert.True(Read(ours).AsSpan().SequenceEqual(Read(theirs)));
    }

    [Fact]
    public void A_grey_jpeg_is_read_by_every_decoder_there_is()
    {
        var raw = new RawTiff();
        using var bitmap = new SkiaSharp.SKBitmap(Tile, Tile, SkiaSharp.SKColorType.Gray8, SkiaSharp.SKAlphaType.Opaque);
        bitmap.GetPixelSpan().Fill(90);
        using SKData data = bitmap.Encode(SkiaSharp.SKEncodedImageFormat.Jpeg, 95);
        byte[] jpeg = data.ToArray();
        Assert.Equal(1, SSLP.Interop.Slides.Jpeg.JpegHeader.Read(jpeg).Components);
        raw.Add(raw.Bands(Side, Side, Tile, 7, BlackIsZero, 1, 8, [.. Enumerable.Repeat(jpeg, 4)]));
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.All(Read(slide), value => Assert.InRange(value, 88, 92));
    }

    [Theory]
    [InlineData(Rgb, 5, 8, 1, "5 bands")]
    [InlineData(BlackIsZero, 2, 8, 1, "second band")]
    [InlineData(BlackIsZero, 1, 32, 3, "32 bits")]
    [InlineData(BlackIsZero, 1, 16, 3, "floating-point")]
    [InlineData(BlackIsZero, 1, 8, 2, "signed")]
    [InlineData(8, 3, 8, 1, "TIFF kind 8")]
    [InlineData(5, 4, 8, 1, "TIFF kind 5")]
    public void What_is_not_plain_is_refused_by_name(int photometric, int samples, int bits, int format, string named)
    {
        var raw = new RawTiff();
        raw.Add(raw.Bands(Side, Side, Tile, 8, photometric, samples, bits,
            [.. Enumerable.Repeat(RawTiff.Deflate(new byte[Tile * Tile * samples * bits / 8]), 4)])
            .With(339, 3, [.. Enumerable.Repeat((object)(ushort)format, samples)]));
        string path = raw.Write(folder.Path);
        SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(path, SlideReader.Embedded));
        Assert.Equal(SlideFault.UnsupportedPixels, fault.Fault);
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
        if (bits == 32 && OpenSlideLibrary.IsAvailable)
            Assert.Equal(SlideFault.UnsupportedPixels, Assert.Throws<SlideException>(() => Slide.Open(path)).Fault);
    }

    private static byte[] Read(Slide slide)
    {
        byte[] rgb = new byte[Side * Side * 3];
        slide.ReadRegion(0, 0, 0, Side, Side, rgb);
        return rgb;
    }

    /// <summary>A band of a pixel as it is stored.</summary>
    private static int Stored(Kind kind, int x, int y, int band)
    {
        int value = band == 3 ? (x < 40 ? 255 : (x * 5) & 255) : ((x * 3) + (y * (band + 2)) + (x * y / 7)) & 255;
        if (kind.Extra is null or 0 or 1 && kind.Samples == 4 && band < 3)
            value = value * Stored(kind with { Bits = 8 }, x, y, 3) / 255;
        return kind.Bits == 8 ? value : (value * 257) - ((x ^ y) & 63 & -(value & 1));
    }

    private static int Expected(Kind kind, int x, int y, int band)
    {
        int at = kind.Samples == 1 ? 0 : band;
        int value = Stored(kind, x, y, at);
        if (kind.Photometric == Palette)
            return PaletteEntry(band, value) >> 8;
        if (kind.Bits == 16)
            value = kind.Samples == 1 ? value >> 8 : (value + 128) / 257;
        if (kind.Photometric == WhiteIsZero)
            value = 255 - value;
        if (kind.Samples < 4)
            return value;
        int alpha = Stored(kind, x, y, 3);
        if (kind.Bits == 16)
            alpha = (alpha + 128) / 257;
        return Math.Min(255, (kind.Extra == 2 ? ((alpha * value) + 127) / 255 : value) + 255 - alpha);
    }

    private static ushort PaletteEntry(int band, int index) => (ushort)(((index * (band + 3)) & 255) << 8 | 0x7F);

    private string Write(Kind kind)
    {
        var raw = new RawTiff(kind.Big, kind.BigEndian);
        var tiles = new List<byte[]>();
        foreach (int plane in kind.Planar ? Enumerable.Range(0, kind.Samples) : [-1])
        {
            for (int tile = 0; tile < 4; tile++)
            {
                byte[] data = TileOf(kind, tile % 2 * Tile, tile / 2 * Tile, plane);
                tiles.Add(kind.Deflate ? RawTiff.Deflate(data) : data);
            }
        }
        RawTiff.Image image = raw.Add(raw.Bands(Side, Side, Tile, kind.Deflate ? 8 : 1, kind.Photometric, kind.Samples, kind.Bits, tiles));
        if (kind.Planar)
            image.With(284, 3, (ushort)2);
        if (kind.Predictor)
            image.With(317, 3, (ushort)2);
        if (kind.Extra is { } extra)
            image.With(338, 3, (ushort)extra);
        if (kind.Photometric == Palette)
            image.With(320, 3, [.. Enumerable.Range(0, 768).Select(i => (object)PaletteEntry(i / 256, i % 256))]);
        return raw.Write(folder.Path);
    }

    private static byte[] TileOf(Kind kind, int left, int top, int plane)
    {
        var data = new List<byte>();
        int[] bands = plane >= 0 ? [plane] : [.. Enumerable.Range(0, kind.Samples)];
        Span<byte> two = stackalloc byte[2];
        for (int y = top; y < top + Tile; y++)
        {
            for (int x = left; x < left + Tile; x++)
            {
                foreach (int band in bands)
                {
                    int value = Stored(kind, x, y, band) - (kind.Predictor && x > left ? Stored(kind, x - 1, y, band) : 0);
                    if (kind.Bits == 8)
                    {
                        data.Add((byte)value);
                        continue;
                    }
                    if (kind.BigEndian)
                        BinaryPrimitives.WriteUInt16BigEndian(two, (ushort)value);
                    else
                        BinaryPrimitives.WriteUInt16LittleEndian(two, (ushort)value);
                    data.AddRange(two);
                }
            }
        }
        return [.. data];
    }
}
