using BitMiracle.LibTiff.Classic;
using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>The embedded reader on files whose pixels are known: every compression, byte order and container.</summary>
public sealed class EmbeddedReaderTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    /// <summary>JPEG of quality 95 on smooth colours; chroma at half resolution where it is YCbCr.</summary>
    private const int JpegTolerance = 24;

    public static TheoryData<string> Kinds => new(Fixtures.Keys);

    private static readonly Dictionary<string, (TiffFixture File, int Tolerance)> Fixtures = new()
    {
        ["none"] = (new(333, 217, 64, Compression.NONE), 0),
        ["none, big-endian"] = (new(333, 217, 64, Compression.NONE, BigEndian: true), 0),
        ["lzw"] = (new(333, 217, 64, Compression.LZW), 0),
        ["lzw, predictor"] = (new(333, 217, 64, Compression.LZW, Predictor: true), 0),
        ["lzw, one tile, larger than the table"] = (new(300, 300, 304, Compression.LZW, Levels: 1), 0),
        ["deflate"] = (new(333, 217, 64, Compression.DEFLATE), 0),
        ["adobe deflate, predictor"] = (new(333, 217, 64, Compression.ADOBE_DEFLATE, Predictor: true), 0),
        ["deflate, BigTIFF"] = (new(333, 217, 64, Compression.DEFLATE, Big: true), 0),
        ["jpeg, rgb"] = (new(333, 217, 64, Compression.JPEG), JpegTolerance),
        ["jpeg, ycbcr"] = (new(333, 217, 64, Compression.JPEG, Photometric.YCBCR), JpegTolerance),
        ["jpeg, ycbcr, BigTIFF"] = (new(333, 217, 64, Compression.JPEG, Photometric.YCBCR, Big: true), JpegTolerance),
        ["smaller than a tile"] = (new(5, 3, 64, Compression.LZW, Levels: 1), 0),
        ["one pixel"] = (new(1, 1, 16, Compression.NONE, Levels: 1), 0),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Reads_the_pixels_that_were_written(string kind)
    {
        (TiffFixture fixture, int tolerance) = Fixtures[kind];
        using var slide = Slide.Open(fixture.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal(fixture.Levels, slide.Levels.Count);
        for (int level = 0; level < fixture.Levels; level++)
        {
            int width = fixture.Width >> level, height = fixture.Height >> level;
            Assert.Equal((width, height), ((int)slide.Levels[level].Width, (int)slide.Levels[level].Height));
            AssertRegion(slide, level, 0, 0, width, height, tolerance);
            AssertRegion(slide, level, width / 3, height / 2, width - (width / 3), height - (height / 2), tolerance);
            AssertRegion(slide, level, width - 1, height - 1, 1, 1, tolerance);
        }
        Assert.Equal(new Mpp(0.25, 0.5, "tiff.ResolutionUnit"), slide.Mpp);
    }

    [Fact]
    public void Chroma_at_half_resolution_is_YCbCr_whatever_the_tag_says()
    {
        using var slide = Slide.Open(TestData.Path("malformed", "qupath-OS-1-detail.ome.tif"), SlideReader.Embedded);
        byte[] rgb = new byte[1101 * 1101 * 3];
        slide.ReadRegion(0, 0, 0, 1101, 1101, rgb);
        double[] means = Enumerable.Range(0, 3)
            .Select(band => Enumerable.Range(0, 1101 * 1101).Average(i => (double)rgb[(i * 3) + band])).ToArray();
        Assert.True(means[0] > means[1] && means[2] > means[1], $"Mean colour {means[0]:F0}, {means[1]:F0}, {means[2]:F0}.");
    }

    [Fact]
    public void A_tile_that_does_not_decode_is_named_and_the_others_are_read()
    {
        using var slide = Slide.Open(TestData.Path("malformed", "derived-3-zeroed-tiles.svs"));
        TileCheck check = slide.VerifyTiles(deep: false);
        Assert.Equal((130, 0, 3), (check.Tiles, check.Absent, check.Unreadable));
        TileCheck deep = slide.VerifyTiles(deep: true);
        Assert.Equal(check.FirstFaults.Select(fault => fault.Tile), deep.FirstFaults.Select(fault => fault.Tile));

        byte[] rgb = new byte[240 * 240 * 3];
        TilePlace bad = check.FirstFaults[0].Tile!.Value;
        foreach (int offset in (int[])[0, 7])
        {
            SlideException fault = Assert.Throws<SlideException>(
                () => slide.ReadRegion(0, (bad.Column * 240) + offset, (bad.Row * 240) + offset, 240, 240, rgb));
            Assert.Equal((SlideFault.TileUnreadable, bad), (fault.Fault, fault.Tile!.Value));
            Assert.Contains($"tile ({bad.Column}, {bad.Row}) of level 0", fault.Message, StringComparison.Ordinal);
        }
        for (int row = 0; row < 13; row++)
        {
            for (int column = 0; column < 10; column++)
            {
                if (!deep.FirstFaults.Any(fault => fault.Tile == new TilePlace(0, column, row)))
                    slide.ReadRegion(0, column * 240, row * 240, 240, 240, rgb);
            }
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("deflate")]
    [InlineData("jpeg, rgb")]
    public void A_whole_file_verifies(string kind)
    {
        TiffFixture fixture = Fixtures[kind].File;
        using var slide = Slide.Open(fixture.Write(folder.Path));
        foreach (bool deep in (bool[])[false, true])
        {
            TileCheck check = slide.VerifyTiles(deep);
            Assert.Equal((deep, (6 * 4) + (3 * 2), 0, 0), (check.Deep, (int)check.Tiles, (int)check.Absent, (int)check.Unreadable));
            Assert.Empty(check.FirstFaults);
        }
    }

    [Fact]
    public void An_aperio_description_with_a_strange_mpp_is_named_and_the_resolution_tags_are_taken()
    {
        foreach (string mpp in (string[])["0", "-0.25", "NaN", "1e9", "a quarter", "0,4,9", ""])
        {
            TiffFixture fixture = Fixtures["lzw"].File with { Description = $"Aperio Image Library\n333x217|AppMag = 40|MPP = {mpp}|Text" };
            using var slide = Slide.Open(fixture.Write(folder.Path));
            Assert.Equal("aperio", slide.Format);
            Assert.Equal(new Mpp(0.25, 0.5, "tiff.ResolutionUnit"), slide.Mpp);
            Assert.Contains("aperio.MPP", Assert.Single(slide.Notes), StringComparison.Ordinal);
            Assert.Equal("40", slide.Properties["aperio.AppMag"]);
        }
    }

    private static void AssertRegion(Slide slide, int level, int x, int y, int width, int height, int tolerance)
    {
        byte[] rgb = new byte[width * height * 3];
        slide.ReadRegion(level, x, y, width, height, rgb);
        byte[] expected = TiffFixture.Region(level, x, y, width, height);
        double sum = 0;
        for (int i = 0; i < rgb.Length; i++)
        {
            int difference = Math.Abs(rgb[i] - expected[i]);
            sum += difference;
            Assert.True(difference <= tolerance, $"Level {level}, byte {i} of ({x}, {y}, {width}, {height}): {rgb[i]} for {expected[i]}.");
        }
        Assert.True(sum / rgb.Length <= tolerance / 8.0, $"Mean difference {sum / rgb.Length:F2}.");
    }
}
