using System.CommandLine;
using SSLP.Engine.Options;

namespace SSLP.Cli;

/// <summary>A flag of the command line that is a key of a run: help, limits and fault are the key's.</summary>
internal sealed class KeyFlag
{
    private readonly string _key;

    /// <param name="key">The key; the flag's name has dashes where the key has underscores.</param>
    /// <param name="helpName">What stands for its value in --help.</param>
    /// <param name="more">Added to the key's meaning.</param>
    public KeyFlag(string key, string helpName, string more = "")
    {
        _key = key;
        SSLP.Engine.Options.Option option = OptionTable.Of(key);
        string unit = option.Unit.Length > 0 ? $", {option.Unit}" : string.Empty;
        Flag = new($"--{key.Replace('_', '-')}") { Description = $"{option.Meaning}{unit}{more}", HelpName = helpName };
    }

    public Option<string?> Flag { get; }

    /// <summary>The flag as a setting of the run; null where it was not given.</summary>
    public RunSetting? Given(ParseResult parsed) => parsed.GetValue(Flag) is { } value ? new(_key, value, Flag.Name) : null;

    /// <summary>What the run's options are with the flag, or null where it was not given.</summary>
    /// <exception cref="SSLP.Data.Files.Fault">A value that the key does not take.</exception>
    public TrainingOptions? Read(ParseResult parsed) =>
        Given(parsed) is { } setting ? OptionTable.Set(new(), setting.Key, setting.Value, setting.Where) : null;
}
