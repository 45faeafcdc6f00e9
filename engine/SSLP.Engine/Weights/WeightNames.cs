using System.Text.RegularExpressions;

namespace SSLP.Engine.Weights;

/// <summary>
/// The names under which training programs keep a ResNet → torchvision's. Prefixes of wrappers come off, as many as stand there; a
/// checkpoint that holds the network twice (MoCo's key encoder, DINO's student) gives one of them, as <see cref="Said"/> tells; heads,
/// predictors, queues and running averages beside the backbone are left out.
/// </summary>
internal sealed partial class WeightNames
{
    /// <summary>What training programs put in front of the backbone's names.</summary>
    public static IReadOnlyList<string> Prefixes { get; } =
    [
        "module.", "model.", "backbone.", "encoder.", "encoder_q.", "base_encoder.", "resnet.", "state_dict.", "net.", "network.",
        "convnet.", "trunk.",
        "_feature_blocks.", "base_model.", "online_encoder.", "online_network.", "student.", "teacher.", "feature_extractor.", "0.",
    ];

    // Which of two networks of one file is the trained one, by its first word: MoCo's queries, BYOL's online network, DINO's teacher, by
    // which DINO itself is judged.
    private static readonly (string Taken, string Left)[] Pairs =
    [
        ("encoder_q", "encoder_k"), ("base_encoder", "momentum_encoder"), ("backbone", "backbone_momentum"),
        ("backbone", "momentum_backbone"),
        ("online_network", "target_network"), ("online_encoder", "target_encoder"), ("online_net", "target_net"), ("teacher", "student"),
        ("teacher_backbone", "student_backbone"),
    ];

    private static readonly HashSet<string> Heads =
    [
        "fc", "head", "heads", "classifier", "linear", "projection_head", "projector", "predictor", "prediction_head", "prototypes",
        "neck", "queue",
        "queue_ptr", "projection_head_momentum", "momentum_projector", "data_preprocessor", "center", "dino_loss", "_heads",
        "last_layer", "mlp",
    ];

    private readonly string? _left;
    private readonly Func<string, string> _layers;

    private WeightNames(string? left, Func<string, string> layers, string? said) => (_left, _layers, Said) = (left, layers, said);

    /// <summary>What was taken where a file could be read in more than one way; else null.</summary>
    public string? Said { get; }

    /// <summary>Looks at all names of a file.</summary>
    public static WeightNames Of(IEnumerable<string> names)
    {
        string[] all = [.. names];
        HashSet<string> words = [.. all.SelectMany(name => name.Split('.').Take(3))];
        (string Taken, string Left)? pair = Pairs.Cast<(string Taken, string Left)?>()
            .FirstOrDefault(p => words.Contains(p!.Value.Taken) && words.Contains(p.Value.Left));
        var first = new WeightNames(pair?.Left, name => name, null);
        string[] bare = [.. all.Select(first.Bare).OfType<string>()];
        string? said = pair is { } two ? $"of '{two.Taken}' and '{two.Left}', '{two.Taken}' is taken" : null;
        Func<string, string> layers = bare.Any(name => name.StartsWith("embedder.", StringComparison.Ordinal))
            ? HuggingFaceNames.ToTorchvision
            : bare.Any(name => Indexed().IsMatch(name)) ? Sequential(bare)
            : name => name;
        return new(pair?.Left, layers, said);
    }

    /// <summary>torchvision's name; null for what is no part of the backbone.</summary>
    public string? Rename(string name) => Bare(name) is { } bare ? _layers(bare) : null;

    private string? Bare(string name)
    {
        if (_left is not null && name.Split('.').Take(3).Contains(_left))
            return null;
        bool changed = true;
        while (changed)
        {
            changed = false;
            // "encoder.stages" is Hugging Face's own, "0.weight" the first layer of a sequence.
            foreach (string prefix in Prefixes)
                if (name.StartsWith(prefix, StringComparison.Ordinal) && !IsLayer(name, prefix))
                {
                    name = name[prefix.Length..];
                    changed = true;
                    break;
                }
        }
        string word = name.Split('.')[0];
        return Heads.Contains(word) || Neck().IsMatch(name) ? null : name;
    }

    private static bool IsLayer(string name, string prefix) => prefix switch
    {
        "encoder." => name.StartsWith("encoder.stages.", StringComparison.Ordinal),
        "0." => !Wrapped().IsMatch(name),
        _ => false,
    };

    /// <summary>
    /// nn.Sequential of a ResNet's children: 0 the convolution, 1 its norm, then the four stages at 4 to 7 (torchvision's children, with
    /// relu and pooling before them) or at 2 to 5 (lightly's own, without).
    /// </summary>
    private static Func<string, string> Sequential(string[] bare)
    {
        int first = bare.Any(name => name.StartsWith("7.", StringComparison.Ordinal) || name.StartsWith("6.", StringComparison.Ordinal)) ? 4
            : 2;
        return name =>
        {
            int dot = name.IndexOf('.');
            if (dot < 0 || !int.TryParse(name[..dot], out int index))
                return name;
            string rest = name[dot..].Replace(".shortcut.", ".downsample.", StringComparison.Ordinal);
            return index == 0 ? "conv1" + rest : index == 1 ? "bn1" + rest : index >= first && index < first + 4
                ? $"layer{index - first + 1}{rest}" : name;
        };
    }

    [GeneratedRegex(@"^[0-9]\.")]
    private static partial Regex Indexed();

    /// <summary>A backbone that is the first of two in a sequence: mmselfsup's and MMCV's encoder_q.0.</summary>
    [GeneratedRegex(@"^0\.(conv1|bn1|layer[1-4])\.")]
    private static partial Regex Wrapped();

    /// <summary>The second of that sequence.</summary>
    [GeneratedRegex(@"^1\.(mlp|fc|fc0|bn0|fc_list|neck)\b")]
    private static partial Regex Neck();
}
