using SSLP.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torchvision.transforms;

namespace SSLP.Engine.Tests.Training;

/// <summary>Each colour transform of the augmentation beside TorchVision's of the same pixels, in this process.</summary>
public sealed unsafe class TorchvisionColourTests
{
    private const int Side = 31;

    // Values in [0, 1], a few roundings of 2⁻²⁴ each; hue goes there and back through a division by the chroma.
    private const double Tolerance = 4e-6;

    private static readonly AugmentOptions Plain = new() { InputSize = Side, Blur = 1, Mean = (0, 0, 0), Deviation = (1, 1, 1) };

    [Theory]
    [InlineData(0.6f)]
    [InlineData(1.4f)]
    [InlineData(0f)]
    public void Brightness(float factor) =>
        AssertSame(plan => plan with { Brightness = factor }, image => functional.adjust_brightness(image, factor));

    [Theory]
    [InlineData(0.6f)]
    [InlineData(1.4f)]
    [InlineData(0f)]
    public void Contrast(float factor) =>
        AssertSame(plan => plan with { Contrast = factor }, image => functional.adjust_contrast(image, factor));

    [Theory]
    [InlineData(0.6f)]
    [InlineData(1.4f)]
    [InlineData(0f)]
    public void Saturation(float factor) =>
        AssertSame(plan => plan with { Saturation = factor }, image => functional.adjust_saturation(image, factor));

    [Theory]
    [InlineData(0.4f)]
    [InlineData(-0.4f)]
    [InlineData(0.07f)]
    [InlineData(-0.5f)]
    public void Hue(float turns) => AssertSame(plan => plan with { Hue = turns }, image => functional.adjust_hue(image, turns));

    [Fact]
    public void Grayscale() =>
        AssertSame(plan => plan with { Grayscale = 1 }, image => functional.rgb_to_grayscale(image).expand_as(image));

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.9f)]
    [InlineData(2f)]
    public void Blur(float sigma) => AssertSame(plan => plan with { BlurSigma = sigma }, image => Gaussian(image, sigma));

    [Fact]
    public void The_steps_after_one_another_in_an_order_of_their_own() => AssertSame(
        plan => plan with { Brightness = 1.3f, Contrast = 0.7f, Saturation = 1.2f, Hue = 0.11f, Order = 3 | 1 << 2 | 0 << 4 | 2 << 6 },
        image => functional.adjust_saturation(
            functional.adjust_brightness(functional.adjust_contrast(functional.adjust_hue(image, 0.11f), 0.7f), 1.3f), 1.2f));

    /// <summary>
    /// torchvision's definition in torch's operations. TorchVision 0.107 has a gaussian_blur, too, which is no oracle: its weights are
    /// (x/σ)²/2 with no exponential, so that σ = 0.1, with all of the weight on the centre, moves values of this patch by 0.78.
    /// </summary>
    private static Tensor Gaussian(Tensor image, float sigma)
    {
        int reach = (int)Math.Ceiling(3 * sigma);
        Tensor line = arange(-reach, reach + 1, ScalarType.Float64).pow(2).mul(-0.5 / ((double)sigma * sigma)).exp();
        Tensor kernel = outer(line / line.sum(), line / line.sum()).expand(3, 1, 2 * reach + 1, 2 * reach + 1);
        Tensor padded = nn.functional.pad(image.to(ScalarType.Float64), [reach, reach, reach, reach], PaddingModes.Reflect);
        return nn.functional.conv2d(padded, kernel, groups: 3).to(ScalarType.Float32);
    }

    private static void AssertSame(Func<AugmentPlan, AugmentPlan> plan, Func<Tensor, Tensor> theirs)
    {
        using DisposeScope scope = NewDisposeScope();
        byte[] patch = Patch();
        float[] ours = new float[3 * Side * Side];
        using var pool = new WorkerPool(1);
        using var augmenter = new AugmenterCpu(Plain, Side, pool);
        fixed (byte* source = patch)
        fixed (float* target = ours)
            augmenter.Apply([plan(AugmentPlan.Evaluation(Side, Side, Side))], source, target);
        Tensor image = tensor(patch.Select(value => value / 255f).ToArray()).reshape(1, Side, Side, 3).permute(0, 3, 1, 2)
            .contiguous(); // [1, 3, H, W]
        float[] expected = theirs(image).contiguous().data<float>().ToArray();
        double apart = ours.Zip(expected, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(apart <= Tolerance, $"values differ by {apart:g3}");
    }

    /// <summary>Stained tissue, with black, white, gray and pure colours among it: the corners of the colour wheel.</summary>
    private static byte[] Patch()
    {
        var random = new Random(3);
        byte[] patch = new byte[Side * Side * 3];
        for (int i = 0; i < patch.Length; i += 3)
        {
            double stain = random.NextDouble();
            (patch[i], patch[i + 1], patch[i + 2]) = (
                (byte)(230 - 120 * stain), (byte)(200 - 160 * stain + random.Next(40)), (byte)(225 - 70 * stain));
        }
        byte[] corners = [0, 0, 0, 255, 255, 255, 128, 128, 128, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 255, 255, 255, 0, 255, 1,
            0, 0];
        corners.CopyTo(patch, 300);
        return patch;
    }
}
