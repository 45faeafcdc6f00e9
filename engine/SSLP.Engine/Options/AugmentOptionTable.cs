using SSLP.Kernels;
using static SSLP.Engine.Options.OptionTable;

namespace SSLP.Engine.Options;

/// <summary>The augmentation's part of <see cref="OptionTable"/>; <c>augment</c> sets a whole list, the keys after it one value
/// each.</summary>
internal static class AugmentOptionTable
{
    private static readonly (string Name, AugmentOptions List)[] Lists =
        [("sslp", AugmentOptions.Sslp), ("mocov2", AugmentOptions.MoCoV2), ("crop_and_flip", AugmentOptions.CropAndFlip)];

    public static IReadOnlyList<Option> All { get; } =
    [
        new("augment", "sslp [B] | mocov2 | crop_and_flip: a whole list; the keys below change one value", ListName, SetList),
        Value("crop_area_low", "least share of the patch's area in a crop; 0.2 [B]", 0.01, 1, a => a.CropArea.Low, (a, v) => a with { CropArea = (v, a.CropArea.High) }),
        Value("horizontal_flip", "probability; 0.5 [B]", 0, 1, a => a.HorizontalFlip, (a, v) => a with { HorizontalFlip = v }),
        Value("vertical_flip", "probability; 0: tissue has no upright, but the paper does without", 0, 1, a => a.VerticalFlip, (a, v) => a with { VerticalFlip = v }),
        Value("colour_jitter", "probability; 1 [B]", 0, 1, a => a.ColourJitter, (a, v) => a with { ColourJitter = v }),
        Value("brightness", "jitter; 0.4 [B]", 0, 1, a => a.Brightness, (a, v) => a with { Brightness = v }),
        Value("contrast", "jitter; 0.4 [B]", 0, 1, a => a.Contrast, (a, v) => a with { Contrast = v }),
        Value("saturation", "jitter; 0.4 [B]", 0, 1, a => a.Saturation, (a, v) => a with { Saturation = v }),
        Value("hue", "jitter, turns; 0.4 [B]", 0, 0.5, a => a.Hue, (a, v) => a with { Hue = v }),
        Value("grayscale", "probability; 0.2 [B]", 0, 1, a => a.Grayscale, (a, v) => a with { Grayscale = v }),
        Value("blur", "probability; 0 [B], 0.5 in MoCo v2", 0, 1, a => a.Blur, (a, v) => a with { Blur = v }),
        Value("stain_scale", "H&E stain jitter, relative; 0 (ours)", 0, 1, a => a.StainScale, (a, v) => a with { StainScale = v }),
        Value("stain_shift", "H&E stain jitter, optical density; 0 (ours)", 0, 1, a => a.StainShift, (a, v) => a with { StainShift = v }),
    ];

    private static Option Value(
        string key, string meaning, double least, double most, Func<AugmentOptions, float> get, Func<AugmentOptions, float, AugmentOptions> set) =>
        Real(key, meaning, least, most, o => Decimal(get(o.Augment)), (o, v) => o with { Augment = set(o.Augment, (float)v) });

    // 0.4f as 0.4, not as 0.4000000059604645.
    private static double Decimal(float value) => (double)(decimal)value;

    private static string ListName(TrainingOptions options)
    {
        foreach ((string name, AugmentOptions list) in Lists)
            if (options.Augment == list with { InputSize = options.Augment.InputSize })
                return name;
        return "custom";
    }

    private static TrainingOptions SetList(TrainingOptions options, string name)
    {
        foreach ((string known, AugmentOptions list) in Lists)
            if (known == name)
                return options with { Augment = list };
        // "custom" stands in a run.json whose single values follow.
        return name == "custom" ? options : throw new FormatException(string.Join(" | ", Lists.Select(l => l.Name)));
    }
}
