using SSLP.Data.Files;
using SSLP.Engine.Options;
using YamlDotNet.RepresentationModel;

namespace SSLP.Evaluation.Sweeps;

/// <summary>Features that are judged without training.</summary>
public enum SweepBaseline
{
    /// <summary>None: the row is trained.</summary>
    None,

    /// <summary>The network with the weights that a run of the seed begins with.</summary>
    Untrained,

    /// <summary>Mean colour.</summary>
    Colour,

    /// <summary>Colour and texture statistics.</summary>
    Texture,
}

/// <summary>One row of a sweep's table.</summary>
/// <param name="Name">Of the row and of its runs' folders.</param>
/// <param name="Baseline">What is judged, where nothing is trained.</param>
/// <param name="Settings">Every setting, the later ones over the earlier ones.</param>
public sealed record SweepEntry(string Name, SweepBaseline Baseline, IReadOnlyList<RunSetting> Settings)
{
    /// <summary>False where every seed gives the same features.</summary>
    public bool HasSeed => Baseline is SweepBaseline.None or SweepBaseline.Untrained;

    /// <summary>The options of this row's run with a seed.</summary>
    public TrainingOptions OptionsFor(int seed) => RunConfig.Of(Settings) with { Seed = seed };
}

/// <summary>What a sweep runs, in the order of its table.</summary>
/// <param name="Entries">The rows.</param>
/// <param name="Common">What was set for all of them, as "key=value".</param>
public sealed record SweepPlan(IReadOnlyList<SweepEntry> Entries, IReadOnlyList<string> Common)
{
    /// <summary>The built-in sweep: all methods and the ablation, as YAML with comments.</summary>
    public static string BuiltIn
    {
        get
        {
            using var reader = new StreamReader(typeof(SweepPlan).Assembly.GetManifestResourceStream("sweep.yaml")!);
            return reader.ReadToEnd();
        }
    }

    /// <param name="path">A file of the form of <see cref="BuiltIn"/>, or null for that one.</param>
    /// <param name="sets">"key=value" each: over the file's common options, under a row's own.</param>
    /// <exception cref="UserException">No such file, no YAML, no rows, a bad key or value; says which and where.</exception>
    public static SweepPlan Read(string? path, IEnumerable<string> sets)
    {
        if (path is not null && !File.Exists(path))
            throw new UserException($"There is no configuration '{path}'; sslp sweep --print-config gives one to start from.", UserException.Usage);
        string where = path is null ? "the built-in sweep" : $"'{path}'";
        using TextReader text = path is null ? new StringReader(BuiltIn) : File.OpenText(path);
        YamlMappingNode? root = RunConfig.Mapping(text, where);
        foreach (YamlNode key in root?.Children.Keys ?? [])
            if (key.ToString() is not ("common" or "rows"))
                throw new UserException($"{where} line {key.Start.Line}: '{key}' is neither 'common' nor 'rows'.", UserException.Usage);
        if (Part(root, "rows", where) is not { Children.Count: > 0 } rows)
            throw new UserException($"{where} has no 'rows'; sslp sweep --print-config shows what they look like.", UserException.Usage);
        List<RunSetting> common = Part(root, "common", where) is { } shared ? [.. RunConfig.Flat(shared, where)] : [];
        common.AddRange(sets.Select(RunConfig.ParseSet));
        if (common.Find(s => s.Key == "seed") is { } seed)
            throw new UserException($"{seed.Where}: the seeds of a sweep are those of --seeds.", UserException.Usage);
        return new([.. rows.Children.Select(row => Entry(row.Key, row.Value, common, where))], [.. common.Select(s => $"{s.Key}={s.Value}")]);
    }

    private static SweepEntry Entry(YamlNode name, YamlNode value, List<RunSetting> common, string where)
    {
        if (value is not YamlMappingNode mapping)
            throw new UserException($"{where} line {name.Start.Line}: row '{name}' takes a mapping, as in {{ method: sslp, radius: 2 }}.", UserException.Usage);
        if (name.ToString().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0)
            throw new UserException($"{where} line {name.Start.Line}: row '{name}' cannot be the name of a folder.", UserException.Usage);
        List<RunSetting> own = [.. RunConfig.Flat(mapping, where)];
        foreach (RunSetting wrong in own.Where(s => s.Key is "seed" or "patch" or "mpp"))
            throw new UserException($"{wrong.Where}: {wrong.Key} cannot differ between rows.", UserException.Usage);
        SweepBaseline baseline = own.Find(s => s.Key == "baseline") is { } named ? Baseline(named) : SweepBaseline.None;
        var entry = new SweepEntry(name.ToString(), baseline, [.. common, .. own.Where(s => s.Key != "baseline")]);
        entry.OptionsFor(0); // a bad value is told before the first run, not hours later
        return entry;
    }

    private static SweepBaseline Baseline(RunSetting setting) => setting.Value switch
    {
        "untrained" => SweepBaseline.Untrained,
        "colour" => SweepBaseline.Colour,
        "texture" => SweepBaseline.Texture,
        _ => throw new UserException($"{setting.Where}: '{setting.Value}' is no baseline; there are untrained, colour and texture.", UserException.Usage),
    };

    private static YamlMappingNode? Part(YamlMappingNode? root, string key, string where)
    {
        if (root is null || !root.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) || node is YamlScalarNode { Value: null or "" })
            return null;
        return node as YamlMappingNode ?? throw new UserException($"{where} line {node.Start.Line}: '{key}' takes a mapping.", UserException.Usage);
    }
}
