using System.Globalization;
using SSLP.Data.Files;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>What an encoder is.</summary>
/// <param name="Arch">"resnet18", "resnet50".</param>
/// <param name="Width">Length of a feature: 512 for ResNet-18, 2048 for ResNet-50.</param>
/// <param name="Method">How it was trained: "sslp", "instdisc", "mocov2", "untrained", …</param>
/// <param name="Preprocessing">What its inputs went through.</param>
public sealed record EncoderDescription(string Arch, int Width, string Method, EncoderPreprocessing Preprocessing)
{
    /// <summary>What it was trained on; null where its file does not say.</summary>
    public TrainedOn? TrainedOn { get; init; }
}

/// <summary>
/// <c>encoder.safetensors</c>: the backbone's parameters and buffers under torchvision's names, and in the metadata what another
/// program needs to feed it. Any safetensors reader opens it; <c>format: pt</c> is there for those that ask.
/// </summary>
public static class EncoderFile
{
    private const string ArchKey = "sslp.arch", WidthKey = "sslp.width", MethodKey = "sslp.method";

    /// <param name="path">Replaced only when the new file is complete.</param>
    /// <param name="state">Parameters and buffers of the backbone (<c>state_dict()</c>).</param>
    /// <param name="description">Goes into the metadata.</param>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> state, EncoderDescription description)
    {
        Dictionary<string, string> metadata = new(description.Preprocessing.ToMetadata())
        {
            ["format"] = "pt",
            [ArchKey] = description.Arch,
            [WidthKey] = description.Width.ToString(CultureInfo.InvariantCulture),
            [MethodKey] = description.Method,
        };
        foreach ((string key, string value) in description.TrainedOn?.ToMetadata() ?? [])
            metadata[key] = value;
        SafetensorsWriter.Write(path, [.. state.Select(pair => SafetensorsItem.From(pair.Key, pair.Value))], metadata);
    }

    /// <summary>Reads the description alone; no tensor is loaded.</summary>
    public static EncoderDescription Describe(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return Describe(file);
    }

    /// <summary>Fills a network with the file's tensors.</summary>
    /// <param name="path">A file of <see cref="Save"/>.</param>
    /// <param name="state">The network's <c>state_dict()</c>; every name must be in the file, and none more.</param>
    /// <param name="use">How the encoder is going to be fed.</param>
    /// <param name="allowMismatch">Load it although <paramref name="use"/> differs from how it was trained.</param>
    /// <exception cref="Fault">The file is damaged, is of another network, or was trained for another use.</exception>
    public static EncoderDescription Load(string path, IEnumerable<KeyValuePair<string, Tensor>> state, EncoderUse? use = null,
        bool allowMismatch = false)
    {
        using var file = SafetensorsFile.Open(path);
        EncoderDescription description = Describe(file);
        if (!allowMismatch)
            Check(description, use ?? new EncoderUse(), path);
        var copy = StateCopy.Into(state, file, name => name);
        if (!copy.IsComplete)
            throw new Fault(FaultKind.Data, $"'{path}' does not fit the network. {copy.Summary}");
        return description;
    }

    /// <summary>Refuses a use that the encoder was not trained for.</summary>
    /// <exception cref="Fault">One sentence with every difference and what to do.</exception>
    public static void Check(EncoderDescription description, EncoderUse use, string path)
    {
        IReadOnlyList<string> differences = description.Preprocessing.Mismatches(use);
        if (differences.Count > 0)
            throw new Fault(FaultKind.Data,
                $"'{path}' does not match its use: {string.Join("; ", differences)}. Ask for what it was trained on, or allow the " +
                $"mismatch (--allow-mismatch).");
    }

    private static EncoderDescription Describe(SafetensorsFile file)
    {
        string Text(string key) => file.Metadata.TryGetValue(key, out string? text)
            ? text
            : throw new Fault(FaultKind.Data,
                $"'{file.Path}' has no '{key}' in its metadata; it was not written as an encoder by this program. As a starting point " +
                $"for training it may serve with --init.");
        if (!int.TryParse(Text(WidthKey), NumberStyles.None, CultureInfo.InvariantCulture, out int width))
            throw new Fault(FaultKind.Data, $"'{file.Path}' gives its width as '{Text(WidthKey)}'.");
        return new(Text(ArchKey), width, Text(MethodKey), EncoderPreprocessing.FromMetadata(file.Metadata))
        {
            TrainedOn = TrainedOn.FromMetadata(file.Metadata, file.Path),
        };
    }
}
