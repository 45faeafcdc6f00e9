using ImageMagick;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Jpeg;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// Kinds of JPEG that slides hold or might: every decoder and OpenSlide read the same of them, or it is said here which does not.
/// </summary>
public sealed class JpegKindsTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Side = 96;

    private static readonly byte[] Noise = [0x12, 0x34, 0x00, 0x56];

    private static readonly Dictionary<string, Func<int, int, byte[]>> Streams = new()
    {
        ["plain"] = (w, h) => new TestJpeg().Encode(w, h, Sample),
        ["4:2:2"] = (w, h) => new TestJpeg { Across = 2 }.Encode(w, h, Sample),
        ["4:2:0"] = (w, h) => new TestJpeg { Across = 2, Down = 2 }.Encode(w, h, Sample),
        ["4:1:1"] = (w, h) => new TestJpeg { Across = 4 }.Encode(w, h, Sample),
        ["4:4:0"] = (w, h) => new TestJpeg { Down = 2 }.Encode(w, h, Sample),
        ["restart markers"] = (w, h) => new TestJpeg { Across = 2, Down = 2, Restart = 3 }.Encode(w, h, Sample),
        ["bytes before markers"] = (w, h) => new TestJpeg { BeforeMarkers = Noise }.Encode(w, h, Sample),
        ["fill bytes before markers"] = (w, h) => new TestJpeg { BeforeMarkers = [0xFF, 0xFF, 0xFF] }.Encode(w, h, Sample),
        ["stuffed bytes before markers"] = (w, h) => new TestJpeg { BeforeMarkers = [7, 0xFF, 0, 7] }.Encode(w, h, Sample),
        ["bytes before restart markers"] = (w, h) => new TestJpeg { Across = 2, Restart = 2, BeforeRestarts = Noise }.Encode(w, h, Sample),
        ["bytes before the end"] = (w, h) => new TestJpeg { BeforeEnd = Noise }.Encode(w, h, Sample),
        ["bytes behind the end"] = (w, h) => [.. new TestJpeg().Encode(w, h, Sample), .. Noise],
        ["progressive"] = (w, h) => Magick(w, h, image => image.Settings.Interlace = Interlace.Jpeg),
        ["arithmetic"] = (w, h) => Magick(w, h, image => image.Settings.SetDefine(MagickFormat.Jpeg, "arithmetic-coding", true)),
    };

    private static readonly Dictionary<string, Func<byte[], byte[]>> Damages = new()
    {
        ["an early end"] = jpeg => jpeg[..(jpeg.Length * 2 / 3)],
        ["no end marker"] = jpeg => jpeg[..^2],
        ["a lost restart marker"] = jpeg => Without(jpeg, 0xD1),
        ["an invalid code"] = jpeg => Overwritten(jpeg),
    };

    public static TheoryData<string> Kinds => new(Streams.Keys);

    public static TheoryData<string> Faults => new(Damages.Keys);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_decoder_and_OpenSlide_give_the_same_pixels(string kind)
    {
        byte[] whole = Streams[kind](Side, Side);
        byte[]? first = null;
        foreach (JpegDecoder decoder in JpegDecoderTests.Decoders())
        {
            byte[] rgb = Read(decoder, whole);
            first ??= rgb;
            Assert.True(first.AsSpan().SequenceEqual(rgb), $"{decoder.Name} gives other pixels of '{kind}'.");
        }
        if (!OpenSlideLibrary.IsAvailable)
            return;
        byte[] expected = new byte[Side * Side * 3];
        bool read = OpenSlideReads(whole, expected);
        // OpenSlide 3.4 stops at this warning of libjpeg's; 4 does not.
        if (!read && kind.Contains("before", StringComparison.Ordinal))
            return;
        Assert.True(read, $"OpenSlide does not read '{kind}'.");
        Assert.True(expected.Zip(first!).All(pair => Math.Abs(pair.First - pair.Second) <= 2),
            $"OpenSlide gives other pixels of '{kind}'.");
    }

    [Theory]
    [InlineData("progressive", 0xC2)]
    [InlineData("arithmetic", 0xC9)]
    [InlineData("restart markers", 0xDD)]
    public void The_streams_are_of_the_kind_that_they_are_called(string kind, int marker)
    {
        var markers = new JpegMarkers(Streams[kind](Side, Side));
        bool found = false;
        while (markers.Next())
            found |= markers.Marker == marker;
        Assert.True(found);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_edge_tile_may_be_as_small_as_what_is_seen_of_it(string kind)
    {
        const int Width = 150, Height = 131;
        string whole = new TileTiff(7, Photometric: 6).Write(folder.Path, Width, Height, Side, (_, _) => Streams[kind](Side, Side));
        string cut = new TileTiff(7, Photometric: 6).Write(
            folder.Path, Width, Height, Side, (column, row) =>
                Streams[kind](Math.Min(Side, Width - (Side * column)), Math.Min(Side, Height - (Side * row))));
        foreach (JpegChoice choice in Available())
        {
            using var runtime = new SlideRuntime(new() { Jpeg = choice });
            using Slide first = Slide.Open(whole, SlideReader.Embedded, runtime), second = Slide.Open(cut, SlideReader.Embedded, runtime);
            byte[] expected = new byte[Width * Height * 3], rgb = new byte[expected.Length];
            first.ReadRegion(0, 0, 0, Width, Height, expected);
            second.ReadRegion(0, 0, 0, Width, Height, rgb);
            // Encoders repeat the last column or row into what fills a block, so pixels near a cut edge differ a little.
            Assert.True(expected.Zip(rgb).Average(pair => Math.Abs(pair.First - pair.Second)) < 1, $"{runtime.JpegDecoderName}, {kind}.");
            second.ReadReduced(0, 2, 0, 0, Width / 2, Height / 2, rgb, Width / 2 * 3);
            Assert.Equal(0, second.VerifyTiles(deep: true, TestContext.Current.CancellationToken).Unreadable);
        }
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void No_decoder_makes_up_what_is_missing(string fault)
    {
        byte[] damaged = Damages[fault](new TestJpeg { Across = 2, Down = 2, Restart = 3 }.Encode(Side, Side, Sample)),
            rgb = new byte[Side * Side * 3];
        foreach (JpegDecoder decoder in JpegDecoderTests.Decoders())
            Assert.True(decoder.Decode(damaged, Side, Side, rgb, Side * 3) is not null, $"{decoder.Name} reads a stream with {fault}.");
        // 3.4 takes libjpeg's warnings as we do.
        if (OpenSlideLibrary.IsAvailable && !OpenSlideLibrary.HasCacheControl)
            Assert.False(OpenSlideReads(damaged, rgb), $"OpenSlide {OpenSlideLibrary.Version} reads a stream with {fault}.");
    }

    [Theory]
    [InlineData((byte)0xDB, "quantization table")]
    [InlineData((byte)0xC4, "Huffman table")]
    public void A_stream_without_its_tables_is_not_decoded_with_those_of_the_one_before(byte marker, string named)
    {
        byte[] whole = new TestJpeg { Across = 2, Down = 2 }.Encode(Side, Side, Sample), rgb = new byte[Side * Side * 3];
        var without = new List<byte>(whole[..2]);
        var markers = new JpegMarkers(whole);
        while (markers.Next())
        {
            if (markers.Marker != marker)
                without.AddRange(whole[markers.Start..markers.End]);
        }
        without.AddRange(whole[markers.End..]);
        foreach (JpegDecoder decoder in JpegDecoderTests.Decoders())
        {
            Assert.Null(decoder.Decode(whole, Side, Side, rgb, Side * 3));
            Assert.Contains(named, decoder.Decode([.. without], Side, Side, rgb, Side * 3), StringComparison.Ordinal);
        }
    }

    private static IEnumerable<JpegChoice> Available() => Enum.GetValues<JpegChoice>().Where(choice => choice switch
    {
        JpegChoice.TurboJpeg => NativeLibraries.IsPresent(NativeLibraries.TurboJpeg),
        JpegChoice.Own => VectorJpegDecoder.IsSupported,
        _ => true,
    });

    private static byte[] Read(JpegDecoder decoder, byte[] jpeg)
    {
        byte[] rgb = new byte[Side * Side * 3];
        string? fault = decoder.Decode(jpeg, Side, Side, rgb, Side * 3);
        Assert.True(fault is null, $"{decoder.Name}: {fault}.");
        return rgb;
    }

    private bool OpenSlideReads(byte[] jpeg, byte[] rgb)
    {
        try
        {
            using var slide = Slide.Open(new TileTiff(7, Photometric: 6).Write(folder.Path, Side, Side, Side, (_, _) => jpeg),
                SlideReader.OpenSlide);
            slide.ReadRegion(0, 0, 0, Side, Side, rgb);
            return true;
        }
        catch (SlideException)
        {
            return false;
        }
    }

    private static int Sample(int component, int x, int y) =>
        Math.Clamp(128 + (int)(70 * Math.Sin((x + (component * 20)) / 15.0) * Math.Cos(y / (12.0 + component)))
            + (component == 0 ? (x * y) & 15 : 0), 0, 255);

    private static byte[] Magick(int width, int height, Action<MagickImage> how)
    {
        byte[] rgb = [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)Sample(i % 3, i / 3 % width, i / 3 / width))];
        using var image = new MagickImage(rgb, new PixelReadSettings((uint)width, (uint)height, StorageType.Char, PixelMapping.RGB));
        image.Quality = 90;
        how(image);
        return image.ToByteArray(MagickFormat.Jpeg);
    }

    private static byte[] Without(byte[] jpeg, byte marker)
    {
        int at = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, marker]);
        return [.. jpeg[..at], .. jpeg[(at + 2)..]];
    }

    /// <summary>
    /// Zero bits for a while: DC differences of no bits, and AC symbols (0, 0), which end blocks too early, so that data are left at the
    /// restart.
    /// </summary>
    private static byte[] Overwritten(byte[] jpeg)
    {
        byte[] bytes = [.. jpeg];
        bytes.AsSpan(jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD0]) + 4, 12).Fill(0xFE);
        return bytes;
    }
}
