using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SSLP.Engine.Training;

/// <summary>Options of a run from run.yaml and --set, in that order: the later one wins. A method brings its own paper's defaults.</summary>
public static class RunConfig
{
    /// <param name="yaml">Path of a flat run.yaml ("key: value" lines), or null.</param>
    /// <param name="sets">"key=value" each.</param>
    /// <exception cref="UserException">No such file, no such key (the nearest one is named), a bad value, no flat mapping.</exception>
    public static TrainingOptions Read(string? yaml, IEnumerable<string> sets)
    {
        List<Setting> settings = [.. yaml is null ? [] : ReadYaml(yaml), .. sets.Select(ParseSet)];
        var options = new TrainingOptions();
        foreach (Setting method in settings.Where(s => s.Key == "method"))
            options = TrainingOptions.DefaultsOf(method.Apply(options).Method);
        return settings.Aggregate(options, (o, s) => s.Apply(o));
    }

    private static Setting ParseSet(string set)
    {
        int equals = set.IndexOf('=');
        return equals > 0
            ? new Setting(set[..equals].Trim(), set[(equals + 1)..], "--set")
            : throw new UserException($"--set {set}: it takes key=value, as in --set epochs=20.", UserException.Usage);
    }

    private static IEnumerable<Setting> ReadYaml(string path)
    {
        if (!File.Exists(path))
            throw new UserException($"There is no configuration '{path}'; --config names a file of 'key: value' lines.", UserException.Usage);
        var stream = new YamlStream();
        try
        {
            using StreamReader reader = File.OpenText(path);
            stream.Load(reader);
        }
        catch (YamlException fault)
        {
            throw new UserException($"'{path}' line {fault.Start.Line} is no YAML: {fault.Message}", UserException.Usage, fault);
        }
        if (stream.Documents.Count == 0)
            return [];
        if (stream.Documents[0].RootNode is not YamlMappingNode mapping)
            throw new UserException($"'{path}' is no list of 'key: value' lines.", UserException.Usage);
        return mapping.Children.Select(pair => pair.Value is YamlScalarNode scalar
            ? new Setting(pair.Key.ToString(), scalar.Value ?? string.Empty, $"'{path}' line {pair.Key.Start.Line}")
            : throw new UserException($"'{path}' line {pair.Value.Start.Line}: {pair.Key} has a list or a mapping; every option takes one value.", UserException.Usage));
    }

    private sealed record Setting(string Key, string Value, string Where)
    {
        public TrainingOptions Apply(TrainingOptions options) => OptionTable.Set(options, Key, Value, Where);
    }
}
