using System.Runtime.CompilerServices;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class AugmentPlanTests
{
    private const int Draws = 4000;

    [Fact]
    public void Crops_stay_inside_and_keep_to_their_area_and_ratio()
    {
        foreach (AugmentPlan plan in Draw(AugmentOptions.Sslp, 256))
        {
            Assert.True(plan is { Left: >= 0, Top: >= 0 } && plan.Left + plan.Width <= 256 && plan.Top + plan.Height <= 256);
            // Sides are rounded to whole pixels: half a pixel each way.
            double area = plan.Width * (double)plan.Height / (256 * 256), slack = (plan.Width + plan.Height) / 2.0 / (256 * 256);
            Assert.InRange(area, 0.2 - slack, 1 + slack);
            Assert.InRange((plan.Width + 0.5) / (plan.Height - 0.5), 3.0 / 4, double.PositiveInfinity);
            Assert.InRange((plan.Width - 0.5) / (plan.Height + 0.5), 0, 4.0 / 3);
        }
    }

    [Fact]
    public void Choices_come_at_their_probabilities()
    {
        AugmentOptions options = AugmentOptions.MoCoV2 with { VerticalFlip = 0.25f };
        List<AugmentPlan> plans = Draw(options, 96);
        AssertShare(0.5, plans.Count(p => p.FlipX == 1));
        AssertShare(0.25, plans.Count(p => p.FlipY == 1));
        AssertShare(0.2, plans.Count(p => p.Grayscale == 1));
        AssertShare(0.8, plans.Count(p => p.Hue != 0));
        AssertShare(0.5, plans.Count(p => p.BlurSigma > 0));
        Assert.All(plans, p => Assert.True(p.BlurSigma is 0 or (>= 0.1f and <= 2f)));
        Assert.All(plans, p => Assert.InRange(p.Brightness, 0.6f, 1.4f));
        Assert.All(plans, p => Assert.InRange(p.Hue, -0.1f, 0.1f));
    }

    [Fact]
    public void All_24_orders_are_drawn_alike()
    {
        List<AugmentPlan> plans = Draw(AugmentOptions.Sslp, 64);
        var orders = plans.GroupBy(p => p.Order).ToList();
        Assert.Equal(24, orders.Count);
        Assert.All(orders, o => Assert.Equal(4, Enumerable.Range(0, 4).Select(place => o.First().StepAt(place)).Distinct().Count()));
        Assert.All(orders, o => AssertShare(1.0 / 24, o.Count()));
    }

    [Fact]
    public void The_evaluation_list_draws_nothing_but_crop_and_flip()
    {
        Assert.All(Draw(AugmentOptions.CropAndFlip, 64), p =>
        {
            Assert.Equal((1f, 1f, 1f, 0f), (p.Brightness, p.Contrast, p.Saturation, p.Hue));
            Assert.Equal((0, 0f, 0), (p.Grayscale, p.BlurSigma, p.JitterStain));
        });
    }

    [Fact]
    public void A_ratio_that_cannot_fit_falls_back_to_the_centre()
    {
        AugmentOptions options = new() { CropArea = (1, 1), CropRatio = (2, 2) };
        var plan = AugmentPlan.Draw(options, 40, 1, 0, 0, 0);
        Assert.Equal((0, 10, 40, 20), (plan.Left, plan.Top, plan.Width, plan.Height));
    }

    [Fact]
    public void The_layout_is_28_words_as_the_device_reads_it() => Assert.Equal(28 * 4, Unsafe.SizeOf<AugmentPlan>());

    [Fact]
    public void No_stain_jitter_is_the_identity()
    {
        var map = StainMap.Jitter(1, 0, 1, 0);
        Assert.Equal(StainMap.Identity, map);
    }

    [Fact]
    public void Haematoxylin_scales_its_own_colour_and_leaves_eosin_alone()
    {
        var map = StainMap.Jitter(1.5, 0, 1, 0);
        AssertMaps(map, [0.65, 0.70, 0.29], 1.5);
        AssertMaps(map, [0.07, 0.99, 0.11], 1);
    }

    [Theory]
    [InlineData("InputSize")]
    [InlineData("CropArea")]
    [InlineData("CropRatio")]
    [InlineData("Hue")]
    [InlineData("Grayscale")]
    [InlineData("BlurSigma")]
    [InlineData("Brightness")]
    public void Rejects_a_meaningless_option_by_name(string name)
    {
        AugmentOptions options = name switch
        {
            "InputSize" => new() { InputSize = 0 },
            "CropArea" => new() { CropArea = (0.5f, 0.2f) },
            "CropRatio" => new() { CropRatio = (0, 1) },
            "Hue" => new() { Hue = 0.6f },
            "Grayscale" => new() { Grayscale = float.NaN },
            "BlurSigma" => new() { BlurSigma = (0, 1) },
            _ => new() { Brightness = float.NaN },
        };
        Assert.Contains(name, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    private static List<AugmentPlan> Draw(AugmentOptions options, int patchSize) =>
        [.. Enumerable.Range(0, Draws).Select(i => AugmentPlan.Draw(options, patchSize, seed: 20210927, step: 3, patchId: i, view: 1))];

    // Five standard deviations of a binomial count: a fixed seed decides once.
    private static void AssertShare(double probability, int count) =>
        Assert.InRange(count, Draws * probability - 5 * Math.Sqrt(Draws * probability * (1 - probability)),
            Draws * probability + 5 * Math.Sqrt(Draws * probability * (1 - probability)));

    private static void AssertMaps(StainMap m, double[] density, double factor)
    {
        Assert.Equal(factor * density[0], m.M00 * density[0] + m.M01 * density[1] + m.M02 * density[2], 1e-6);
        Assert.Equal(factor * density[1], m.M10 * density[0] + m.M11 * density[1] + m.M12 * density[2], 1e-6);
        Assert.Equal(factor * density[2], m.M20 * density[0] + m.M21 * density[1] + m.M22 * density[2], 1e-6);
    }
}
