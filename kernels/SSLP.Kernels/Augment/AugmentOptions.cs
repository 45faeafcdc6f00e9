using System.Reflection;

namespace SSLP.Kernels;

/// <summary>
/// What is drawn at random for one view of a patch. The order of the steps is fixed: crop and resize, stain, colour jitter,
/// grayscale, flips, normalise, blur; with <see cref="GrayscaleFirst"/>, as InstDisc and the SSLP paper have it, grayscale stands
/// before the jitter: a gray patch's hue and saturation have nothing left to change, and its luma is that of the patch as it was.
/// </summary>
public sealed record AugmentOptions
{
    /// <summary>Longest side of an input, px.</summary>
    public const int MostInputSize = 4096;

    /// <summary>Side of the square output in pixels. Paper: 224.</summary>
    public int InputSize { get; init; } = 224;

    /// <summary>Smallest and largest share of the patch's area that a crop takes. Paper: 0.2 to 1. (1, 1) with <see cref="CropRatio"/> (1,
    /// 1) takes the whole patch.</summary>
    public (float Low, float High) CropArea { get; init; } = (0.2f, 1f);

    /// <summary>The first of <see cref="CropArea"/>.</summary>
    [Option("least share of the patch's area in a crop", Least = 0.01, Most = 1, Source = OptionSource.Behaviour)]
    public float CropAreaLow
    {
        get => CropArea.Low;
        init => CropArea = (value, CropArea.High);
    }

    /// <summary>Smallest and largest width over height of a crop, drawn uniformly in its logarithm. torchvision: 3/4 to 4/3.</summary>
    public (float Low, float High) CropRatio { get; init; } = (3f / 4f, 4f / 3f);

    /// <summary>Probability of a mirror from left to right. Paper: 0.5.</summary>
    [Option("probability", Most = 1, Source = OptionSource.Behaviour)]
    public float HorizontalFlip { get; init; } = 0.5f;

    /// <summary>Probability of a mirror from top to bottom. Tissue has no upright; the paper does not use it: 0.</summary>
    [Option("probability; tissue has no upright, but the paper does without", Most = 1)]
    public float VerticalFlip { get; init; }

    /// <summary>Probability of jittering colour at all. Paper: 1; MoCo v2: 0.8.</summary>
    [Option("probability", Most = 1, Source = OptionSource.Behaviour)]
    public float ColourJitter { get; init; } = 1f;

    /// <summary>Brightness factor from U(max(0, 1 − x), 1 + x). Paper: 0.4.</summary>
    [Option("strength of the jitter", Most = 1, Source = OptionSource.Behaviour)]
    public float Brightness { get; init; } = 0.4f;

    /// <summary>Contrast factor from U(max(0, 1 − x), 1 + x), about the view's mean gray. Paper: 0.4.</summary>
    [Option("strength of the jitter", Most = 1, Source = OptionSource.Behaviour)]
    public float Contrast { get; init; } = 0.4f;

    /// <summary>Saturation factor from U(max(0, 1 − x), 1 + x). Paper: 0.4.</summary>
    [Option("strength of the jitter", Most = 1, Source = OptionSource.Behaviour)]
    public float Saturation { get; init; } = 0.4f;

    /// <summary>Hue shift from U(−x, x), in turns of the colour wheel, at most 0.5. Paper: 0.4; MoCo v2: 0.1.</summary>
    [Option("strength of the jitter", Unit = "turns", Most = 0.5, Source = OptionSource.Behaviour)]
    public float Hue { get; init; } = 0.4f;

    /// <summary>Probability of turning gray. Paper: 0.2.</summary>
    [Option("probability", Most = 1, Source = OptionSource.Behaviour)]
    public float Grayscale { get; init; } = 0.2f;

    /// <summary>True: gray before the colour jitter (InstDisc, the SSLP paper); false: after it (MoCo v2, SimCLR).</summary>
    [Option("gray before the colour jitter; mocov2's list: after it", Source = OptionSource.Behaviour)]
    public bool GrayscaleFirst { get; init; }

    /// <summary>Probability of a Gaussian blur. Paper: 0; MoCo v2: 0.5.</summary>
    [Option("probability; 0.5 in MoCo v2", Most = 1, Source = OptionSource.Behaviour)]
    public float Blur { get; init; }

    /// <summary>
    /// Smallest and largest σ of the blur, in pixels of a 224-px output; at another <see cref="InputSize"/> it is scaled by that, so that
    /// the same part of the patch is blurred away. MoCo v2: 0.1 to 2.
    /// </summary>
    public (float Low, float High) BlurSigma { get; init; } = (0.1f, 2f);

    /// <summary>The first of <see cref="BlurSigma"/>.</summary>
    [Option("least sigma of the blur, of a 224-px input, scaled with input_size; 0.1 in MoCo v2", Unit = "px", Least = 0.01, Most = 64)]
    public float BlurSigmaLow
    {
        get => BlurSigma.Low;
        init => BlurSigma = (value, BlurSigma.High);
    }

    /// <summary>The second of <see cref="BlurSigma"/>.</summary>
    [Option("largest sigma of the blur, of a 224-px input, scaled with input_size; 2 in MoCo v2", Unit = "px", Least = 0.01, Most = 64)]
    public float BlurSigmaHigh
    {
        get => BlurSigma.High;
        init => BlurSigma = (BlurSigma.Low, value);
    }

    /// <summary>Output pixels in one pixel of <see cref="BlurSigma"/>.</summary>
    public double BlurScale => InputSize / 224.0;

    /// <summary>
    /// Stain jitter: haematoxylin and eosin densities are scaled by U(1 − x, 1 + x) each, in the space of Ruifrok and Johnston (2001),
    /// as Tellez et al. (2018) do. The paper does not use it: 0.
    /// </summary>
    [Option("H&E stain jitter, relative", Most = 1)]
    public float StainScale { get; init; }

    /// <summary>Stain jitter: haematoxylin and eosin densities are shifted by U(−x, x) each, in natural optical density (−ln of
    /// transmittance). Default 0.</summary>
    [Option("H&E stain jitter", Unit = "optical density", Most = 1)]
    public float StainShift { get; init; }

    /// <summary>Mean of red, green and blue in [0, 1] that is subtracted at the end. ImageNet's.</summary>
    public (float R, float G, float B) Mean { get; init; } = (0.485f, 0.456f, 0.406f);

    /// <summary>Standard deviation of red, green and blue that the result is divided by. ImageNet's.</summary>
    public (float R, float G, float B) Deviation { get; init; } = (0.229f, 0.224f, 0.225f);

    /// <summary>The list of the SSLP paper (which is InstDisc's): crop 0.2–1, grayscale 0.2, jitter 0.4/0.4/0.4/0.4 always, horizontal
    /// flip.</summary>
    public static AugmentOptions Sslp { get; } = new() { GrayscaleFirst = true };

    /// <summary>MoCo v2's list: jitter 0.4/0.4/0.4/0.1 with probability 0.8, grayscale 0.2, blur σ 0.1–2 with probability 0.5, horizontal
    /// flip.</summary>
    public static AugmentOptions MoCoV2 { get; } = new() { ColourJitter = 0.8f, Hue = 0.1f, Blur = 0.5f };

    /// <summary>RandomResizedCrop and horizontal flip only: training a linear probe.</summary>
    public static AugmentOptions CropAndFlip { get; } = new() { ColourJitter = 0f, Grayscale = 0f };

    /// <summary>The lists by the names that the option 'augment' has for them.</summary>
    public static IReadOnlyList<(string Name, AugmentOptions Options)> Lists { get; } =
        [("sslp", Sslp), ("mocov2", MoCoV2), ("crop_and_flip", CropAndFlip)];

    /// <summary>Throws where a value has no meaning.</summary>
    /// <exception cref="ArgumentException">Names the value, what it is and what it may be.</exception>
    public void Validate()
    {
        Require(InputSize is > 0 and <= MostInputSize, nameof(InputSize), InputSize, $"1 to {MostInputSize} pixels");
        Require(CropArea.Low > 0 && CropArea.Low <= CropArea.High && CropArea.High <= 1, nameof(CropArea), CropArea, "0 < low ≤ high ≤ 1");
        Require(CropRatio.Low > 0 && CropRatio.Low <= CropRatio.High && float.IsFinite(CropRatio.High), nameof(CropRatio), CropRatio,
            "0 < low ≤ high");
        Require(BlurSigma.Low > 0 && BlurSigma.Low <= BlurSigma.High, nameof(BlurSigma), BlurSigma, "0 < low ≤ high");
        Require(
            Blur == 0 || BlurSigma.High * BlurScale <= MaximumBlurSigma, nameof(BlurSigma), BlurSigma,
            $"at most {MaximumBlurSigma / BlurScale:0.##}, which is {MaximumBlurSigma} pixels of an input of {InputSize}");
        foreach (PropertyInfo option in typeof(AugmentOptions).GetProperties())
            if (option.GetCustomAttribute<OptionAttribute>() is { } said && option.GetValue(this) is float value)
            {
                Require(value >= (float)said.Least && value <= (float)said.Most, option.Name, value, $"{said.Least} to {said.Most}");
            }
        Require(Deviation is { R: > 0, G: > 0, B: > 0 }, nameof(Deviation), Deviation, "above 0 in each channel");
    }

    /// <summary>Largest σ of a blur in output pixels; bounds the kernel's reach, ⌈3σ⌉.</summary>
    public const float MaximumBlurSigma = 8f;

    private static void Require(bool holds, string name, object value, string allowed)
    {
        if (!holds)
            throw new ArgumentException($"Augmentation option {name} is {value}; it must be {allowed}.", name);
    }
}
