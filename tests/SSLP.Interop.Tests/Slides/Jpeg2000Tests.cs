using SSLP.Interop.Slides;
using SSLP.Interop.Slides.Jpeg2000;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>JPEG 2000 tiles: pixels that are known, OpenSlide beside, reduced resolutions against the wavelet's own formula.</summary>
public sealed class Jpeg2000Tests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const string RealSlide = "slides/TCGA-CR-7395-01A-01-TS1.svs";

    /// <summary>9/7 in floats: two builds of OpenJPEG round 11 of 47 million bytes of the real slide otherwise.</summary>
    private const int MostRounding = 1;

    [Fact]
    public void A_real_slide_has_OpenSlides_pixels()
    {
        RequireOpenSlide();
        using var ours = Slide.Open(TestData.Path(RealSlide));
        using var theirs = Slide.Open(TestData.Path(RealSlide), SlideReader.OpenSlide);
        Assert.Equal((SlideReader.Embedded, "aperio"), (ours.Reader, ours.Format));
        Assert.Equal(theirs.Levels, ours.Levels);
        for (int level = 0; level < ours.Levels.Count; level++)
        {
            int width = (int)ours.Levels[level].Width, height = (int)ours.Levels[level].Height;
            byte[] first = Read(ours, level, 0, 0, width, height), second = Read(theirs, level, 0, 0, width, height);
            AssertNear(second, first, MostRounding);
            Assert.InRange(first.Zip(second).Count(pair => pair.First != pair.Second), 0, first.Length / 100_000);
        }
    }

    [Theory]
    [InlineData(33005, 1, 1)]
    [InlineData(33003, 1, 1)]
    [InlineData(33003, 2, 1)]
    [InlineData(33003, 2, 2)]
    [InlineData(33003, 4, 1)]
    public void Written_tiles_have_OpenSlides_pixels(int compression, int across, int down)
    {
        Jpeg2000Encoder.Require();
        RequireOpenSlide();
        string path = Slides(compression, new Jpeg2000Options(Decorrelate: compression == 33005, Across: across, Down: down));
        using var ours = Slide.Open(path, SlideReader.Embedded);
        using var theirs = Slide.Open(path, SlideReader.OpenSlide);
        Assert.Equal(Read(theirs, 0, 0, 0, 300, 200), Read(ours, 0, 0, 0, 300, 200));
    }

    [Fact]
    public void Every_chroma_has_OpenSlides_colour()
    {
        Jpeg2000Encoder.Require();
        RequireOpenSlide();
        byte[] tile = Jpeg2000Encoder.Encode(256, 256, new Jpeg2000Options(Decorrelate: false), (band, x, y) =>
            band == 0 ? 128 : band == 1 ? x : y);
        string path = new TileTiff(33003, Description: TileTiff.Aperio).Write(folder.Path, 256, 256, 256, (_, _) => tile);
        using var ours = Slide.Open(path, SlideReader.Embedded);
        using var theirs = Slide.Open(path, SlideReader.OpenSlide);
        byte[] first = Read(theirs, 0, 0, 0, 256, 256), second = Read(ours, 0, 0, 0, 256, 256);
        Assert.Equal(first, second);
    }

    [Theory]
    [InlineData(33005)]
    [InlineData(34712)]
    public void Lossless_tiles_give_the_pixels_that_were_written(int compression)
    {
        Jpeg2000Encoder.Require();
        using var slide = Slide.Open(Slides(compression, new Jpeg2000Options()), SlideReader.Embedded);
        byte[] rgb = Read(slide, 0, 0, 0, 300, 200);
        for (int i = 0; i < rgb.Length; i++)
            Assert.Equal(Sample(i % 3, i / 3 % 300, i / 900), rgb[i]);
        TileCheck check = slide.VerifyTiles(deep: true);
        Assert.Equal((6, 0), (check.Tiles, check.Unreadable));
    }

    [Fact]
    public void A_grey_stream_of_a_grey_image_is_read_as_three_like_bands()
    {
        Jpeg2000Encoder.Require();
        byte[] tile = Jpeg2000Encoder.Encode(64, 64, new Jpeg2000Options(Decorrelate: false, Bands: 1), Sample);
        using var slide = Slide.Open(new TileTiff(34712, Photometric: 1).Write(folder.Path, 64, 64, 64, (_, _) => tile),
            SlideReader.Embedded);
        byte[] rgb = Read(slide, 0, 0, 0, 64, 64), half = new byte[32 * 32 * 3];
        for (int i = 0; i < rgb.Length; i++)
            Assert.Equal(Sample(0, i / 3 % 64, i / 192), rgb[i]);
        slide.ReadReduced(0, 2, 0, 0, 32, 32, half, 96);
        for (int i = 0; i < half.Length; i += 3)
            Assert.True(half[i] == half[i + 1] && half[i] == half[i + 2]);
    }

    [Theory]
    [InlineData(2, false, false, 2)]
    [InlineData(6, false, true, 0)]
    [InlineData(2, true, false, 0)]
    [InlineData(2, false, false, 0, 2)]
    public void Outside_of_Aperio_the_colours_are_the_streams_or_the_tags(int photometric, bool decorrelated, bool yCbCr, int layers,
        int across = 1)
    {
        Jpeg2000Encoder.Require();
        var options = new Jpeg2000Options(Decorrelate: decorrelated, Across: across, Layers: Math.Max(1, layers));
        using var slide = Slide.Open(Slides(34712, options, photometric, description: null), SlideReader.Embedded);
        byte[] rgb = Read(slide, 0, 0, 0, 100, 1);
        bool raw = Enumerable.Range(0, 100).All(x => rgb[3 * x] == Sample(0, x, 0));
        Assert.Equal(yCbCr || across > 1, !raw);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(false, 3)]
    public void A_stored_resolution_is_the_wavelets_low_pass(bool reversible, int halvings)
    {
        Jpeg2000Encoder.Require();
        const int Width = 61, Height = 47;
        byte[] stream = Jpeg2000Encoder.Encode(Width, Height, new Jpeg2000Options(reversible, Decorrelate: false), Sample);
        var header = Jpeg2000Header.Read(stream);
        Assert.Equal((null, 5, reversible), (header.Fault, header.Halvings, header.Reversible));
        byte[] full = Decode(stream, header, 0);
        double[] expected = [.. full.Select(value => (double)value)];
        (int width, int height) = (Width, Height);
        for (int i = 0; i < halvings; i++)
            (expected, width, height) = (LowPassReference(expected, width, height, reversible), (width + 1) / 2, (height + 1) / 2);
        expected = CentreReference(expected, width, height, halvings);
        byte[] reduced = Decode(stream, header, halvings);
        // 5/3 rounds to whole numbers at each of two steps a halving, the taps after it (their magnitudes sum to 1.25 and 1.44, across and
        // down) twice more.
        double tolerance = (reversible ? 1 + halvings : 1) * 1.5 + 1.5;
        for (int i = 0; i < reduced.Length; i++)
            Assert.True(Math.Abs(reduced[i] - Math.Clamp(expected[i], 0, 255)) <= tolerance,
                $"Byte {i} is {reduced[i]} for {expected[i]:F2}.");
    }

    [Fact]
    public void Reduced_reads_of_a_real_slide_are_near_the_mean_of_their_pixels()
    {
        using var slide = Slide.Open(TestData.Path(RealSlide), SlideReader.Embedded);
        Assert.Equal((32, 32), (slide.StoredFactor(0), slide.FactorByDecoder(1)));
        foreach (int factor in (int[])[2, 4])
        {
            int side = 1000 / factor;
            byte[] full = Read(slide, 0, 1000, 1000, side * factor, side * factor), reduced = new byte[side * side * 3];
            slide.ReadReduced(0, factor, 1000 / factor, 1000 / factor, side, side, reduced, side * 3);
            double sum = 0;
            for (int i = 0; i < reduced.Length; i++)
                sum += Math.Abs(reduced[i] - Mean(full, side * factor, factor, i / 3 % side, i / 3 / side, i % 3));
            Assert.True(sum / reduced.Length <= (factor == 2 ? 2 : 6.5), $"Mean difference {sum / reduced.Length:F2} at 1/{factor}.");
        }
    }

    [Fact]
    public void A_stream_that_stores_fewer_resolutions_is_halved_on()
    {
        Jpeg2000Encoder.Require();
        byte[] many = Jpeg2000Encoder.Encode(64, 64, new Jpeg2000Options(Reversible: false), Sample);
        byte[] one = Jpeg2000Encoder.Encode(64, 64, new Jpeg2000Options(Reversible: false, Resolutions: 1), Sample);
        AssertNear(Decode(many, Jpeg2000Header.Read(many), 2), Decode(one, Jpeg2000Header.Read(one), 2), 3);
    }

    [Fact]
    public void Magick_gives_OpenJPEGs_pixels()
    {
        Jpeg2000Encoder.Require();
        foreach (bool reversible in (bool[])[true, false])
        {
            byte[] stream = Jpeg2000Encoder.Encode(130, 67, new Jpeg2000Options(reversible), Sample);
            var header = Jpeg2000Header.Read(stream);
            for (int halvings = 0; halvings < 3; halvings++)
            {
                byte[] rgb = new byte[Jpeg2000Decoder.Halve(130, halvings) * Jpeg2000Decoder.Halve(67, halvings) * 3];
                Assert.Null(new MagickDecoder()
                    .Decode(stream, header, yCbCr: false, halvings, rgb, Jpeg2000Decoder.Halve(130, halvings) * 3));
                AssertNear(Decode(stream, header, halvings), rgb, halvings == 0 ? MostRounding : 1 + (2 * halvings));
            }
        }
    }

    [Fact]
    public void An_edge_tile_may_be_as_small_as_what_is_seen_of_it_and_no_smaller()
    {
        Jpeg2000Encoder.Require();
        var options = new Jpeg2000Options();
        byte[] Tile(int column, int row, int less) =>
            Jpeg2000Encoder.Encode(Math.Min(128, 300 - (128 * column)) - less, Math.Min(128, 200 - (128 * row)), options, (band, x, y) =>
                Sample(band, x + (128 * column), y + (128 * row)));
        using var cut = Slide.Open(new TileTiff(33005).Write(folder.Path, 300, 200, 128, (column, row) => Tile(column, row, 0)));
        byte[] rgb = Read(cut, 0, 0, 0, 300, 200);
        for (int i = 0; i < rgb.Length; i++)
            Assert.Equal(Sample(i % 3, i / 3 % 300, i / 900), rgb[i]);
        using var smaller = Slide.Open(new TileTiff(33005).Write(folder.Path, 300, 200, 128, (column, row) => Tile(column, row, 1)));
        Assert.Contains("127 × 128 px where the tile is 128 × 128",
            Assert.Throws<SlideException>(() => Read(smaller, 0, 0, 0, 300, 200)).Message);
    }

    [Fact]
    public void Claims_that_no_slide_makes_are_refused_before_anything_is_decoded()
    {
        Jpeg2000Encoder.Require();
        byte[] good = Jpeg2000Encoder.Encode(128, 128, new Jpeg2000Options(), Sample);
        int siz = good.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0x51]) + 4,
            cod = good.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0x52]) + 4;
        (string Sentence, Action<byte[]> Damage)[] claims =
        [
            ("where the tile is", bytes => (bytes[siz + 4], bytes[siz + 20]) = (2, 2)),
            // The stream's own tiles are 1 × 1 px.
            ("claims more parts", bytes => ((byte[])[0, 0, 0, 1, 0, 0, 0, 1]).CopyTo(bytes, siz + 18)),
            ("has 1 band where 3", bytes => bytes[siz + 35] = 1),
            ("has 16 bits", bytes => bytes[siz + 36] = 15),
            ("at 1/7", bytes => bytes[siz + 40] = 7),
            // Code blocks of 4 × 4 px on an image of 16,384.
            ("claims more parts", bytes =>
                (bytes[cod + 6], bytes[cod + 7], bytes[siz + 4], bytes[siz + 8], bytes[siz + 20], bytes[siz + 24]) = (0, 0, 64, 64, 64,
                64)),
            ("header is broken", bytes => bytes[cod + 5] = 200),
            ("no JPEG 2000 image", bytes => bytes[0] = 0),
        ];
        foreach ((string sentence, Action<byte[]> damage) in claims)
        {
            byte[] bytes = [.. good];
            damage(bytes);
            string? fault = Jpeg2000Header.Read(bytes).FaultFor(new TileExtent(128, 128, 128, 128), 3);
            Assert.True(fault?.Contains(sentence, StringComparison.Ordinal), $"'{fault}' for '{sentence}'.");
        }
    }

    /// <summary>Smooth with some texture, so that wavelets of all bands have something to say.</summary>
    private static int Sample(int band, int x, int y) =>
        Math.Clamp(128 + (int)(80 * Math.Sin((x + (band * 9)) / 17.0) * Math.Cos(y / (11.0 + band))) + (((x * 7) ^ (y * 13)) & 15), 0, 255);

    private string Slides(int compression, Jpeg2000Options options, int photometric = 2, string? description = TileTiff.Aperio) =>
        new TileTiff(compression, photometric, description).Write(folder.Path, 300, 200, 128, (column, row) => Jpeg2000Encoder.Encode(
            128, 128, options, (band, x, y) =>
                Sample(band, x + ((band == 0 ? 128 : 128 / options.Across) * column), y + ((band == 0 ? 128 : 128 / options.Down) * row))));

    private static byte[] Decode(byte[] stream, Jpeg2000Header header, int halvings)
    {
        int width = Jpeg2000Decoder.Halve(header.Width, halvings), height = Jpeg2000Decoder.Halve(header.Height, halvings);
        byte[] rgb = new byte[width * height * 3];
        Assert.Null(new OpenJpegDecoder().Decode(stream, header, yCbCr: false, halvings, rgb, width * 3));
        return rgb;
    }

    /// <summary>T.800 table F: low-pass analysis filters, mirrored at the edges, down and across.</summary>
    private static double[] LowPassReference(double[] rgb, int width, int height, bool reversible)
    {
        double[] taps = reversible ? [6 / 8.0, 2 / 8.0, -1 / 8.0]
            : [0.6029490182363579, 0.2668641184428723, -0.07822326652898785, -0.01686411844287495, 0.02674875741080976];
        int halfWidth = (width + 1) / 2, halfHeight = (height + 1) / 2;
        double[] result = new double[halfWidth * halfHeight * 3];
        for (int i = 0; i < result.Length; i++)
        {
            for (int down = 1 - taps.Length; down < taps.Length; down++)
            {
                for (int across = 1 - taps.Length; across < taps.Length; across++)
                {
                    int x = Mirror((2 * (i / 3 % halfWidth)) + across, width), y = Mirror((2 * (i / 3 / halfWidth)) + down, height);
                    result[i] += taps[Math.Abs(across)] * taps[Math.Abs(down)] * rgb[(((y * width) + x) * 3) + (i % 3)];
                }
            }
        }
        return result;

        static int Mirror(int at, int count) => at < 0 ? -at : at >= count ? (2 * (count - 1)) - at : at;
    }

    /// <summary>What moves a stored resolution onto the middle of its pixels: four taps across and down, edges repeated.</summary>
    private static double[] CentreReference(double[] rgb, int width, int height, int halvings)
    {
        double[] taps = [.. (halvings == 1 ? (double[])[-3, 28, 8, -1] : [-4, 25, 14, -3]).Select(tap => tap / 32)],
            result = new double[rgb.Length];
        for (int i = 0; i < result.Length; i++)
        {
            for (int tap = 0; tap < 16; tap++)
            {
                int x = Math.Clamp((i / 3 % width) + (tap % 4) - 1, 0, width - 1),
                    y = Math.Clamp((i / 3 / width) + (tap / 4) - 1, 0, height - 1);
                result[i] += taps[tap % 4] * taps[tap / 4] * rgb[(((y * width) + x) * 3) + (i % 3)];
            }
        }
        return result;
    }

    private static double Mean(byte[] full, int fullWidth, int factor, int x, int y, int band)
    {
        int sum = 0;
        for (int i = 0; i < factor * factor; i++)
            sum += full[(((((y * factor) + (i / factor)) * fullWidth) + (x * factor) + (i % factor)) * 3) + band];
        return (double)sum / (factor * factor);
    }

    private static byte[] Read(Slide slide, int level, long x, long y, int width, int height)
    {
        byte[] rgb = new byte[width * height * 3];
        slide.ReadRegion(level, x, y, width, height, rgb);
        return rgb;
    }

    private static void AssertNear(byte[] expected, byte[] actual, int tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (Math.Abs(expected[i] - actual[i]) > tolerance)
                Assert.Fail($"Byte {i} is {actual[i]} for {expected[i]}.");
        }
    }

    private static void RequireOpenSlide() =>
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable,
            "OpenSlide is not installed on this machine (Debian, Ubuntu: apt install libopenslide0).");
}
