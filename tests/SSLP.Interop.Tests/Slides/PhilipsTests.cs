using System.Text.RegularExpressions;
using SkiaSharp;
using SSLP.Data.Synth;
using SSLP.Interop.Slides;
using SSLP.Interop.Slides.OpenSlide;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>
/// Philips TIFF: the same levels, pixels and pixel size as OpenSlide gives, and what is right where files contradict themselves.
/// </summary>
public sealed partial class PhilipsTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    /// <summary>Both decode with libjpeg; another version of it may round otherwise.</summary>
    private const int MostDifference = 2;

    private static readonly Dictionary<string, PhilipsTiff> Kinds = new()
    {
        ["as the scanner writes it"] = new(1500, 1100),
        ["wide"] = new(3100, 300, 0.226891, 0.226907),
        ["tall, small tiles"] = new(250, 1900) { TileSide = 128 },
        ["sparse"] = new(1700, 1300)
        {
            TileSide = 256,
            IsAbsent = (level, column, row) =>
            level == 0 ? (column + row) % 3 == 0 : level == 1 && column == 1
        },
        ["BigTIFF"] = new(900, 1200, 0.5, 0.5) { TileSide = 256, Big = true },
        ["big-endian"] = new(900, 700, 0.5, 0.5) { TileSide = 256, BigEndian = true },
        ["two levels only"] = new(4000, 3000) { TileSide = 256, MostLevels = 2 },
        ["one tile"] = new(200, 100),
        ["with a label"] = new(700, 700) { TileSide = 256, Label = Jpeg(90, 60) },
    };

    public static TheoryData<string> KindNames => new(Kinds.Keys);

    [Theory]
    [MemberData(nameof(KindNames))]
    public void Is_what_OpenSlide_reads(string kind)
    {
        Assert.SkipUnless(OpenSlideLibrary.IsAvailable, "OpenSlide is not installed on this machine (apt install libopenslide0).");
        Assert.SkipWhen(kind == "big-endian", "OpenSlide 3.4.1 opens no classic TIFF in this byte order.");
        string path = Write(Kinds[kind]);
        using var ours = Slide.Open(path);
        using var theirs = Slide.Open(path, SlideReader.OpenSlide);
        Assert.Equal((SlideReader.Embedded, "philips", "philips"), (ours.Reader, ours.Format, theirs.Format));
        Assert.Equal(theirs.Levels, ours.Levels);
        Assert.Equal(theirs.Mpp!.X, ours.Mpp!.X, 1e-12);
        Assert.Equal(theirs.Mpp.Y, ours.Mpp.Y, 1e-12);
        Assert.Empty(ours.Notes);
        Assert.Equal(theirs.AssociatedImages, ours.AssociatedImages);
        foreach (string key in ours.Properties.Keys.Where(key => key.StartsWith("philips.", StringComparison.Ordinal)))
            Assert.Equal(theirs.Properties[key], ours.Properties[key]);
        for (int level = 0; level < ours.Levels.Count; level++)
        {
            int width = (int)ours.Levels[level].Width, height = (int)ours.Levels[level].Height;
            AssertSame(ours, theirs, level, 0, 0, width, height);
            // Corners on OpenSlide's level-0 grid, across the padding and beyond it.
            AssertSame(ours, theirs, level, width / 2, height / 3, width, height);
            AssertSame(ours, theirs, level, width - 5, height - 7, 30, 30);
        }
    }

    [Theory]
    [MemberData(nameof(KindNames))]
    public void Levels_are_cut_and_tiles_left_out_are_white(string kind)
    {
        PhilipsTiff file = Kinds[kind];
        using var slide = Slide.Open(Write(file), SlideReader.Embedded);
        Assert.Equal(file.Levels, slide.Levels.Count);
        for (int level = 0; level < file.Levels; level++)
        {
            Assert.Equal(new SlideLevel(file.PaddedWidth >> level, file.PaddedHeight >> level, 1 << level, file.TileSide, file.TileSide),
                slide.Levels[level]);
            byte[] rgb = new byte[3];
            slide.ReadRegion(level, 3, 3, 1, 1, rgb);
            Assert.Equal(file.IsAbsent(level, 0, 0), rgb.AsSpan().SequenceEqual((ReadOnlySpan<byte>)[255, 255, 255]));
        }
        Assert.Equal(file.MppX, slide.Mpp!.X, 1e-9);
        Assert.Equal(file.MppY, slide.Mpp.Y, 1e-9);
        Assert.StartsWith("philips.DICOM_PIXEL_SPACING", slide.Mpp.Source, StringComparison.Ordinal);
        TileCheck check = slide.VerifyTiles(deep: true);
        Assert.Equal((0, kind == "sparse"), (check.Unreadable, check.Absent > 0));
    }

    [Fact]
    public void A_label_in_the_xml_is_decoded_and_a_broken_one_costs_nothing()
    {
        using var slide = Slide.Open(Write(Kinds["with a label"]), SlideReader.Embedded);
        SlideImage label = slide.ReadAssociatedImage("label");
        Assert.Equal((90, 60), (label.Width, label.Height));
        PhilipsTiff broken = Kinds["with a label"] with
        {
            Edit = xml =>
            xml.Replace("PIM_DP_IMAGE_DATA\" Group=\"0x0028\" Element=\"0x0030\" PMSVR=\"IString\">/9j", "PIM_DP_IMAGE_DATA\">!!!",
                StringComparison.Ordinal)
        };
        using var other = Slide.Open(Write(broken), SlideReader.Embedded);
        Assert.Equal(slide.Levels, other.Levels);
        Assert.Contains("label", Assert.Throws<SlideException>(() => other.ReadAssociatedImage("label")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decimal_comma_and_representations_in_another_order_are_understood()
    {
        var file = new PhilipsTiff(1500, 1100) { TileSide = 256 };
        using var plain = Slide.Open(Write(file), SlideReader.Embedded);
        using var comma = Slide.Open(Write(file with { Edit = xml => Spacings().Replace(xml, match => match.Value.Replace('.', ',')) }),
            SlideReader.Embedded);
        using var turned = Slide.Open(Write(file with { Edit = Turn }), SlideReader.Embedded);
        foreach (Slide slide in (Slide[])[comma, turned])
        {
            Assert.Equal(plain.Levels, slide.Levels);
            Assert.Equal(plain.Mpp, slide.Mpp);
            Assert.Empty(slide.Notes);
        }

        static string Turn(string xml)
        {
            MatchCollection all = Representation().Matches(xml);
            string turnedAround = string.Concat(all.Reverse().Select(match => match.Value));
            return xml.Replace(string.Concat(all.Select(match => match.Value)), turnedAround, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Spacings_that_are_missing_or_do_not_fit_are_named_and_the_padding_gives_the_levels()
    {
        var file = new PhilipsTiff(1500, 1100) { TileSide = 256 };
        using var plain = Slide.Open(Write(file), SlideReader.Embedded);
        Func<string, string>[] edits =
        [
            xml => Representation().Replace(xml, "", 1, xml.LastIndexOf("PixelDataRepresentation", StringComparison.Ordinal) - 30),
            xml => xml.Replace("&quot;0.001&quot; &quot;0.001&quot;", "&quot;7&quot; &quot;7&quot;", StringComparison.Ordinal),
            xml => xml.Replace("&quot;0.001&quot; &quot;0.001&quot;", "unknown", StringComparison.Ordinal),
            xml => xml[..(xml.IndexOf("PixelDataRepresentation", StringComparison.Ordinal) + 150)],
        ];
        foreach (Func<string, string> edit in edits)
        {
            using var slide = Slide.Open(Write(file with { Edit = edit }), SlideReader.Embedded);
            Assert.Equal(plain.Levels, slide.Levels);
            Assert.NotEmpty(slide.Notes);
            Assert.Equal(plain.Mpp!.X, slide.Mpp!.X, 1e-12);
        }
    }

    [Fact]
    public void Two_spacings_of_level_0_that_contradict_are_both_named()
    {
        var file = new PhilipsTiff(600, 600)
        {
            Edit = xml =>
            new Regex("&quot;0.00025&quot; &quot;0.00025&quot;").Replace(xml, "&quot;0.0005&quot; &quot;0.0005&quot;", 1)
        };
        using var slide = Slide.Open(Write(file), SlideReader.Embedded);
        Assert.Equal(0.5, slide.Mpp!.X, 1e-9);
        string note = Assert.Single(slide.Notes);
        Assert.Contains("0.5 µm/px", note, StringComparison.Ordinal);
        Assert.Contains("0.25 µm/px", note, StringComparison.Ordinal);
    }

    [Fact]
    public void Xml_that_asks_for_something_outside_is_not_followed()
    {
        var file = new PhilipsTiff(600, 600)
        {
            Edit = xml =>
            xml.Replace("<DataObject ObjectType=\"DPUfsImport\">",
                "<!DOCTYPE DataObject [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><DataObject ObjectType=\"DPUfsImport\">"
                    + "<Attribute Name=\"A\">&a;</Attribute>", StringComparison.Ordinal)
        };
        using var slide = Slide.Open(Write(file), SlideReader.Embedded);
        Assert.Null(slide.Mpp);
        Assert.Contains(slide.Notes, note => note.Contains("XML", StringComparison.Ordinal));
    }

    private string Write(PhilipsTiff file)
    {
        string path = Path.Combine(folder.Path, $"{Guid.NewGuid():N}.tiff");
        file.Write(path, TiffFixture.Region(0, 0, 0, file.Width, file.Height));
        return path;
    }

    private static void AssertSame(Slide ours, Slide theirs, int level, int x, int y, int width, int height)
    {
        byte[] first = new byte[width * height * 3], second = new byte[first.Length];
        ours.ReadRegion(level, x, y, width, height, first);
        theirs.ReadRegion(level, x, y, width, height, second);
        for (int i = 0; i < first.Length; i++)
        {
            if (Math.Abs(first[i] - second[i]) > MostDifference)
                Assert.Fail($"Level {level}, pixel ({(i / 3 % width) + x}, {(i / 3 / width) + y}): {first[i]} for {second[i]}.");
        }
    }

    internal static byte[] Jpeg(int width, int height)
    {
        using var bitmap = new SKBitmap(width, height);
        bitmap.Erase(SKColors.Teal);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        return data.ToArray();
    }

    [GeneratedRegex("""&quot;[0-9.]+&quot; &quot;[0-9.]+&quot;""")]
    private static partial Regex Spacings();

    [GeneratedRegex("""<DataObject ObjectType="PixelDataRepresentation">.*?</DataObject>""")]
    private static partial Regex Representation();
}
