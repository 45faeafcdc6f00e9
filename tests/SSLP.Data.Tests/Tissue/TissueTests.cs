using SkiaSharp;
using SSLP.Data.Patches;
using SSLP.Data.Tissue;
using SSLP.Interop.Slides;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Data.Tests.Tissue;

public sealed class TissueTests
{
    private static readonly SKColor Glass = new(243, 240, 244);
    private static readonly SKColor Tissue = new(190, 110, 170);

    [Fact]
    public void Finds_a_stained_square_on_glass_and_nothing_else()
    {
        TissueMask mask = Detect(Paint(100, 80, (30, 20, 40, 30, Tissue)));
        Assert.True(mask[50, 35]);
        Assert.False(mask[5, 5]);
        Assert.InRange(mask.TissueFraction, 0.14, 0.18);
    }

    [Fact]
    public void Bare_glass_with_noise_holds_no_tissue()
    {
        SlideImage image = Paint(120, 90);
        var random = new Random(5);
        for (int i = 0; i < image.Rgb.Length; i++)
            image.Rgb[i] = (byte)Math.Clamp(image.Rgb[i] + random.Next(-6, 7), 0, 255);
        Assert.Equal(0, Detect(image).TissueFraction);
    }

    [Fact]
    public void An_image_filled_with_tissue_is_all_tissue()
    {
        Assert.Equal(1, Detect(Paint(60, 60, (0, 0, 60, 60, Tissue), (20, 0, 20, 60, new(220, 160, 200)))).TissueFraction);
    }

    [Fact]
    public void Grey_shadows_black_ink_and_faint_pink_haze_are_not_tissue()
    {
        TissueMask mask = Detect(
            Paint(160, 120, (10, 10, 40, 40, Tissue), (60, 10, 30, 30, new(150, 150, 152)), (100, 10, 30, 30, new(20, 20, 22)),
            (10, 70, 100, 40, new(240, 222, 236))));
        Assert.True(mask[30, 30]);
        Assert.False(mask[75, 25]);
        Assert.False(mask[115, 25]);
        Assert.False(mask[60, 90]);
    }

    [Fact]
    public void Fills_holes_up_to_the_given_area_and_keeps_larger_ones()
    {
        // At 8 µm a pixel: 10 × 10 px are 0.0064 mm², 60 × 60 px are 0.23 mm².
        TissueMask mask = Detect(Paint(200, 160, (10, 10, 180, 140, Tissue), (20, 20, 10, 10, Glass), (80, 50, 60, 60, Glass)));
        Assert.True(mask[25, 25]);
        Assert.False(mask[110, 80]);
    }

    [Fact]
    public void Drops_specks_smaller_than_the_least_piece()
    {
        TissueMask mask = Detect(Paint(120, 120, (20, 20, 40, 40, Tissue), (100, 100, 5, 5, Tissue)));
        Assert.False(mask[102, 102]);
        Assert.True(mask[40, 40]);
    }

    [Theory]
    [InlineData("tcga-green-pen.png", 0.05, 0.35)]
    [InlineData("tcga-red-pen.png", 0.1, 0.3)]
    public void Pen_on_a_real_section_is_found_and_left_out(string file, double least, double most)
    {
        SlideImage image = Load(TestData.Path("regions", "artefacts", file));
        TissueMask mask = Detect(image);
        Assert.InRange(mask.PenFraction, least, most);
        Assert.InRange(mask.TissueFraction, 0.35, 0.85);
        // No pixel of strong ink is taken, and the plain tissue on the right is.
        for (int y = 0; y < image.Height; y++)
            for (int x = 0; x < image.Width; x++)
            {
                (int r, int g, int b) = (image.Rgb[((y * image.Width) + x) * 3], image.Rgb[(((y * image.Width) + x) * 3) + 1],
                    image.Rgb[(((y * image.Width) + x) * 3) + 2]);
                bool strongInk = (g > r + 40 && g > b - 10) || (r > 180 && g < 30 && b < 40);
                Assert.False(strongInk && mask[x, y], $"ink at {x}, {y}");
            }
        Assert.True(mask.Coverage(0.75, 0.5, 0.95, 0.95) > 0.7);
    }

    [Fact]
    public void A_dark_field_is_not_segmented()
    {
        Assert.Null(TissueDetector.Detect(Paint(50, 50, (0, 0, 50, 50, new(5, 4, 30)), (10, 10, 10, 10, new(20, 20, 250))), 8, new()));
    }

    [Fact]
    public void Black_that_was_not_scanned_is_no_tissue_and_leaves_the_rest_as_it_is()
    {
        // A quarter of the image is glass with tissue, the rest black.
        SlideImage framed = Paint(200, 160, (0, 0, 200, 160, new(0, 0, 0)), (0, 0, 100, 80, Glass), (30, 20, 40, 30, Tissue));
        foreach (TissueMethod method in (TissueMethod[])[TissueMethod.Auto, TissueMethod.Stain, TissueMethod.Density, TissueMethod.All])
        {
            TissueMask mask = TissueDetector.Detect(framed, 8, new() { Method = method })!;
            Assert.True(mask[50, 35]);
            Assert.False(mask[150, 120]);
            Assert.False(mask[103, 40]);
            Assert.Equal(method == TissueMethod.All, mask[5, 5]);
        }
    }

    [Fact]
    public void Density_takes_what_colour_leaves_out_and_says_so()
    {
        SlideImage image = Paint(160, 120, (10, 10, 40, 40, Tissue), (80, 10, 40, 40, new(150, 150, 152)));
        Assert.Equal((TissueMethod.Stain, false), (Detect(image).Method, Detect(image)[100, 30]));
        TissueMask dense = TissueDetector.Detect(image, 8, new() { Method = TissueMethod.Density })!;
        Assert.Equal((TissueMethod.Density, true, true), (dense.Method, dense[30, 30], dense[100, 30]));
    }

    [Fact]
    public void Dirt_on_bare_glass_is_no_grey_scan()
    {
        Assert.Equal(0, Detect(Paint(200, 200, (100, 100, 20, 20, new(140, 140, 142)))).TissueFraction);
        Assert.InRange(Detect(Paint(200, 200, (50, 50, 80, 80, new(140, 140, 142)))).TissueFraction, 0.14, 0.18);
    }

    [Theory]
    [InlineData(TissueMethod.Stain)]
    [InlineData(TissueMethod.Density)]
    public void The_threshold_that_is_asked_for_is_the_one_that_is_used(TissueMethod method)
    {
        SlideImage image = Paint(160, 120, (10, 10, 40, 40, Tissue), (80, 10, 40, 40, new(235, 215, 230)));
        TissueMask low = TissueDetector.Detect(image, 8, new() { Method = method, Threshold = 10 })!;
        TissueMask high = TissueDetector.Detect(image, 8, new() { Method = method, Threshold = 80 })!;
        Assert.Equal((10, 80), (low.Threshold, high.Threshold));
        Assert.Equal((true, true), (low[30, 30], low[100, 30]));
        Assert.Equal((true, false), (high[30, 30], high[100, 30]));
    }

    [Fact]
    public void Coverage_of_a_rectangle_is_the_share_of_its_pixels()
    {
        TissueMask mask = Detect(Paint(100, 100, (0, 0, 50, 100, Tissue)));
        Assert.Equal(1, mask.Coverage(0, 0, 0.4, 1));
        Assert.Equal(0, mask.Coverage(0.6, 0, 1, 1));
        Assert.InRange(mask.Coverage(0.4, 0.2, 0.6, 0.3), 0.4, 0.6);
    }

    private static TissueMask Detect(SlideImage image) => TissueDetector.Detect(image, 8, new())!;

    private static SlideImage Paint(int width, int height, params (int X, int Y, int Width, int Height, SKColor Colour)[] patches)
    {
        byte[] rgb = new byte[width * height * 3];
        foreach ((int left, int top, int w, int h, SKColor colour) in patches.Prepend((0, 0, width, height, Glass)))
            for (int y = top; y < top + h; y++)
                for (int x = left; x < left + w; x++)
                    (rgb[((y * width) + x) * 3], rgb[(((y * width) + x) * 3) + 1], rgb[(((y * width) + x) * 3) + 2]) =
                        (colour.Red, colour.Green, colour.Blue);
        return new(width, height, rgb);
    }

    private static SlideImage Load(string path)
    {
        (int width, int height) = PatchImage.ReadSize(path);
        byte[] rgb = new byte[width * height * 3];
        PatchImage.Decode(path, width, height, rgb);
        // To about the pixel size that masks are made at.
        byte[] coarse = new byte[width / 4 * (height / 4) * 3];
        AreaFilter.Resample(rgb, width, new(width / 4, 0, 4, width), new(height / 4, 0, 4, height), coarse);
        return new(width / 4, height / 4, coarse);
    }
}
