using System.Text;
using SSLP.Data.Synth;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using SSLP.Interop.Tests.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Variants;

/// <summary>
/// Slides as other programs write them, one oddity each: what they say is read, or named. Their kinds were found by trying hundreds.
/// </summary>
public sealed class SlideVariantsTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Width = 256, Height = 192;

    private const int Rational = 5, Short = 3;

    [Theory]
    [InlineData("|MPP : 0.5", 0.5)]
    [InlineData("|MPP = 0.5;", 0.5)]
    [InlineData("|MPP = '0.5'", 0.5)]
    [InlineData("|MPP = 0.5 0.25", 0.5, 0.25)]
    [InlineData("|MPP = 0.5 x 0.5", 0.5)]
    [InlineData("|MPP = 0.5,0.5", 0.5)]
    [InlineData("|MPP = 0.0005 x 0.00025 mm", 0.5, 0.25)]
    [InlineData("|MPP = 0.5 micrometers/pixel", 0.5)]
    [InlineData("|MPP = 0.5 µm / pixel", 0.5)]
    [InlineData("|MPP = 500 nm per px", 0.5)]
    [InlineData("|MPP X = 0.5|MPP Y = 0.5", 0.5)]
    [InlineData("|MPP_X = 0.5", 0.5)]
    [InlineData("|MPP (um) = 0.5", 0.5)]
    [InlineData("|Micrometers per pixel = 0.5", 0.5)]
    [InlineData(";AppMag = 20;MPP = 0.5", 0.5)]
    [InlineData("\r\nAppMag = 20\r\nMPP = 0.5\r\n", 0.5)]
    public void Aperio_sizes_in_other_words(string fields, double across, double? down = null)
    {
        using Slide slide = Open(image => image.Text(270, "Aperio Image Library v12\r\n256x192" + fields));
        Assert.Equal(new Mpp(across, down ?? across, "aperio.MPP"), slide.Mpp);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData("1,000.5")]
    [InlineData("1.000,5")]
    [InlineData("0.5 pixels")]
    [InlineData("0.5 x")]
    [InlineData("x 0.5")]
    [InlineData("0.5 0.5 0.5")]
    public void Aperio_sizes_that_are_no_number_are_named(string text)
    {
        using Slide slide = Open(image => image.Text(270, $"Aperio Image Library v12\r\n256x192|MPP = {text}"));
        Assert.Null(slide.Mpp);
        Assert.Contains($"'{text}'", Assert.Single(slide.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"mpp_x\": 0.5, \"mpp_y\": 0.5}")]
    [InlineData("{\"mpp\": [0.5, 0.5]}")]
    [InlineData("openslide.mpp-x: 0.5")]
    [InlineData("{\"microns_per_pixel\": 0.5}")]
    [InlineData("<image><property><name>aperio.MPP</name><value type=\"VipsRefString\">0.5</value></property></image>")]
    public void Descriptions_in_other_words(string description)
    {
        using Slide slide = Open(image => image.Text(270, description));
        Assert.Equal(0.5, slide.Mpp?.X);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData("0.5", "UM")]
    [InlineData("0.5", "µM")]
    [InlineData("0.5", "µ")]
    [InlineData("0.5", "")]
    [InlineData("500", "NM")]
    [InlineData("500", "nanometers")]
    [InlineData("0.0005", "MM")]
    [InlineData("0.0005", "Millimetres")]
    [InlineData("5E-5", "CM")]
    [InlineData("5E-7", "metres")]
    [InlineData("5E-9", "hm")]
    [InlineData("5E-13", "Mm")]
    [InlineData("500000000", "fm")]
    [InlineData("0.5", "µm/px")]
    [InlineData("0.5", "um / pixel")]
    [InlineData("0.5", "microns per pixel")]
    public void OME_units_in_other_letters(string value, string unit)
    {
        using Slide slide = Open(image => image.Text(270, PixelSizeTests.Ome(value, unit, Width, Height)));
        Assert.Equal(0.5, slide.Mpp?.X ?? 0, 1e-9);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData("px")]
    [InlineData("per pixel")]
    [InlineData("/px")]
    public void OME_pixels_are_no_length(string unit)
    {
        using Slide slide = Open(image => image.Text(270, PixelSizeTests.Ome("0.5", unit, Width, Height)));
        Assert.Null(slide.Mpp);
        Assert.Contains($"'{unit}'", slide.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_zero_beside_a_size_stands_for_not_known()
    {
        using Slide tags = Open(image => image
            .With(282, Rational, (20_000L, 1L)).With(283, Rational, (0L, 1L)).With(296, Short, (ushort)3));
        Assert.Equal(new Mpp(0.5, 0.5, "tiff.ResolutionUnit"), tags.Mpp);
        using Slide ome = Open(image => image.Text(270, PixelSizeTests.Ome("0.5", "µm", Width, Height)
            .Replace("PhysicalSizeY=\"0.5\"", "PhysicalSizeY=\"0\"", StringComparison.Ordinal)));
        Assert.Equal(new Mpp(0.5, 0.5, "ome.PhysicalSizeX"), ome.Mpp);
    }

    [Theory]
    [InlineData("'0.0005' '0.0005'")]
    [InlineData("\"0.0005\", \"0.0005\"")]
    [InlineData("0.0005\\0.0005")]
    [InlineData("\"0.0005\"")]
    [InlineData("0,0005; 0,0005")]
    public void Philips_spacings_in_other_signs(string spacing)
    {
        using Slide slide = Philips(xml => xml.Replace(
            "&quot;0.0005&quot; &quot;0.0005&quot;", System.Security.SecurityElement.Escape(spacing), StringComparison.Ordinal));
        Assert.Equal(0.5, slide.Mpp?.X ?? 0, 1e-9);
        Assert.Empty(slide.Notes);
    }

    [Fact]
    public void Philips_levels_without_numbers_are_ordered_by_their_spacing()
    {
        using Slide slide = Philips(xml =>
        {
            const string End = "</DataObject>", Start = "<DataObject ObjectType=\"PixelDataRepresentation\">";
            string[] levels = [.. System.Text.RegularExpressions.Regex.Matches(xml, Start + ".*?" + End,
                System.Text.RegularExpressions.RegexOptions.Singleline).Select(match => match.Value)];
            Assert.True(levels.Length > 1);
            int first = xml.IndexOf(Start, StringComparison.Ordinal);
            int last = xml.IndexOf(levels[^1], StringComparison.Ordinal) + levels[^1].Length;
            // Coarsest first, and the scan's own spacing is lost with the names before them.
            string before = xml[..first].Replace("DICOM_PIXEL_SPACING", "X", StringComparison.Ordinal);
            return (before + string.Concat(levels.Reverse()) + xml[last..])
                .Replace("PIIM_PIXEL_DATA_REPRESENTATION_NUMBER", "Y", StringComparison.Ordinal);
        });
        Assert.Equal(0.5, slide.Mpp?.X ?? 0, 1e-9);
        Assert.DoesNotContain(slide.Notes, note => note.Contains("spacing", StringComparison.Ordinal));
    }

    [Fact]
    public void A_document_type_costs_no_Philips_pixel_size()
    {
        const string Root = "<DataObject ObjectType=\"DPUfsImport\">";
        using Slide slide = Philips(xml => xml.Replace(Root, "<!DOCTYPE DataObject>" + Root, StringComparison.Ordinal));
        Assert.Equal(0.5, slide.Mpp?.X ?? 0, 1e-9);
    }

    [Theory]
    [InlineData("label", 0, 1, 2)]
    [InlineData("macro", 0, 1, 2)]
    [InlineData("256x192 -> 64x48 -", 0, 1, 2)]
    [InlineData(null, 2, 1, 0)]
    [InlineData(null, 1, 0, 2)]
    public void An_SVS_may_begin_with_any_of_its_images(string? before, params int[] order)
    {
        var raw = new RawTiff();
        if (before is not null)
            InStrips(raw.Add(raw.Picture(2, 64, 64).Text(270, $"Aperio Image Library v12\r\n{before} 64x64")));
        foreach (int level in order)
        {
            raw.Add(raw.Picture(0, Width >> level, Height >> level, pixel: Scene(1 << level))
                .Text(270, $"Aperio Image Library v12\r\n256x192{(level == 0 ? "|MPP = 0.5" : " -> smaller")}"));
        }
        using Slide slide = Open(raw, ".svs");
        Assert.Equal([Width, Width / 2, Width / 4], slide.Levels.Select(level => level.Width));
        Assert.Equal(new Mpp(0.5, 0.5, "aperio.MPP"), slide.Mpp);
        Assert.Equal(
            before is null ? [] : [before.Contains("->", StringComparison.Ordinal) ? "thumbnail" : before], slide.AssociatedImages);
    }

    [Fact]
    public void An_SVS_is_not_its_larger_macro()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)).Text(270, "Aperio Image Library v12\r\n256x192|MPP = 0.5"));
        raw.Add(raw.Picture(0, Width * 2, Height * 2, pixel: (x, y) => ((byte)(x > Width ? 40 : 240), (byte)y, 90)));
        using Slide slide = Open(raw, ".svs");
        Assert.Equal(Width, Assert.Single(slide.Levels).Width);
        Assert.Contains("another field", Assert.Single(slide.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Reduced_levels_of_a_picture_in_strips_are_not_the_picture()
    {
        var raw = new RawTiff();
        InStrips(raw.Add(raw.Picture(0, Width, Width, tile: Width)));
        raw.Add(raw.Picture(1, Width / 2, Width / 2, reduced: true)).With(282, Rational, (20_000L, 1L)).With(296, Short, (ushort)3);
        SlideException fault = Assert.Throws<SlideException>(() => Open(raw));
        Assert.Contains("in strips", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_level_that_lost_the_size_of_its_tiles_is_not_left_for_a_coarser_one()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height)).Without(322);
        raw.Add(raw.Picture(1, Width / 2, Height / 2, reduced: true));
        Assert.Contains("TileWidth", Assert.Throws<SlideException>(() => Open(raw)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_looks_like_a_level_of_the_same_size_says_nothing_of_the_level()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
        raw.Add(raw.Picture(0, Width / 2, Height / 2, reduced: true, pixel: (x, y) => ((byte)(x > 60 ? 40 : 240), (byte)y, 90)));
        raw.Add(raw.Picture(0, Width / 2, Height / 2, reduced: true, pixel: Scene(2)));
        using Slide slide = Open(raw);
        Assert.Equal([Width, Width / 2], slide.Levels.Select(level => level.Width));
        byte[] rgb = new byte[3];
        slide.ReadRegion(1, 100, 90, 1, 1, rgb);
        (byte r, _, _) = Scene(2)(100, 90);
        Assert.InRange(rgb[0], r - 12, r + 12);
    }

    [Fact]
    public void Numbers_that_use_12_of_16_bits_and_JPEG_of_inks_are_refused_and_not_read_as_dark()
    {
        var raw = new RawTiff();
        raw.Add(raw.Bands(Width, Height, 256, 8, 2, 3, 16, [RawTiff.Deflate(new byte[256 * 256 * 6])])).Text(
            270, PixelSizeTests.Ome("0.5", "µm", Width, Height)
                .Replace("SizeT=", "SignificantBits=\"12\" SizeT=", StringComparison.Ordinal));
        Assert.Contains("12 of the 16 bits", Assert.Throws<SlideException>(() => Slide.Open(raw.Write(folder.Path))).Message,
            StringComparison.Ordinal);
        var inks = new RawTiff();
        inks.Add(inks.Bands(Width, Height, 256, 7, 5, 4, 8, [new byte[64]]));
        Assert.Contains("TIFF kind 5", Assert.Throws<SlideException>(() => Slide.Open(inks.Write(folder.Path))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<!doctype html><p>gone", "web page")]
    [InlineData("\n<?xml version=\"1.0\"?><Error/>", "web page or XML")]
    [InlineData("PK\u0003\u0004 and so on", "archive")]
    public void Downloads_that_are_something_else_are_called_so(string content, string named)
    {
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():N}.svs");
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(content));
        SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(path, SlideReader.Embedded));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// An error sticks to OpenSlide's handle: a reader beside one of a damaged tile met a closed handle, or the other's error.
    /// </summary>
    [Fact]
    public void A_damaged_tile_that_OpenSlide_meets_costs_no_reader_beside_it()
    {
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine (apt install libopenslide0).");
        // PackBits: runs of 128 equal bytes; the third tile ends too early.
        byte[] whole = [.. Enumerable.Repeat((byte[])[129, 200], 64 * 64 * 3 / 128).SelectMany(run => run)];
        var raw = new RawTiff();
        raw.Add(raw.Bands(Width, 64, 64, 32773, 2, 3, 8, [whole, whole, whole[..10], whole]));
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.OpenSlide);
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            byte[] rgb = new byte[64 * 64 * 3];
            if (i % 4 == 2)
            {
                Assert.Equal(SlideFault.TileUnreadable, Assert.Throws<SlideException>(
                    () => slide.ReadRegion(0, 128, 0, 64, 64, rgb)).Fault);
                return;
            }
            slide.ReadRegion(0, i % 4 * 64, 0, 64, 64, rgb);
            Assert.False(rgb.AsSpan().ContainsAnyExcept((byte)200));
        });
    }

    private static void InStrips(RawTiff.Image image) =>
        image.With(273, 4, image.Tags[324].Values).With(279, 4, image.Tags[325].Values).With(278, 4, image.Tags[323].Values)
            .Without(322).Without(323).Without(324).Without(325);

    private static Func<int, int, (byte R, byte G, byte B)> Scene(double downsample) => (x, y) =>
    {
        byte value = (byte)(120 + (100 * Math.Sin((x + 0.5) * downsample / 60) * Math.Cos((y + 0.5) * downsample / 45)));
        return (value, (byte)(255 - value), 128);
    };

    private Slide Philips(Func<string, string> edit)
    {
        var file = new PhilipsTiff(600, 500, 0.5, 0.5) { TileSide = 128, Edit = edit };
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():N}.tiff");
        file.Write(path, TiffFixture.Region(0, 0, 0, file.Width, file.Height));
        return Slide.Open(path, SlideReader.Embedded);
    }

    private Slide Open(Action<RawTiff.Image> edit)
    {
        var raw = new RawTiff();
        edit(raw.Add(raw.Picture(0, Width, Height)));
        return Open(raw);
    }

    private Slide Open(RawTiff raw, string extension = ".tif") => Slide.Open(raw.Write(folder.Path, extension), SlideReader.Embedded);
}
