using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>Images that look like levels and are none: macros of every size, grey ones, such that are not marked.</summary>
public sealed partial class LevelTests
{
    [Theory]
    [InlineData(300, 150)]
    [InlineData(130, 104)]
    [InlineData(133, 106)]
    [InlineData(100, 100)]
    [InlineData(80, 64)]
    [InlineData(350, 280)]
    public void A_tiled_macro_of_another_field_is_no_level(int width, int height)
    {
        foreach (int place in (int[])[1, 2, 3])
        {
            var raw = new RawTiff();
            for (int i = 0; i < 3; i++)
            {
                if (i == place)
                    raw.Add(Macro(raw, width, height));
                raw.Add(raw.Picture(i, Width >> i, Height >> i, reduced: i > 0));
            }
            if (place == 3)
                raw.Add(Macro(raw, width, height));
            AssertLevels(raw, 3, "another field");
        }
    }

    [Fact]
    public void A_macro_of_the_pyramids_own_sizes_is_known_by_its_name()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height));
        raw.Add(Macro(raw, Width / 4, Height / 4).Text(270, "Macro"));
        raw.Add(raw.Picture(1, Width / 2, Height / 2, reduced: true));
        AssertLevels(raw, 2, "another field");
    }

    [Fact]
    public void A_macro_of_the_pyramids_own_sizes_without_a_name_is_known_by_what_it_shows()
    {
        foreach (int place in (int[])[1, 2])
        {
            var raw = new RawTiff();
            raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
            if (place == 1)
                raw.Add(Macro(raw, Width / 4, Height / 4));
            raw.Add(raw.Picture(0, Width / 2, Height / 2, reduced: true, pixel: Scene(2)));
            if (place == 2)
                raw.Add(Macro(raw, Width / 4, Height / 4));
            AssertLevels(raw, 2, "another field");
        }
    }

    [Fact]
    public void A_larger_macro_that_comes_first_and_is_not_marked_is_not_the_slide()
    {
        var raw = new RawTiff();
        raw.Add(Macro(raw, Width * 2, Height).Without(254).Text(270, "Macro image"));
        for (int i = 0; i < 3; i++)
            raw.Add(raw.Picture(i, Width >> i, Height >> i, reduced: i > 0));
        AssertLevels(raw, 3, "1 more tiled image");
    }

    [Fact]
    public void Tiled_images_that_are_not_marked_as_levels_and_show_another_field_are_counted()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
        for (int i = 1; i < 3; i++)
            raw.Add(Macro(raw, Width >> i, Height >> i).Without(254));
        AssertLevels(raw, 1, "2 more tiled images");
    }

    [Fact]
    public void A_pyramid_without_marks_has_the_levels_that_show_its_field_in_any_order()
    {
        foreach (int[] order in (int[][])[[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]])
        {
            var raw = new RawTiff();
            foreach (int i in order)
                raw.Add(raw.Picture(0, Width >> i, Height >> i, pixel: Scene(1 << i)));
            AssertLevels(raw, 3, null);
        }
        var other = new RawTiff();
        other.Add(other.Picture(0, Width, Height, pixel: Scene(1)));
        other.Add(Macro(other, Width * 2, Height * 2).Without(254));
        AssertLevels(other, 1, "1 more tiled image");
    }

    [Fact]
    public void A_finest_level_that_comes_later_and_is_cut_off_makes_no_slide_of_a_coarse_one()
    {
        foreach (string? description in (string?[])["Aperio Image Library v12\r\n400x320|AppMag = 20|MPP = 0.5", null])
        {
            string path = Reordered(description, finest => finest.Tags[324].Values[^1] = 2_000_000_000u);
            Assert.Equal(SlideFault.Truncated, Assert.Throws<SlideException>(() => Slide.Open(path, SlideReader.Embedded)).Fault);
        }
    }

    [Fact]
    public void A_larger_image_of_the_first_ones_shape_that_cannot_be_compared_is_named()
    {
        Check(finest => finest.With(259, 3, (ushort)50000), "can't be compared (has tiles in Zstandard");
        Check(finest => Array.Fill(finest.Tags[325].Values, 2u), "can't be compared (too few tiles decode");

        void Check(Action<RawTiff.Image> damage, string note)
        {
            using var slide = Slide.Open(Reordered("Aperio Image Library v12\r\n400x320|MPP = 0.5", damage), SlideReader.Embedded);
            Assert.Equal(Width / 4, slide.Levels[0].Width);
            Assert.Contains(slide.Notes, text => text.Contains(note, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_damaged_image_without_a_mark_costs_no_level()
    {
        foreach ((int width, int height) in ((int, int)[])[(Width / 4, Height / 4), (Width * 2, Height)])
        {
            var raw = new RawTiff();
            raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
            raw.Add(raw.Picture(0, Width / 2, Height / 2, pixel: Scene(2)));
            raw.Add(raw.Picture(0, width, height, pixel: Scene(4))).Tags[324].Values[0] = 2_000_000_000u;
            AssertLevels(raw, 2, "1 more tiled image");
        }
    }

    [Fact]
    public void Images_that_share_a_tile_are_told_by_their_sizes()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
        RawTiff.Image macro = raw.Add(Macro(raw, Width / 2, Height / 2).Without(254));
        RawTiff.Image level = raw.Add(raw.Picture(0, Width / 4, Height / 4, pixel: Scene(4)));
        foreach (int tag in (int[])[324, 325])
            macro.Tags[tag].Values[0] = level.Tags[tag].Values[0];
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal([Width, Width / 4], slide.Levels.Select(image => (int)image.Width));
    }

    [Fact]
    public void Of_many_images_without_a_mark_a_few_are_looked_at()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
        for (int i = 0; i < 40; i++)
            raw.Add(Macro(raw, Width / 4, Height / 4).Without(254));
        AssertLevels(raw, 1, "has 40 images of one shape that are not marked as levels; the largest 32 were looked at");
    }

    [Fact]
    public void A_grey_image_among_levels_in_colour_is_no_level()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height));
        raw.Add(raw.Picture(1, Width / 2, Height / 2, reduced: true));
        raw.Add(raw.Bands(Width / 4, Height / 4, 512, 8, 1, 1, 8, [RawTiff.Deflate(new byte[512 * 512])]).With(254, 4, 1u));
        AssertLevels(raw, 2, "another field");
    }

    [Fact]
    public void Sizes_with_a_sign_are_read_and_negative_ones_named()
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height)).With(256, 9, Width).With(257, 9, Height).With(322, 8, (short)64);
        AssertLevels(raw, 1, null);
        First(raw).With(257, 9, -Height);
        string path = raw.Write(folder.Path);
        Assert.Contains("negative", Assert.Throws<SlideException>(() => Slide.Open(path, SlideReader.Embedded)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(8)]
    public void A_level_need_not_be_a_halving(double downsample)
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
        raw.Add(raw.Picture(0, (int)(Width / downsample), (int)(Height / downsample), reduced: true, pixel: Scene(downsample)));
        using var slide = Slide.Open(raw.Write(folder.Path), SlideReader.Embedded);
        Assert.Equal(2, slide.Levels.Count);
        Assert.Equal(downsample, slide.Levels[1].Downsample, 0.05);
        Assert.Empty(slide.Notes);
    }

    [Theory]
    [InlineData(1.5)]
    [InlineData(2.5)]
    [InlineData(3.072)]
    public void An_image_at_a_scale_that_no_pyramid_has_is_no_level(double downsample)
    {
        var raw = new RawTiff();
        raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1)));
        raw.Add(raw.Picture(0, (int)(Width / downsample), (int)(Height / downsample), reduced: true, pixel: Scene(downsample)));
        AssertLevels(raw, 1, "scale");
    }

    /// <summary>A pyramid that begins with its coarsest level, and whose finest is damaged.</summary>
    private string Reordered(string? description, Action<RawTiff.Image> damage)
    {
        var raw = new RawTiff();
        RawTiff.Image coarse = raw.Add(raw.Picture(0, Width / 4, Height / 4, pixel: Scene(4)));
        if (description is not null)
            coarse.Text(270, description);
        damage(raw.Add(raw.Picture(0, Width, Height, pixel: Scene(1))));
        return raw.Write(folder.Path);
    }
}
