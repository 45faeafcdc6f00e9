using System.Text.RegularExpressions;

namespace SSLP.Engine.Weights;

/// <summary>
/// torchvision's names of a ResNet's tensors ↔ those of Hugging Face's <c>ResNetModel</c>: conv1 and bn1 are its embedder, layer1 to layer4
/// its stages 0 to 3, a block's convolutions its layers 0, 1, 2, each with its normalisation, downsample its shortcut.
/// </summary>
internal static partial class HuggingFaceNames
{
    /// <summary>"layer2.0.downsample.1.bias" → "encoder.stages.1.layers.0.shortcut.normalization.bias".</summary>
    /// <exception cref="ArgumentException">No name of a ResNet's tensor.</exception>
    public static string FromTorchvision(string name)
    {
        if (Stem().Match(name) is { Success: true } stem)
            return $"embedder.embedder.{Part(stem.Groups["kind"].Value == "conv")}.{stem.Groups["what"].Value}";
        Match block = Block().Match(name);
        if (!block.Success)
            throw new ArgumentException($"'{name}' is no tensor of a ResNet without its classifier.", nameof(name));
        string at = $"encoder.stages.{int.Parse(block.Groups["stage"].Value) - 1}.layers.{block.Groups["block"].Value}";
        string what = block.Groups["what"].Value;
        return block.Groups["down"].Success
            ? $"{at}.shortcut.{Part(block.Groups["down"].Value == "0")}.{what}"
            : $"{at}.layer.{int.Parse(block.Groups["number"].Value) - 1}.{Part(block.Groups["kind"].Value == "conv")}.{what}";
    }

    /// <summary>The way back; a name of another form stays as it is.</summary>
    public static string ToTorchvision(string name)
    {
        if (TheirStem().Match(name) is { Success: true } stem)
            return $"{(stem.Groups["part"].Value == "convolution" ? "conv1" : "bn1")}.{stem.Groups["what"].Value}";
        Match block = TheirBlock().Match(name);
        if (!block.Success)
            return name;
        bool convolution = block.Groups["part"].Value == "convolution";
        string at = $"layer{int.Parse(block.Groups["stage"].Value) + 1}.{block.Groups["block"].Value}", what = block.Groups["what"].Value;
        return block.Groups["number"].Success
            ? $"{at}.{(convolution ? "conv" : "bn")}{int.Parse(block.Groups["number"].Value) + 1}.{what}"
            : $"{at}.downsample.{(convolution ? 0 : 1)}.{what}";
    }

    private static string Part(bool convolution) => convolution ? "convolution" : "normalization";

    [GeneratedRegex(@"^(?<kind>conv|bn)1\.(?<what>\w+)$")]
    private static partial Regex Stem();

    [GeneratedRegex(@"^layer(?<stage>[1-4])\.(?<block>\d+)\.(?:(?<kind>conv|bn)(?<number>[123])|downsample\.(?<down>[01]))\.(?<what>\w+)$")]
    private static partial Regex Block();

    [GeneratedRegex(@"^embedder\.embedder\.(?<part>convolution|normalization)\.(?<what>\w+)$")]
    private static partial Regex TheirStem();

    [GeneratedRegex(
        @"^encoder\.stages\.(?<stage>\d)\.layers\.(?<block>\d+)\.(?:layer\.(?<number>\d)|shortcut)"
        + @"\.(?<part>convolution|normalization)\.(?<what>\w+)$")]
    private static partial Regex TheirBlock();
}
