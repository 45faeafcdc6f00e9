using SSLP.Data.Files;
using SSLP.Engine.Options;
using YamlDotNet.RepresentationModel;

namespace SSLP.Evaluation.Sweeps;

/// <summary>Features that are judged without training.</summary>
public enum SweepBaseline
{
    /// <summary>None: the row is trained.</summary>
    None,

    /// <summary>The network with the weights that a run of the seed begins with, and the batch statistics of no data (mean 0, variance
    /// 1).</summary>
    Untrained,

    /// <summary>The same with the batch statistics of the patches to learn from, which every trained network has.</summary>
    UntrainedCalibrated,

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
    public bool HasSeed => Baseline is SweepBaseline.None or SweepBaseline.Untrained or SweepBaseline.UntrainedCalibrated;

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
    /// <exception cref="Fault">No such file, no YAML, no rows, a bad key or value; says which and where.</exception>
    public static SweepPlan Read(string? path, IEnumerable<string> sets)
    {
        if (path is not null && !File.Exists(path))
            throw new Fault(FaultKind.Usage, $"There is no configuration '{path}'; sslp sweep --print-config gives one to start from.");
        string where = path is null ? "the built-in sweep" : $"'{path}'";
        YamlMappingNode? root = path is null ? YamlFile.Parse(BuiltIn, where) : YamlFile.Read(path);
        foreach (YamlNode key in root?.Children.Keys ?? [])
            if (key.ToString() is not ("common" or "rows"))
                throw new Fault(FaultKind.Usage, $"{where} line {key.Start.Line}: '{key}' is neither 'common' nor 'rows'.");
        if (Part(root, "rows", where) is not { Children.Count: > 0 } rows)
            throw new Fault(FaultKind.Usage, $"{where} has no 'rows'; sslp sweep --print-config shows what they look like.");
        List<RunSetting> common = Part(root, "common", where) is { } shared ? [.. RunConfig.Flat(shared, where)] : [];
        common.AddRange(sets.Select(RunConfig.ParseSet));
        if (common.Find(s => s.Key == "seed") is { } seed)
            throw new Fault(FaultKind.Usage, $"{seed.Where}: the seeds of a sweep are those of --seeds.");
        return new([.. rows.Children.Select(row => Entry(row.Key, row.Value, common, where))],
            [.. common.Select(s => $"{s.Key}={s.Value}")]);
    }

    private static SweepEntry Entry(YamlNode name, YamlNode value, List<RunSetting> common, string where)
    {
        if (value is not YamlMappingNode mapping)
            throw new Fault(FaultKind.Usage,
                $"{where} line {name.Start.Line}: row '{name}' takes a mapping, as in {{ method: sslp, radius: 2 }}.");
        if (name.ToString().IndexOfAny(Path.GetInvalidFileNameChars()) >= 0)
            throw new Fault(FaultKind.Usage, $"{where} line {name.Start.Line}: row '{name}' cannot be the name of a folder.");
        List<RunSetting> own = [.. RunConfig.Flat(mapping, where)];
        foreach (RunSetting wrong in own.Where(s => s.Key is "seed" or "patch" or "mpp"))
            throw new Fault(FaultKind.Usage, $"{wrong.Where}: {wrong.Key} cannot differ between rows.");
        SweepBaseline baseline = own.Find(s => s.Key == "baseline") is { } named ? Baseline(named) : SweepBaseline.None;
        var entry = new SweepEntry(name.ToString(), baseline, [.. common, .. own.Where(s => s.Key != "baseline")]);
        entry.OptionsFor(0); // a bad value is told before the first run, not hours later
        return entry;
    }

    private static SweepBaseline Baseline(RunSetting setting) => setting.Value switch
    {
        "untrained" => SweepBaseline.Untrained,
        "untrained_calibrated" => SweepBaseline.UntrainedCalibrated,
        "colour" => SweepBaseline.Colour,
        "texture" => SweepBaseline.Texture,
        _ => throw new Fault(FaultKind.Usage,
            $"{setting.Where}: '{setting.Value}' is no baseline; there are untrained, untrained_calibrated, colour and texture."),
    };

    private static YamlMappingNode? Part(YamlMappingNode? root, string key, string where)
    {
        if (root is null || !root.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node)
            || node is YamlScalarNode { Value: null or "" })
            return null;
        return node as YamlMappingNode ?? throw new Fault(FaultKind.Usage, $"{where} line {node.Start.Line}: '{key}' takes a mapping.");
    }
}
