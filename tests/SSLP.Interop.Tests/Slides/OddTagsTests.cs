using System.Text;
using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Tags of types and values that few writers use: read where their meaning is plain, else named, and never guessed.</summary>
public sealed class OddTagsTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Short = 3, Rational = 5;

    [Theory]
    [InlineData("20000", 3, "", 0.5, null)]
    [InlineData("20000,0", 3, "", 0.5, null)]
    [InlineData("20000", 0, "cm", 0.5, null)]
    [InlineData("50800", 0, "inch", 0.5, null)]
    [InlineData("50800", 0, "", 0.5, null)]
    [InlineData("20000", 0, "dots", null, "without a unit")]
    [InlineData("unknown", 3, "", null, "'unknown'")]
    public void Resolutions_and_units_as_text(string resolution, int unit, string unitText, double? mpp, string? named)
    {
        using Slide slide = Open(image =>
        {
            image.Text(282, resolution).Text(283, resolution);
            if (unit > 0)
                image.With(296, Short, (ushort)unit);
            else if (unitText.Length > 0)
                image.Text(296, unitText);
        });
        AssertSize(slide, mpp, named);
    }

    [Fact]
    public void A_resolution_divided_by_zero_is_named_and_zero_of_zero_is_not_known()
    {
        using Slide divided = Open(image =>
            image.With(282, Rational, (20000L, 0L)).With(283, Rational, (20000L, 0L)).With(296, Short, (ushort)3));
        AssertSize(divided, null, "division by zero");
        using Slide unknown = Open(image => image.With(282, Rational, (0L, 0L)).With(283, Rational, (0L, 0L)).With(296, Short, (ushort)3));
        AssertSize(unknown, null, null);
    }

    [Theory]
    [InlineData("500 nm", 0.5, null)]
    [InlineData("0.0005 mm", 0.5, null)]
    [InlineData("0,5 Micrometers", 0.5, null)]
    [InlineData("0.5 furlongs", null, "'0.5 furlongs'")]
    [InlineData("0.5 x 0.5", 0.5, null)]
    [InlineData("0.5\t0.5", 0.5, null)]
    [InlineData("0.0005 x 0.0005 mm", 0.5, null)]
    public void Aperio_sizes_with_a_unit(string text, double? mpp, string? named)
    {
        using Slide slide = Open(image => image.Text(270, $"Aperio Image Library v12\r\n200x160|AppMag = 20|MPP = {text}|Filename = x"));
        AssertSize(slide, mpp, named);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_size_among_a_megabyte_of_blanks_is_named_at_once()
    {
        string blanks = new(' ', 1_000_000);
        foreach (string text in (string[])[$"0.5{blanks}x", $"0.5 x 0.5{blanks}\"x"])
        {
            // On another thread, so that a search that takes minutes ends with the test.
            using Slide slide = await Task.Run(() => Open(image => image.Text(270, $"Aperio Image Library v12\r\n200x160|MPP = {text}")),
                TestContext.Current.CancellationToken);
            AssertSize(slide, null, "which is no number");
        }
    }

    [Theory]
    [InlineData("{\"shape\": [160, 200, 3], \"mpp\": 0.5}", 0.5, null)]
    [InlineData("{\"shape\": [160, 200, 3], \"MPP\": \"0,5\"}", 0.5, null)]
    [InlineData("{\"shape\": [160, 200, 3], \"PhysicalSizeX\": 0.5, \"PhysicalSizeXUnit\": \"\\u00b5m\"}", 0.5, null)]
    [InlineData("{\"PhysicalSizeX\": 500, \"PhysicalSizeXUnit\": \"nm\"}", 0.5, null)]
    [InlineData("{\"PhysicalSizeX\": 0.5}", 0.5, null)]
    [InlineData("{\"PhysicalSizeX\": 0.5, \"PhysicalSizeXUnit\": \"furlong\"}", null, "'furlong'")]
    [InlineData("{\"shape\": [160, 200, 3]}", null, null)]
    public void Descriptions_in_JSON(string description, double? mpp, string? named)
    {
        using Slide slide = Open(image => image.Text(270, description));
        AssertSize(slide, mpp, named);
    }

    [Theory]
    [InlineData("{\"mpp_x\":0.25,\"mpp_y\":0.5}", 0.25, 0.5)]
    [InlineData("{\"mpp_y\": 0.5, \"mpp_x\": 0.25}", 0.25, 0.5)]
    [InlineData("MPP-X (nm): 250; MPP-Y (nm): 500", 0.25, 0.5)]
    [InlineData("MPP (x) = 0.25, MPP (y) = 0.5", 0.25, 0.5)]
    [InlineData("mpp: [0.25, 0.5]", 0.25, 0.5)]
    [InlineData("{\"mpp\": [\"0.25\", \"0.5\"]}", 0.25, 0.5)]
    [InlineData("mpp_y: 0.5", 0.5, 0.5)]
    [InlineData("MPP (um/px): 0.5", 0.5, 0.5)]
    [InlineData("MPP (20x): 0.5", 0.5, 0.5)]
    [InlineData("{\"PhysicalSizeX\": 0.25, \"PhysicalSizeY\": 0.5}", 0.25, 0.5)]
    [InlineData("{\"PhysicalSizeX\": 250, \"PhysicalSizeXUnit\": \"nm\", \"PhysicalSizeY\": 500}", 0.25, 0.5)]
    [InlineData("MPP: (0.5, 20x)", 0.5, 0.5)]
    [InlineData("<name>openslide.mpp-x</name><value>0.25</value><name>openslide.mpp-y</name><value>0.5</value>", 0.25, 0.5)]
    public void Descriptions_that_name_both_axes(string description, double across, double down)
    {
        using Slide slide = Open(image => image.Text(270, description));
        Assert.Equal(across, slide.Mpp!.X, 1e-9);
        Assert.Equal(down, slide.Mpp.Y, 1e-9);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData("MPP (mm): 0.0005", 0.5, null)]
    [InlineData("MPP (mm): 0.5", null, "500 µm/px")]
    [InlineData("MPP (furlong): 0.5", null, "'furlong'")]
    [InlineData("MPP (20x): 0.5, MPP (40x): 0.25", 0.5, "0.25 µm/px")]
    [InlineData("MPP: 0.5, level 1 MPP: 1.0", 0.5, "1 µm/px")]
    [InlineData("MPP: 0.5, MPP: 0.5", 0.5, null)]
    [InlineData("{\"mpp\": 0.5, \"mpp_y\": 0.25}", 0.5, "0.25 µm/px")]
    public void Descriptions_with_units_and_several_sizes(string description, double? mpp, string? named)
    {
        using Slide slide = Open(image => image.Text(270, description));
        AssertSize(slide, mpp, named);
        using Slide aperio = Open(image => image.Text(270, $"Aperio Image Library v12\r\n200x160; {description}"));
        AssertSize(aperio, mpp, named);
    }

    [Theory]
    [InlineData("MICROMETER", 0.5)]
    [InlineData("Micrometre", 0.5)]
    [InlineData("Mm", null)]
    public void OMEs_units_in_other_letters(string unit, double? mpp)
    {
        // Mega and not milli: a size that is named, and never 500.
        using Slide slide = Open(image => image.Text(270, PixelSizeTests.Ome("0.5", unit)));
        AssertSize(slide, mpp, mpp is null ? "500000000000 µm/px" : null);
    }

    [Theory]
    [InlineData(266, 2, 1, "FillOrder 2")]
    [InlineData(258, 8, 16, "different kinds of numbers")]
    [InlineData(339, 1, 3, "different kinds of numbers")]
    public void Bits_and_numbers_that_are_not_plain_are_refused_by_name(int tag, int first, int last, string named)
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, 64, 64, jpeg: false)).With(tag, Short, (ushort)first, (ushort)first, (ushort)last);
        SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(raw.Write(folder.Path), SlideReader.Embedded));
        Assert.Equal(SlideFault.UnsupportedPixels, fault.Fault);
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_number_of_bits_stands_for_all_bands()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, 64, 64, jpeg: false)).With(258, Short, (ushort)8);
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal(0, slide.VerifyTiles(deep: true).Unreadable);
    }

    [Theory]
    [InlineData(32773, "PackBits")]
    [InlineData(34925, "LZMA")]
    [InlineData(52546, "JPEG XL")]
    [InlineData(12345, "compression 12345")]
    public void A_compression_that_is_not_read_has_a_name(int compression, string named)
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, 64, 64, jpeg: false)).With(259, Short, (ushort)compression);
        SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(raw.Write(folder.Path), SlideReader.Embedded));
        Assert.Equal(SlideFault.UnsupportedCompression, fault.Fault);
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_OME_series_of_one_size_are_named_and_the_first_is_read()
    {
        var raw = new RawTiff();
        string Image(int i, string size) => $"<Image ID=\"Image:{i}\" Name=\"scan {i}\"><Pixels SizeX=\"200\" SizeY=\"160\" SizeC=\"3\" " +
            $"PhysicalSizeX=\"{size}\"><TiffData IFD=\"{i}\"/></Pixels></Image>";
        raw.Add(raw.Picture(0, 200, 160)).Text(270,
            $"<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">{Image(0, "0.5")}{Image(1, "0.25")}</OME>");
        raw.Add(raw.Picture(0, 200, 160));
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        AssertSize(slide, 0.5, "2 have the most pixels, and the first of them is read");
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS")]
    [InlineData("<!DOCTYPE html><html><body>404</body></html>", "web page")]
    public void What_a_download_left_instead_of_a_slide_is_named(string text, string named)
    {
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():N}.svs");
        File.WriteAllText(path, text, Encoding.ASCII);
        SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(path));
        Assert.Equal(SlideFault.NotASlide, fault.Fault);
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    private static void AssertSize(Slide slide, double? mpp, string? named)
    {
        if (mpp is { } size)
            Assert.Equal(size, slide.Mpp!.X, 1e-9);
        else
            Assert.Null(slide.Mpp);
        if (named is null)
            Assert.Empty(slide.Notes);
        else
            Assert.Contains(named, Assert.Single(slide.Notes), StringComparison.Ordinal);
    }

    private Slide Open(Action<RawTiff.Image> edit)
    {
        var raw = new RawTiff();
        edit(raw.Add(raw.Picture(0, 200, 160)));
        return Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
    }
}
