using System.Globalization;
using System.Reflection;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>One option of a run, made from its property: its key, what it means, and how it is read and written.</summary>
public sealed class Option
{
    private readonly OptionAttribute _said;
    private readonly Func<TrainingOptions, object?> _get;
    private readonly Func<TrainingOptions, object?, TrainingOptions> _set;
    private readonly OptionText _text;

    /// <param name="property">Carries <see cref="OptionAttribute"/>.</param>
    /// <param name="get">Its value.</param>
    /// <param name="set">A copy of the options with this value.</param>
    internal Option(PropertyInfo property, Func<TrainingOptions, object?> get, Func<TrainingOptions, object?, TrainingOptions> set)
    {
        _said = property.GetCustomAttribute<OptionAttribute>()!;
        (_get, _set) = (get, set);
        Key = _said.Key ?? SnakeCase(property.Name);
        _text = OptionText.Of(property, _said);
        Default = Get(new TrainingOptions());
    }

    /// <summary>snake_case, as in run.yaml and --set.</summary>
    public string Key { get; }

    /// <summary>What it means, without default and limits.</summary>
    public string Meaning => _said.Meaning;

    /// <summary>Unit of a number, or empty.</summary>
    public string Unit => _said.Unit;

    /// <summary>Where the default is from.</summary>
    public OptionSource Source => _said.Source;

    /// <summary>The default with the mark of its source, as <see cref="OptionTable.Legend"/> explains it.</summary>
    public string MarkedDefault => Source == OptionSource.Ours ? Default : $"{Default} {OptionTable.MarkOf(Source)}";

    /// <summary>True where a resumed run may differ: it does not change what is learned.</summary>
    public bool FreeOnResume => _said.FreeOnResume;

    /// <summary>Least and most of a number, both taken; null where the value is none.</summary>
    public (double Least, double Most)? Limits => _text.IsNumber ? (_said.Least, _said.Most) : null;

    /// <summary>Its default as text.</summary>
    public string Default { get; }

    /// <summary>What values it takes, as words: "a whole number from 1 to 5", "fp32 | bf16".</summary>
    public string Takes => _text.Takes;

    /// <summary>The value as text.</summary>
    public string Get(TrainingOptions options) => _text.Write(_get(options));

    /// <summary>A copy of the options with this one set from text.</summary>
    /// <exception cref="FormatException">The message is <see cref="Takes"/>.</exception>
    public TrainingOptions Set(TrainingOptions options, string value) => _set(options, _text.Read(value));

    private static string SnakeCase(string name) =>
        string.Concat(name.Select(
            (c, i) => char.IsUpper(c) ? $"{(i > 0 ? "_" : string.Empty)}{char.ToLower(c, CultureInfo.InvariantCulture)}" : $"{c}"));
}
