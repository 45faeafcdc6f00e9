using SSLP.Data.Files;
using YamlDotNet.RepresentationModel;

namespace SSLP.Engine.Options;

/// <summary>One "key: value" with where it was said, for the fault.</summary>
public sealed record RunSetting(string Key, string Value, string Where);

/// <summary>Options of a run from run.yaml and --set, in that order: the later one wins. A method brings its own paper's
/// defaults.</summary>
public static class RunConfig
{
    /// <param name="defaults">What the host's surroundings say; everything else overrides it.</param>
    /// <param name="yaml">Path of a flat run.yaml ("key: value" lines), or null.</param>
    /// <param name="sets">"key=value" each.</param>
    /// <param name="flags">What flags of the command line say, over all others.</param>
    /// <exception cref="Fault">No such file, no such key (the nearest one is named), a bad value, no flat mapping.</exception>
    public static TrainingOptions Read(IEnumerable<RunSetting> defaults, string? yaml, IEnumerable<string> sets,
        IEnumerable<RunSetting> flags) =>
        Of([.. defaults, .. yaml is null ? [] : ReadYaml(yaml), .. sets.Select(ParseSet), .. flags]);

    /// <summary>Whether a key is set at all, to its default or another value.</summary>
    public static bool IsSet(string key, string? yaml, IEnumerable<string> sets) =>
        (yaml is null ? [] : ReadYaml(yaml)).Concat(sets.Select(ParseSet)).Any(setting => setting.Key == key);

    /// <summary>Defaults of the method that they name, then every setting in order.</summary>
    /// <exception cref="Fault">No such key (the nearest one is named), or a bad value.</exception>
    public static TrainingOptions Of(IReadOnlyList<RunSetting> settings)
    {
        var options = new TrainingOptions();
        foreach (RunSetting method in settings.Where(s => s.Key == "method"))
            options = TrainingOptions.DefaultsOf(Apply(options, method).Method);
        return settings.Aggregate(options, Apply);
    }

    /// <summary>"key=value" as a setting.</summary>
    /// <exception cref="Fault">No equals sign.</exception>
    public static RunSetting ParseSet(string set)
    {
        int equals = set.IndexOf('=');
        return equals > 0
            ? new RunSetting(set[..equals].Trim(), set[(equals + 1)..], "--set")
            : throw new Fault(FaultKind.Usage, $"--set {set}: it takes key=value, as in --set epochs=20.");
    }

    private static IEnumerable<RunSetting> ReadYaml(string path)
    {
        if (!File.Exists(path))
            throw new Fault(FaultKind.Usage, $"There is no configuration '{path}'; --config names a file of 'key: value' lines.");
        return YamlFile.Read(path) is { } mapping ? Flat(mapping, $"'{path}'") : [];
    }

    /// <summary>A mapping of keys to single values as settings, in its order.</summary>
    /// <exception cref="Fault">A value is a list or a mapping.</exception>
    internal static IEnumerable<RunSetting> Flat(YamlMappingNode mapping, string where) =>
        mapping.Children.Select(pair => pair.Value is YamlScalarNode scalar
        ? new RunSetting(pair.Key.ToString(), scalar.Value ?? string.Empty, $"{where} line {pair.Key.Start.Line}")
        : throw new Fault(FaultKind.Usage,
            $"{where} line {pair.Value.Start.Line}: {pair.Key} has a list or a mapping; every option takes one value."));

    private static TrainingOptions Apply(TrainingOptions options, RunSetting setting) =>
        OptionTable.Set(options, setting.Key, setting.Value, setting.Where);
}
