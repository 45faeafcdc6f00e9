using System.Globalization;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Every place in which a file can state the size of its pixels; contradictions and sizes that can't be are named.</summary>
public sealed class PixelSizeTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Rational = 5, Signed = 10, Float = 11, Double = 12, Short = 3, Long = 4, Long8 = 16;

    public static TheoryData<int, string, int, double> Tags => new()
    {
        { Rational, "20000/1", 3, 0.5 },
        { Rational, "20000000/1000", 3, 0.5 },
        { Rational, "50800/1", 2, 0.5 },
        { Rational, "50800/1", 0, 0.5 },
        { Signed, "20000/1", 3, 0.5 },
        { Float, "20000", 3, 0.5 },
        { Float, "101600", 2, 0.25 },
        { Double, "20000", 3, 0.5 },
        { Double, "43290.04329004329", 3, 0.231 },
        { Rational, "2000/1", 4, 0.5 },
        { Double, "2", 5, 0.5 },
        { Short, "20000", 3, 0.5 },
        { Short, "50800", 2, 0.5 },
        { Long, "100000", 3, 0.1 },
        { Long, "1270", 2, 20 },
    };

    [Theory]
    [MemberData(nameof(Tags))]
    public void Resolution_tags_of_any_number_type(int type, string value, int unit, double mpp)
    {
        foreach (bool big in (bool[])[false, true])
        {
            foreach (bool bigEndian in (bool[])[false, true])
            {
                using Slide slide = Open(image => WithTags(image, type, value, unit), big, bigEndian);
                Assert.NotNull(slide.Mpp);
                Assert.Equal(mpp, slide.Mpp.X, 1e-6);
                Assert.Equal(mpp, slide.Mpp.Y, 1e-6);
                Assert.Equal("tiff.ResolutionUnit", slide.Mpp.Source);
                Assert.Empty(slide.Notes);
            }
        }
    }

    [Fact]
    public void A_64_bit_resolution_of_BigTIFF()
    {
        using Slide slide = Open(image => WithTags(image, Long8, "20000", 3), big: true, bigEndian: false);
        Assert.Equal(0.5, slide.Mpp!.X);
    }

    [Theory]
    [InlineData(Rational, "20000000/1", 3, "0.0005 µm/px")]
    [InlineData(Double, "20", 3, "500 µm/px")]
    [InlineData(Rational, "72/1", 2, "352.777778 µm/px")]
    [InlineData(Short, "2400", 2, "10.583333 µm/px")]
    [InlineData(Rational, "500/1", 1, "without a unit")]
    [InlineData(Float, "2.5", 1, "without a unit")]
    public void Sizes_that_no_microscope_has_are_named_and_not_used(int type, string value, int unit, string named)
    {
        using Slide slide = Open(image => WithTags(image, type, value, unit));
        Assert.Null(slide.Mpp);
        Assert.Contains(named, Assert.Single(slide.PixelSize.Notes), StringComparison.Ordinal);
        Assert.Equal(slide.PixelSize.Notes, slide.Notes);
    }

    [Theory]
    [InlineData(Rational, "0/1")]
    [InlineData(Rational, "20000/0")]
    [InlineData(Double, "NaN")]
    [InlineData(Float, "-5")]
    public void Tags_that_are_no_number_give_no_size(int type, string value)
    {
        using Slide slide = Open(image => WithTags(image, type, value, 3));
        Assert.Null(slide.Mpp);
    }

    [Theory]
    [InlineData("0.5", 0.5)]
    [InlineData("0,5", 0.5)]
    [InlineData("0,500000", 0.5)]
    [InlineData(" 0.2520 ", 0.252)]
    [InlineData("2,5e-1", 0.25)]
    [InlineData("0.25 µm", 0.25)]
    [InlineData("0.25 um/px", 0.25)]
    [InlineData("1", 1)]
    public void Aperio_writes_points_and_commas(string text, double mpp)
    {
        using Slide slide = Open(image => image.Text(270, $"Aperio Image Library v12\r\n200x160|AppMag = 20|MPP = {text}|Filename = x"));
        Assert.Equal(new Mpp(mpp, mpp, "aperio.MPP"), slide.Mpp);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData("mpp = 0.5", 0.5, null)]
    [InlineData("Mpp=0,25", 0.25, null)]
    [InlineData("MPP = 0.5|AppMag = 20|MPP = 0.25", 0.5, "0.25 µm/px")]
    [InlineData("MPP = 0.5|mpp = 0.501", 0.5, null)]
    [InlineData("MPP = none|mpp = 0.5", 0.5, "'none'")]
    public void Aperio_by_any_letters_and_twice(string fields, double mpp, string? named)
    {
        using Slide slide = Open(image => image.Text(270, $"Aperio Image Library v12\r\n200x160|AppMag = 20|{fields}"));
        Assert.Equal(mpp, slide.Mpp!.X);
        Assert.Equal(named is null, slide.Notes.Count == 0);
        Assert.All(slide.Notes, note => Assert.Contains(named!, note, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Signed, "-20000/1")]
    [InlineData(Double, "NaN")]
    [InlineData(Float, "-1")]
    public void Resolutions_that_are_no_sizes_are_named(int type, string value)
    {
        using Slide slide = Open(image => WithTags(image, type, value, 3));
        Assert.Null(slide.Mpp);
        Assert.Contains("no sizes", Assert.Single(slide.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.5", "µm", 0.5)]
    [InlineData("0.5", "\u03BCm", 0.5)]
    [InlineData("0.5", "um", 0.5)]
    [InlineData("0.5", null, 0.5)]
    [InlineData("500", "nm", 0.5)]
    [InlineData("0.0005", "mm", 0.5)]
    [InlineData("5E-5", "cm", 0.5)]
    [InlineData("5000", "Å", 0.5)]
    [InlineData("500000", "pm", 0.5)]
    [InlineData("0.0000005", "m", 0.5)]
    [InlineData("0.00001", "in", 0.254)]
    [InlineData("0.01", "thou", 0.254)]
    [InlineData("0.001", "pt", 0.352778)]
    public void OME_states_the_unit(string value, string? unit, double mpp)
    {
        using Slide slide = Open(image => image.Text(270, Ome(value, unit)));
        Assert.Equal(mpp, slide.Mpp!.X, 1e-6);
        Assert.Equal("ome.PhysicalSizeX", slide.Mpp.Source);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData("0.5", "pixel", "'pixel'")]
    [InlineData("0.5", "reference frame", "'reference frame'")]
    [InlineData("0.5", "mm", "500 µm/px")]
    [InlineData("half", "µm", "'half'")]
    public void OME_units_that_are_no_length_or_mistaken_are_named(string value, string unit, string named)
    {
        using Slide slide = Open(image => image.Text(270, Ome(value, unit)));
        Assert.Null(slide.Mpp);
        Assert.Contains(named, slide.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void OME_in_another_encoding_than_it_says_keeps_its_micro_sign()
    {
        var raw = new RawTiff();
        byte[] latin1 = System.Text.Encoding.Latin1.GetBytes(Ome("0.5", "µm") + "\0");
        raw.Add(raw.Picture(0, 200, 160).With(270, 2, [.. latin1.Cast<object>()]));
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal(0.5, slide.Mpp!.X);
    }

    [Theory]
    [InlineData("ImageJ=1.53t\nunit=micron\n", 1, 2.0, 0.5)]
    [InlineData("ImageJ=1.53t\nimages=1\nunit=\\u00B5m\nloop=false\n", 1, 2.0, 0.5)]
    [InlineData("ImageJ=1.53t\nunit=mm\n", 1, 2000.0, 0.5)]
    [InlineData("<?xml version=\"1.0\"?><image " +
        "xmlns=\"http://www.vips.ecs.soton.ac.uk/dzsave/2.0\"><properties><property><name>openslide.mpp-x</name><value " +
        "type=\"VipsRefString\">0.5</value></property></properties></image>", 0, 0, 0.5)]
    [InlineData("converted; MPP: 0.5; level 0", 0, 0, 0.5)]
    public void Descriptions_of_ImageJ_libvips_and_converters(string description, int unit, double perUnit, double mpp)
    {
        using Slide slide = Open(image =>
        {
            image.Text(270, description);
            if (perUnit > 0)
                image.With(282, Double, perUnit).With(283, Double, perUnit).With(296, Short, (ushort)unit);
        });
        Assert.Equal(mpp, slide.Mpp!.X, 1e-9);
    }

    [Fact]
    public void Two_places_that_contradict_are_both_named()
    {
        using Slide aperio = Open(image =>
            WithTags(image.Text(270, "Aperio Image Library v12\r\n200x160|MPP = 0.5"), Rational, "40000/1", 3));
        Assert.Equal("aperio.MPP", aperio.Mpp!.Source);
        AssertNames(aperio, "0.5 µm/px in aperio.MPP", "0.25 µm/px in tiff.ResolutionUnit");
        using Slide ome = Open(image => WithTags(image.Text(270, Ome("0.25", "µm")), Double, "20000", 3));
        Assert.Equal("ome.PhysicalSizeX", ome.Mpp!.Source);
        AssertNames(ome, "0.25 µm/px in ome.PhysicalSizeX", "0.5 µm/px in tiff.ResolutionUnit");
        using Slide mistaken = Open(image => WithTags(image.Text(270, Ome("0.5", "mm")), Double, "20000", 3));
        Assert.Equal(new Mpp(0.5, 0.5, "tiff.ResolutionUnit"), mistaken.Mpp);
        AssertNames(mistaken, "500 µm/px in ome.PhysicalSizeX", "not used");
    }

    [Fact]
    public void Two_places_that_agree_and_a_print_resolution_beside_a_known_size_say_nothing()
    {
        using Slide agree = Open(image => WithTags(image.Text(270, Ome("0.2527", "µm")), Double, "40000", 3));
        Assert.Empty(agree.Notes);
        using Slide print = Open(image => WithTags(image.Text(270, "Aperio Image Library v12\r\n200x160|MPP = 0.5"), Rational, "72/1", 2));
        Assert.Equal(0.5, print.Mpp!.X);
        Assert.Empty(print.Notes);
    }

    [Fact]
    public void Properties_of_OpenSlide_are_read_in_every_vendors_words()
    {
        Check(0.5, "openslide.mpp-x", ("openslide.mpp-x", "0.5"), ("openslide.mpp-y", "0.5"));
        Check(0.5, "aperio.MPP", ("aperio.MPP", "0,5"));
        Check(0.25, "ventana.ScanRes", ("ventana.ScanRes", "0.25"));
        Check(0.5, "philips.DICOM_PIXEL_SPACING", ("philips.DICOM_PIXEL_SPACING", "\"0.0005\" \"0.0005\""));
        Check(0.5, "tiff.ResolutionUnit", ("tiff.XResolution", "20000"), ("tiff.YResolution", "20000"),
            ("tiff.ResolutionUnit", "centimeter"));
        PixelSize contradicting = OpenSlidePixelSize.Find(new Dictionary<string, string>
        { ["openslide.mpp-x"] = "0.25", ["openslide.mpp-y"] = "0.25", ["aperio.MPP"] = "0.5" });
        Assert.Equal(0.25, contradicting.Mpp!.X);
        Assert.Contains("aperio.MPP", Assert.Single(contradicting.Notes), StringComparison.Ordinal);
        PixelSize mistaken = OpenSlidePixelSize.Find(
            new Dictionary<string, string> { ["openslide.mpp-x"] = "250", ["openslide.mpp-y"] = "250" });
        Assert.Null(mistaken.Mpp);
        Assert.Contains("250 µm/px", Assert.Single(mistaken.Notes), StringComparison.Ordinal);

        static void Check(double mpp, string source, params (string Key, string Value)[] properties)
        {
            PixelSize size = OpenSlidePixelSize.Find(properties.ToDictionary(pair => pair.Key, pair => pair.Value));
            Assert.Equal(new Mpp(mpp, mpp, source), size.Mpp);
            Assert.Empty(size.Notes);
        }
    }

    private static void AssertNames(Slide slide, params string[] parts) =>
        Assert.All(parts, part => Assert.Contains(part, Assert.Single(slide.Notes), StringComparison.Ordinal));

    internal static string Ome(string value, string? unit, int sizeX = 200, int sizeY = 160)
    {
        string units = unit is null ? "" : $" PhysicalSizeXUnit=\"{unit}\" PhysicalSizeYUnit=\"{unit}\"";
        return $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0" Name="case">
            <Pixels DimensionOrder="XYCZT" ID="Pixels:0" Interleaved="true" PhysicalSizeX="{value}" PhysicalSizeY="{value}"{units}
              SizeC="3" SizeT="1" SizeX="{sizeX}" SizeY="{sizeY}" SizeZ="1" Type="uint8">
            <Channel ID="Channel:0:0" SamplesPerPixel="3"/><TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>
            """;
    }

    private static RawTiff.Image WithTags(RawTiff.Image image, int type, string text, int unit)
    {
        CultureInfo culture = System.Globalization.CultureInfo.InvariantCulture;
        string[] parts = text.Split('/');
        object value = type switch
        {
            Rational or Signed => (long.Parse(parts[0], culture), long.Parse(parts[1], culture)),
            Float => float.Parse(text, culture),
            Double => double.Parse(text, culture),
            _ => ulong.Parse(text, culture),
        };
        image.With(282, type, value).With(283, type, value);
        return unit == 0 ? image : image.With(296, Short, (ushort)unit);
    }

    private Slide Open(Action<RawTiff.Image> edit, bool big = false, bool bigEndian = false)
    {
        var raw = new RawTiff(big, bigEndian);
        edit(raw.Add(raw.Picture(0, 200, 160)));
        raw.Add(raw.Picture(1, 100, 80, reduced: true));
        return Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
    }
}
