using static TorchSharp.torch;

namespace SSLP.Engine.Export;

/// <summary>
/// Starts a backbone from somebody else's safetensors (torchvision's and timm's ResNets share their names). The classifier is left
/// out; what does not fit is listed, and a file that fits nowhere is an error rather than a silent random start.
/// </summary>
public static class InitialWeights
{
    // What training programs put in front of the backbone's names.
    private static readonly string[] Prefixes = ["module.", "model.", "backbone.", "encoder.", "encoder_q.", "base_encoder.", "resnet."];

    /// <param name="path">A safetensors file. A pickle (.pt, .pth, .bin) is refused: loading one runs code.</param>
    /// <param name="state">The backbone's <c>state_dict()</c>.</param>
    /// <returns>What was copied and what was not; a missing <c>num_batches_tracked</c> is no fault and not listed.</returns>
    /// <exception cref="InvalidDataException">It is no safetensors file, or none of its tensors fits.</exception>
    public static StateCopy Load(string path, IEnumerable<KeyValuePair<string, Tensor>> state)
    {
        if (System.IO.Path.GetExtension(path) is ".pt" or ".pth" or ".bin" or ".pkl" or ".ckpt")
            throw new InvalidDataException($"'{path}' looks like a pickle, and loading a pickle runs whatever code it holds. Convert it: safetensors.torch.save_file(model.state_dict(), \"init.safetensors\").");
        using SafetensorsFile file = SafetensorsFile.Open(path);
        StateCopy copy = StateCopy.Into(state, file, Rename);
        if (copy.Copied.Count == 0)
            throw new InvalidDataException($"'{path}' fits this network nowhere. {copy.Summary}");
        return copy with { Missing = [.. copy.Missing.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal))] };
    }

    private static string? Rename(string name)
    {
        for (bool stripped = true; stripped;)
        {
            stripped = false;
            foreach (string prefix in Prefixes.Where(p => name.StartsWith(p, StringComparison.Ordinal)))
            {
                name = name[prefix.Length..];
                stripped = true;
            }
        }

        return name.StartsWith("fc.", StringComparison.Ordinal) ? null : name;
    }
}
