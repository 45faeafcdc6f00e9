using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Weights;

/// <summary>The account of copying a file's tensors into a network, name by name.</summary>
/// <param name="Copied">Names that were filled.</param>
/// <param name="Missing">Names of the network that the file lacks; they keep their values.</param>
/// <param name="Unexpected">Names of the file that the network lacks.</param>
/// <param name="WrongShape">Names that both have, in different shapes; they keep their values.</param>
internal sealed record StateCopy(IReadOnlyList<string> Copied, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected,
    IReadOnlyList<string> WrongShape)
{
    /// <summary>Everything of either side found its counterpart.</summary>
    public bool IsComplete => Missing.Count == 0 && Unexpected.Count == 0 && WrongShape.Count == 0;

    /// <summary>For a person: counts, and the first few names of each fault.</summary>
    public string Summary => string.Join(" ", new[]
    {
        $"{Copied.Count} tensors fit.",
        List(Missing, "missing from the file"),
        List(Unexpected, "unknown to the network"),
        List(WrongShape, "of another shape"),
    }.Where(part => part.Length > 0));

    /// <param name="state">The network's tensors; they are written in place, on whatever device they are.</param>
    /// <param name="file">Where the values come from; other floating types are converted.</param>
    /// <param name="rename">The network's name of a name in the file; null leaves a tensor out without a word.</param>
    public static StateCopy Into(IEnumerable<KeyValuePair<string, Tensor>> state, SafetensorsFile file, Func<string, string?> rename)
    {
        Dictionary<string, Tensor> targets = new(state);
        List<string> copied = [], unexpected = [], wrongShape = [];
        using IDisposable noGrad = torch.no_grad();
        foreach (SafetensorsEntry entry in file.Entries.Values)
        {
            if (rename(entry.Name) is not string name)
                continue;
            if (!targets.TryGetValue(name, out Tensor? target))
                unexpected.Add(name);
            else if (!target.shape.SequenceEqual(entry.Shape))
                wrongShape.Add($"{name} [{string.Join(", ", entry.Shape)}] for [{string.Join(", ", target.shape)}]");
            else
            {
                using Tensor values = file.ReadTensor(entry.Name);
                target.copy_(values);
                copied.Add(name);
            }
        }

        HashSet<string> seen = [.. copied, .. wrongShape.Select(text => text[..text.IndexOf(' ')])];
        return new(copied, [.. targets.Keys.Where(name => !seen.Contains(name))], unexpected, wrongShape);
    }

    private static string List(IReadOnlyList<string> names, string what) => names.Count == 0
        ? ""
        : $"{names.Count} {what}: {string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", …" : "")}.";
}
