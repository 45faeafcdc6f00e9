using System.Globalization;
using System.Numerics;
using SSLP.Data.Files;

namespace SSLP.Engine.Weights;

/// <summary>
/// What was done to a pixel before the encoder saw it. It travels with the weights, because an encoder fed at another scale or
/// with swapped colours answers without a complaint and wrongly.
/// </summary>
/// <param name="Mean">Subtracted from red, green, blue in 0..1.</param>
/// <param name="Std">Divides them after that.</param>
/// <param name="Mpp">Micrometres per pixel of the patch; null where the patches came without a scale.</param>
/// <param name="PatchSize">Side of the patch read from the slide, in pixels at <paramref name="Mpp"/>.</param>
/// <param name="InputSize">Side of what the network is given, in pixels.</param>
/// <param name="Resampling">How a patch is scaled: "area", "bilinear", …</param>
/// <param name="ColourOrder">"RGB" or "BGR".</param>
public sealed record EncoderPreprocessing(Vector3 Mean, Vector3 Std, double? Mpp, int PatchSize, int InputSize, string Resampling,
    string ColourOrder)
{
    /// <summary>ImageNet's statistics, which the paper normalises with.</summary>
    public static Vector3 ImageNetMean => new(0.485f, 0.456f, 0.406f);

    /// <inheritdoc cref="ImageNetMean"/>
    public static Vector3 ImageNetStd => new(0.229f, 0.224f, 0.225f);

    /// <summary>Scales closer than this, relatively, count as the same: vendors round 0.499 to 0.5.</summary>
    public const double MppTolerance = 0.01;

    /// <summary>
    /// Patches of one pixel size may differ by this factor in their sides: 256 to 224 px, what the field's own test protocol takes of a
    /// patch.
    /// </summary>
    public const double MostSideRatio = 256.0 / 224;

    /// <summary>
    /// Side that the whole patch is scaled to before its central <see cref="InputSize"/> pixels are taken, px. The default is the field's
    /// test protocol, Resize(256) and CenterCrop(224), at any input size; equal to the input size it leaves no border out.
    /// </summary>
    public int ResizedSide { get; init; } = (int)Math.Round(InputSize * 256.0 / 224);

    private const string Prefix = "sslp.preprocessing.";

    /// <summary>The pairs for a file's metadata.</summary>
    public IEnumerable<KeyValuePair<string, string>> ToMetadata()
    {
        yield return new(Prefix + "mean", Format(Mean));
        yield return new(Prefix + "std", Format(Std));
        if (Mpp is double mpp)
            yield return new(Prefix + "mpp", mpp.ToString("R", CultureInfo.InvariantCulture));
        yield return new(Prefix + "patch", PatchSize.ToString(CultureInfo.InvariantCulture));
        yield return new(Prefix + "resize", ResizedSide.ToString(CultureInfo.InvariantCulture));
        yield return new(Prefix + "input_size", InputSize.ToString(CultureInfo.InvariantCulture));
        yield return new(Prefix + "resampling", Resampling);
        yield return new(Prefix + "colour_order", ColourOrder);
    }

    /// <exception cref="Fault">A pair is missing or is no number where one is needed.</exception>
    public static EncoderPreprocessing FromMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        string Text(string key) => metadata.TryGetValue(Prefix + key, out string? text)
            ? text
            : throw new Fault(FaultKind.Data,
                $"The metadata lacks '{Prefix}{key}'; the file was not written as an encoder by this program.");
        int Whole(string key) => int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new Fault(FaultKind.Data, $"The metadata's '{Prefix}{key}' is '{Text(key)}', not a whole number above 0.");

        double? mpp = metadata.ContainsKey(Prefix + "mpp") ? Number(Text("mpp")) : null;
        int input = Whole("input_size");
        return new(Triple(Text("mean")), Triple(Text("std")), mpp, Whole("patch"), input, Text("resampling"), Text("colour_order"))
        {
            // Files from before there was a central crop were fed with whole patches.
            ResizedSide = !metadata.ContainsKey(Prefix + "resize") ? input
                : Whole("resize") is int side && side >= input ? side
                : throw new Fault(FaultKind.Data, $"The metadata scale a patch to {Text("resize")} px and then take {input} px of it."),
        };
    }

    /// <summary>Where this encoder's training and a wanted use differ, a phrase each; empty when they agree.</summary>
    public IReadOnlyList<string> Mismatches(EncoderUse use)
    {
        List<string> differences = [];
        if (use.Mpp is double asked && Mpp is double trained)
        {
            // The network sees a patch scaled to one size, whatever its pixels: what counts is how much tissue that is.
            double? ratio = use.PatchSize is int side ? asked * side / (trained * PatchSize) : null;
            bool samePixels = Math.Abs(asked - trained) <= MppTolerance * trained;
            bool sameTissue = ratio is { } r && Math.Max(r, 1 / r) <= (samePixels ? MostSideRatio + 1e-9 : 1 + MppTolerance);
            if (!samePixels && !sameTissue)
                differences.Add(string.Create(
                    CultureInfo.InvariantCulture, $"it was trained at {trained:0.###} µm/px and {asked:0.###} is asked"));
            if (ratio is not null && !sameTissue && use.PatchSize != PatchSize)
                differences.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"it was trained on patches of {PatchSize} px and {use.PatchSize} is asked: {trained * PatchSize:0.#} and " +
                    $"{asked * use.PatchSize:0.#} µm"));
        }
        else if (use.PatchSize is int patch && patch != PatchSize)
            differences.Add(
                $"it was trained on patches of {PatchSize} px and {patch} is asked, and the µm per pixel are not known on both sides");
        if (use.ColourOrder is string order && !string.Equals(order, ColourOrder, StringComparison.OrdinalIgnoreCase))
            differences.Add($"it was trained on {ColourOrder} and {order} is asked");
        return differences;
    }

    private static string Format(Vector3 v) => string.Create(CultureInfo.InvariantCulture, $"{v.X:R},{v.Y:R},{v.Z:R}");

    private static Vector3 Triple(string text) => text.Split(',') is [string r, string g, string b]
        ? new Vector3((float)Number(r), (float)Number(g), (float)Number(b))
        : throw new Fault(FaultKind.Data, $"The metadata holds '{text}' where three numbers belong.");

    private static double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        && double.IsFinite(number)
        ? number
        : throw new Fault(FaultKind.Data, $"The metadata holds '{text}' where a number belongs.");
}

/// <summary>How someone wants to use an encoder; null means that it was not said.</summary>
/// <param name="Mpp">Micrometres per pixel of the patches to come.</param>
/// <param name="PatchSize">Their side in pixels.</param>
/// <param name="ColourOrder">"RGB" or "BGR".</param>
public sealed record EncoderUse(double? Mpp = null, int? PatchSize = null, string? ColourOrder = null);
