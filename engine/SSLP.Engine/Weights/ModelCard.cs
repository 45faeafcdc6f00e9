using System.Globalization;
using System.Numerics;
using System.Text;
using SSLP.Data.Files;

namespace SSLP.Engine.Weights;

/// <summary>A page about an encoder for who has only its files: what it is, what it has to be fed with, what it has seen, how it is
/// loaded.</summary>
public static class ModelCard
{
    /// <summary>Writes the page, whole or not at all.</summary>
    /// <param name="path">A Markdown file.</param>
    /// <param name="description">The encoder.</param>
    /// <param name="library">"timm" or "transformers" for the front matter that their hub reads; null for none.</param>
    /// <param name="loading">Python that loads it.</param>
    public static void Write(string path, EncoderDescription description, string? library, string loading) =>
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(Text(description, library, loading))));

    /// <summary>The page.</summary>
    public static string Text(EncoderDescription description, string? library, string loading)
    {
        EncoderPreprocessing p = description.Preprocessing;
        var text = new StringBuilder();
        if (library is not null)
            text.Append($"---\nlibrary_name: {library}\npipeline_tag: image-feature-extraction\ntags:\n- pathology\n- " +
                $"self-supervised\n---\n");
        text.Append($"# {description.Arch}, {Words(description.Method)}\n\n");
        text.Append($"A backbone for patches of whole-slide pathology images: an RGB patch in, {description.Width} features out (global " +
            $"average pooling, no classifier).\n\n");
        text.Append("## Input\n");
        text.Append(CultureInfo.InvariantCulture, $"- trained on patches of {p.PatchSize} px");
        text.Append(p.Mpp is { } mpp
            ? string.Create(CultureInfo.InvariantCulture,
                $" at {mpp:0.####} µm per pixel, {mpp * p.PatchSize:0.#} µm a side: feed it with patches of that size in tissue\n")
            : "; their µm per pixel are not known, so feed it with patches like those it was trained on\n");
        text.Append(CultureInfo.InvariantCulture,
            $"- the whole patch scaled to {p.ResizedSide} px ({p.Resampling}), its central {p.InputSize} px taken\n");
        text.Append($"- {p.ColourOrder}, divided by 255, minus {Triple(p.Mean)}, divided by {Triple(p.Std)}\n\n");
        text.Append($"## Training\n- method: {description.Method}\n- seen: {Seen(description)}\n\n");
        text.Append($"## Loading\n```python\n{loading.Trim()}\n```\n\n");
        text.Append("Features of patches at another scale, of another stain or scanner may mean little: judge them on labelled patches " +
            "of your own slides, of patients "
            + "that were not in training. Not for diagnosis.\n");
        return text.ToString();
    }

    private static string Words(string method) => method == "supervised" ? "trained on labels" : method == "untrained" ? "untrained"
        : $"pretrained without labels by {method}";

    private static string Seen(EncoderDescription description)
    {
        if (description.TrainedOn is not { } seen)
            return "not recorded";
        string slides = seen.Slides > 0 ? Counted.Slides(seen.Slides) : $"{Counted.Patches(seen.Patches)} of no named slide";
        return (seen.Patients > 0 ? $"{slides} of {Counted.Of(seen.Patients, "patient")}" : slides)
            + "; hashes of their names are in the metadata of the encoder's own file, for overlap with what is judged";
    }

    private static string Triple(Vector3 v) => string.Create(CultureInfo.InvariantCulture, $"({v.X:0.####}, {v.Y:0.####}, {v.Z:0.####})");
}
