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
}
