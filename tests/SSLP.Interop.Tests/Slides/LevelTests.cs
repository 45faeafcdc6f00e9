using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Which images are levels; damage beside the pyramid costs none of it.</summary>
public sealed partial class LevelTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Width = 400, Height = 320;

    public static TheoryData<bool, bool> Containers => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    [Theory]
    [MemberData(nameof(Containers))]
    public void Masks_are_no_levels_wherever_they_stand(bool big, bool bigEndian)
    {
        foreach (int place in (int[])[0, 1, 2, 3])
        {
            foreach (bool byFlag in (bool[])[false, true])
            {
                var raw = new RawTiff(big, bigEndian);
                for (int i = 0; i < 4; i++)
                {
                    if (i == place)
                    {
                        raw.Add(Mask(raw, Width, Height, byFlag));
                        raw.Add(Mask(raw, Width / 2, Height / 2, byFlag));
                    }
                    if (i < 3)
                        raw.Add(raw.Picture(i, Width >> i, Height >> i, reduced: i > 0));
                }
                AssertLevels(raw, 3, "mask");
            }
        }
    }

    [Fact]
    public void Levels_may_come_in_any_order_and_a_thumbnail_in_strips_may_come_first()
    {
        foreach (int[] order in (int[][])[[0, 2, 1], [0, 1, 2], [2, 1, 0], [1, 0, 2]])
        {
            var raw = new RawTiff();
            RawTiff.Image strips = raw.Add(raw.Picture(2, 64, 64));
            strips.With(273, 4, strips.Tags[324].Values).With(279, 4, strips.Tags[325].Values).With(278, 4, 64u)
                .Without(322).Without(323).Without(324).Without(325);
            foreach (int level in order)
                raw.Add(raw.Picture(level, Width >> level, Height >> level, reduced: level > 0));
            AssertLevels(raw, 3, null);
        }
    }

    [Theory]
    [MemberData(nameof(Containers))]
    public void A_broken_next_directory_costs_nothing_that_was_read_before(bool big, bool bigEndian)
    {
        foreach (long next in (long[])[0x7F000000, uint.MaxValue, 9, 17, big ? long.MaxValue : 0x7FFFFFFF, big ? -1L : 0xFFFFFFFE])
        {
            var raw = new RawTiff(big, bigEndian) { NextAtEnd = next };
            for (int i = 0; i < 3; i++)
                raw.Add(raw.Picture(i, Width >> i, Height >> i, reduced: i > 0));
            AssertLevels(raw, 3, "directory");
        }
    }

    [Fact]
    public void Directories_that_form_a_loop_are_read_once()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height));
        raw.Add(raw.Picture(1, Width / 2, Height / 2, reduced: true));
        byte[] file = raw.ToArray();
        int first = BitConverter.ToInt32(file, 4), next = first + 2 + (12 * BitConverter.ToUInt16(file, first));
        int second = BitConverter.ToInt32(file, next);
        BitConverter.TryWriteBytes(file.AsSpan(second + 2 + (12 * BitConverter.ToUInt16(file, second))), first);
        string path = Path.Combine(folder.Path, "loop.tif");
        File.WriteAllBytes(path, file);
        using var slide = Slide.Open(path, SlideReader.Embedded);
        Assert.Equal(2, slide.Levels.Count);
        Assert.Contains("loop", Assert.Single(slide.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_image_beside_an_svs_costs_no_level()
    {
        Func<RawTiff.Image, RawTiff.Image>[] damages =
        [
            label => label.With(273, 4, 2130706432u),
            label => label.With(279, 4, uint.MaxValue),
            label => label.With(258, 3, (ushort)7),
            label => label.With(259, 3, (ushort)34892),
            label => label.With(256, 4, 0u),
            label => label.With(257, 11, 3f),
            label => label.With(256, 4, 60_000u).With(257, 4, 60_000u).With(278, 4, 16u),
            label => label.Without(273),
            label => label.With(277, 3, (ushort)9),
        ];
        foreach (string name in (string[])["label", "macro"])
        {
            foreach (Func<RawTiff.Image, RawTiff.Image> damage in damages)
            {
                var raw = new RawTiff();
                raw.Add(raw.Picture(0, Width, Height).Text(270, "Aperio Image Library v12\r\n400x320|AppMag = 20|MPP = 0.5"));
                raw.Add(damage(Strip(raw, name)));
                raw.Add(raw.Picture(1, Width / 2, Height / 2).Text(270, "Aperio Image Library v12\r\n400x320 -> 200x160"));
                raw.Add(damage(Strip(raw, name)));
                raw.Add(Strip(raw, "barcode"));
                using Slide slide = AssertLevels(raw, 2, "can't be read");
                Assert.Equal(0.5, slide.Mpp!.X);
                Assert.Contains("barcode", slide.AssociatedImages);
            }
        }
    }

    [Fact]
    public void A_level_of_other_pixels_costs_only_itself()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height));
        raw.Add(raw.Picture(1, Width / 2, Height / 2, reduced: true).With(339, 3, (ushort)3));
        raw.Add(raw.Picture(2, Width / 4, Height / 4, reduced: true));
        AssertLevels(raw, 2, "200 × 160 px");
    }

    [Fact]
    public void A_level_in_a_compression_that_is_not_read_costs_only_itself()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height));
        raw.Add(raw.Picture(1, Width / 2, Height / 2, reduced: true)).With(259, 3, (ushort)50000);
        AssertLevels(raw, 1, "Zstandard");
    }

    [Fact]
    public void OME_levels_are_sub_images_and_of_several_series_the_largest_is_read()
    {
        foreach (bool big in (bool[])[false, true])
        {
            foreach (int slideAt in (int[])[0, 1, 2])
            {
                var raw = new RawTiff(big);
                var others = new Queue<(int Width, int Height, string Name)>([(100, 60, "label image"), (200, 310, "second scene")]);
                var series = new List<string>();
                for (int i = 0; i < 3; i++)
                {
                    (int width, int height, string name) = i == slideAt ? (Width, Height, "scan") : others.Dequeue();
                    series.Add($"""
                        <Image ID="Image:{i}" Name="{name}"><Pixels SizeX="{width}" SizeY="{height}" SizeC="3" SizeZ="1" SizeT="1"
                          PhysicalSizeX="{i + 1}" PhysicalSizeXUnit="µm"><TiffData IFD="{i}"/></Pixels></Image>
                        """);
                    RawTiff.Image image = raw.Add(raw.Picture(0, width, height));
                    if (i == slideAt)
                        image.Subs.AddRange([raw.Picture(1, Width / 2, Height / 2, reduced: true),
                            raw.Picture(2, Width / 4, Height / 4, reduced: true)]);
                }
                First(raw).Text(
                    270, $"""
                        <?xml version="1.0"?>
                        <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{string.Concat(series)}</OME>
                        """);
                using Slide slide = AssertLevels(raw, 3, "2 series");
                Assert.Equal(slideAt + 1, slide.Mpp!.X);
                Assert.Equal(["label"], slide.AssociatedImages);
            }
        }
    }

    [Fact]
    public void OME_channels_in_separate_images_are_refused_by_name_with_OpenSlide_or_without()
    {
        var raw = new RawTiff();
        for (int i = 0; i < 3; i++)
            raw.Add(raw.Bands(Width, Height, 512, 8, 1, 1, 8, [RawTiff.Deflate(new byte[512 * 512])]));
        First(raw).Text(
            270, $"""
                <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">
                <Pixels SizeX="{Width}" SizeY="{Height}" SizeC="3" SizeZ="1" SizeT="1"/></Image></OME>
                """);
        string path = raw.Write(folder.Path);
        foreach (SlideReader reader in (SlideReader[])[SlideReader.Embedded, SlideReader.Auto])
        {
            SlideException fault = Assert.Throws<SlideException>(() => Slide.Open(path, reader));
            Assert.Equal(SlideFault.UnsupportedPixels, fault.Fault);
            Assert.Contains("3 channels", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Tiles_without_a_place_or_without_bytes_are_white()
    {
        foreach (int tag in (int[])[324, 325])
        {
            var raw = new RawTiff();
            RawTiff.Image image = raw.Add(raw.Picture(0, Width, Height));
            image.Tags[tag].Values[1] = 0u;
            using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
            byte[] rgb = new byte[64 * 64 * 3];
            slide.ReadRegion(0, 64, 0, 64, 64, rgb);
            Assert.True(rgb.AsSpan().IndexOfAnyExcept((byte)255) < 0);
            Assert.Equal(1, slide.VerifyTiles(deep: true).Absent);
        }
    }

    [Fact]
    public void A_tile_of_a_byte_or_two_is_unreadable_and_nothing_else_is()
    {
        foreach (uint length in (uint[])[1, 2, 3])
        {
            var raw = new RawTiff();
            raw.Add(raw.Picture(0, Width, Height)).Tags[325].Values[2] = length;
            using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
            foreach (bool deep in (bool[])[false, true])
                Assert.Equal(new TilePlace(0, 2, 0), Assert.Single(slide.VerifyTiles(deep).FirstFaults).Tile);
        }
    }

    [Fact]
    public void A_deflate_tile_that_asks_for_a_dictionary_is_unreadable()
    {
        var raw = new RawTiff();
        raw.Add(raw.Bands(64, 64, 64, 8, 2, 3, 8, [[0x78, 0xBB, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1]]));
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal(1, slide.VerifyTiles(deep: true).Unreadable);
    }

    private Slide AssertLevels(RawTiff raw, int count, string? note)
    {
        var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal(Enumerable.Range(0, count).Select(i => Width / slide.Levels[i].Width).ToArray(),
            slide.Levels.Select(level => (long)Math.Round(level.Downsample)));
        Assert.Equal(Width, slide.Levels[0].Width);
        Assert.Equal(count, slide.Levels.Count);
        if (note is null)
            Assert.Empty(slide.Notes);
        else
            Assert.Contains(slide.Notes, text => text.Contains(note, StringComparison.Ordinal));
        Assert.Equal(0, slide.VerifyTiles(deep: true).Unreadable);
        return slide;
    }

    private static RawTiff.Image First(RawTiff raw) => raw.Images[0];

    private static RawTiff.Image Mask(RawTiff raw, int width, int height, bool byFlag)
    {
        RawTiff.Image mask = raw.Bands(width, height, 512, 8, byFlag ? 1 : 4, 1, 1, [RawTiff.Deflate(new byte[512 * 512 / 8])]);
        return mask.With(254, 4, (byFlag ? 4u : 0u) | (width < Width ? 1u : 0u));
    }

    /// <summary>Other pixels than the pyramid's: dark on the left.</summary>
    private static RawTiff.Image Macro(RawTiff raw, int width, int height) =>
        raw.Picture(0, width, height, reduced: true, pixel: (x, y) =>
            x < width / 3 ? ((byte)60, (byte)60, (byte)(y & 63)) : ((byte)240, (byte)235, (byte)240));

    private static Func<int, int, (byte R, byte G, byte B)> Scene(double downsample) => (x, y) =>
    {
        double fineX = (x + 0.5) * downsample, fineY = (y + 0.5) * downsample;
        byte value = (byte)(120 + (100 * Math.Sin(fineX / 60) * Math.Cos(fineY / 45)));
        return (value, (byte)(255 - value), 128);
    };

    private static RawTiff.Image Strip(RawTiff raw, string name)
    {
        RawTiff.Image image = raw.Bands(48, 40, 48, 8, 2, 3, 8, [RawTiff.Deflate(new byte[48 * 40 * 3])]);
        image.With(273, 4, image.Tags[324].Values).With(279, 4, image.Tags[325].Values).With(278, 4, 40u);
        return image.Without(322).Without(323).Without(324).Without(325).Text(270, $"Aperio Image Library v12\r\n{name} 48x40");
    }
}
