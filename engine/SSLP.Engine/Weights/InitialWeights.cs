using System.Security.Cryptography;
using SSLP.Data.Files;
using SSLP.Engine.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>
/// Starts a backbone from a safetensors file: a run's own encoder.safetensors, or a ResNet of the same depth under the names of
/// torchvision, timm, MoCo, lightly, mmselfsup, DINO, Hugging Face (<see cref="WeightNames"/>). Everything of the backbone must be there in
/// its shape, and nothing else but heads and second networks, which are left out: a file that fits in part would start a run from weights
/// that nobody trained.
/// <para>
/// Two tensors that come to one name are refused. float16, bfloat16 and float64 become float32; <c>num_batches_tracked</c> may be absent.
/// </para>
/// </summary>
public static class InitialWeights
{
    private const int Named = 3;

    /// <summary>SHA-256 of the file, lower-case hex: what run.json and a checkpoint know it by.</summary>
    /// <exception cref="Fault">There is no such file.</exception>
    public static string HashOf(string path)
    {
        Require(path);
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>Refuses a path at which there is no file that can be opened, before patches are cut for it; an empty one means random
    /// weights.</summary>
    /// <exception cref="Fault">There is none, it is a pickle, or no safetensors file.</exception>
    public static void Require(string path)
    {
        if (path.Length > 0)
            Open(path).Dispose();
    }

    /// <summary>What a file's own training saw, where it is a run's encoder; null for an empty path, another program's file, or one that
    /// does not say.</summary>
    public static TrainedOn? TrainedOnOf(string path)
    {
        if (path.Length == 0 || !File.Exists(path))
            return null;
        using var file = SafetensorsFile.Open(path);
        return TrainedOn.FromMetadata(file.Metadata, path);
    }

    /// <summary>Which of two networks is taken, where a file holds two; else null.</summary>
    public static string? ChoiceIn(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return WeightNames.Of(file.Entries.Keys).Said;
    }

    /// <summary>Fills every parameter and buffer.</summary>
    /// <param name="path">A safetensors file. A pickle (.pt, .pth, .bin) is refused: loading one runs code.</param>
    /// <param name="backbone">The network; after a fault its weights are of no use.</param>
    /// <exception cref="Fault">There is no such file, or it is a pickle.</exception>
    /// <exception cref="Fault">It is no safetensors file, or not this network's weights; one sentence with the first names and what to
    /// do.</exception>
    public static void Load(string path, ResNet backbone)
    {
        using SafetensorsFile file = Open(path);
        var names = WeightNames.Of(file.Entries.Keys);
        List<string> faults = [.. Faults(file, names, backbone)];
        if (faults.Count > 0)
            throw new Fault(FaultKind.Data,
                $"'{path}' cannot begin a {Name(backbone.Architecture)}: {string.Join("; ", faults)}; " +
                $"{Remedy(file, names, backbone.Architecture)}.");
        StateCopy.Into(backbone.state_dict(), file, names.Rename);
        string[] broken = [.. backbone.state_dict().Where(pair => pair.Value.is_floating_point() && !IsFinite(pair.Value))
            .Select(pair => pair.Key)];
        if (broken.Length > 0)
            throw new Fault(FaultKind.Data,
                $"'{path}' holds values that are not finite: {List(broken)}; its training diverged, so begin with another file.");
    }

    private static SafetensorsFile Open(string path)
    {
        if (Path.GetExtension(path) is ".pt" or ".pth" or ".bin" or ".pkl" or ".ckpt")
            throw new Fault(FaultKind.Input,
                $"'{path}' looks like a pickle, and loading a pickle runs whatever code it holds: convert it with " +
                $"safetensors.torch.save_file(model.state_dict(), \"init.safetensors\") in Python.");
        return File.Exists(path) ? SafetensorsFile.Open(path)
            : throw new Fault(FaultKind.Usage,
                $"There is no '{path}' to begin with: init takes a safetensors file with a ResNet's weights.");
    }

    private static IEnumerable<string> Faults(SafetensorsFile file, WeightNames names, ResNet backbone)
    {
        Dictionary<string, Tensor> wanted = backbone.state_dict();
        ILookup<string, SafetensorsEntry> taken = file.Entries.Values
            .Select(entry => (Entry: entry, Name: names.Rename(entry.Name)))
            .Where(pair => pair.Name is not null)
            .ToLookup(pair => pair.Name!, pair => pair.Entry);
        string[] twice = [.. taken.Where(group => group.Count() > 1)
            .Select(group => string.Join(" and ", group.Select(entry => entry.Name)))];
        string[] missing = [.. wanted.Keys.Where(
            name => !taken.Contains(name) && !name.EndsWith("num_batches_tracked", StringComparison.Ordinal))];
        string[] unknown = [.. taken.Where(group => !wanted.ContainsKey(group.Key)).Select(group => group.First().Name)];
        string[] shapes = [.. taken.Where(
            group => wanted.TryGetValue(group.Key, out Tensor? own) && !own.shape.SequenceEqual(group.First().Shape))
            .Select(group => $"{group.Key} [{string.Join(", ", group.First().Shape)}] for [{string.Join(", ", wanted[group.Key].shape)}]")];
        string[] types = [.. taken.Where(group => wanted.TryGetValue(group.Key, out Tensor? own) && own.is_floating_point()
            && !IsFloat(group.First().Dtype))
            .Select(group => $"{group.Key} {group.First().Dtype}")];
        if (unknown.Length > 0 && !taken.Any(group => wanted.ContainsKey(group.Key)))
        {
            yield return $"none of its {file.Entries.Count} names is one that a ResNet's tensors go by ({List(unknown)})";
            yield break;
        }
        foreach ((string[] found, string what) in ((string[], string)[])[
            (missing, "missing"), (unknown, "not of this network"), (shapes, "of another shape"), (types, "no floating-point numbers"),
            (twice, "there twice")])
            if (found.Length > 0)
                yield return $"{found.Length} {(found.Length == 1 ? "tensor is" : "tensors are")} {what} ({List(found)})";
    }

    /// <summary>Another depth where the file fits that, else what a file has to be.</summary>
    private static string Remedy(SafetensorsFile file, WeightNames names, Architecture asked)
    {
        foreach (Architecture other in Enum.GetValues<Architecture>().Where(other => other != asked))
        {
            using var network = new ResNet(other);
            if (!Faults(file, names, network).Any())
                return $"it is a {Name(other)}, which --set arch={Name(other)} begins with it";
        }
        return $"save the state_dict of a torchvision or timm {Name(asked)}, or name another run's encoder.safetensors";
    }

    private static bool IsFloat(SafetensorsDtype dtype) =>
        dtype is SafetensorsDtype.F16 or SafetensorsDtype.BF16 or SafetensorsDtype.F32 or SafetensorsDtype.F64;

    private static bool IsFinite(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        return values.isfinite().all().item<bool>();
    }

    private static string List(string[] names) => string.Join(", ", names.Take(Named)) + (names.Length > Named ? ", …" : string.Empty);

    private static string Name(Architecture architecture) => architecture.ToString().ToLowerInvariant();
}
