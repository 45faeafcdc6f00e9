using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Interop.Slides;

namespace SSLP.Cli.Verbs;

/// <summary>Who decodes JPEG tiles, by flag or variable, and the runtime that a verb's slides share.</summary>
internal static class SlideHost
{
    /// <summary>The default of --jpeg and of the key jpeg; read here and nowhere below.</summary>
    private const string Variable = "SSLP_JPEG";

    /// <summary>--jpeg.</summary>
    public static Option<string?> Jpeg() => new("--jpeg")
    {
        Description = $"who decodes JPEG tiles: {Names}; the same pixels from each (default: {Variable}, else auto)",
        HelpName = Names,
    };

    private static string Names => string.Join('|', Enum.GetNames<JpegChoice>().Select(name => name.ToLowerInvariant()));

    /// <summary>The variable and the flag as settings of a run, those that are given; the later one wins.</summary>
    public static (IReadOnlyList<RunSetting> BeforeAll, IReadOnlyList<RunSetting> AfterAll) Settings(string? flag) => (
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? [new RunSetting("jpeg", variable, Variable)] : [],
        flag is null ? [] : [new RunSetting("jpeg", flag, "--jpeg")]);

    /// <summary>A runtime as flag and variable say, the caller's to dispose.</summary>
    /// <exception cref="UserException">No such decoder, or not on this machine.</exception>
    public static SlideRuntime Open(string? flag)
    {
        var (before, after) = Settings(flag);
        return Open(RunConfig.Of([.. before, .. after]).Jpeg);
    }

    /// <summary>A runtime with a decoder, the caller's to dispose.</summary>
    /// <exception cref="UserException">It is not on this machine.</exception>
    public static SlideRuntime Open(JpegChoice choice)
    {
        try
        {
            return new SlideRuntime(new() { Jpeg = choice });
        }
        catch (ArgumentException missing)
        {
            throw new UserException(missing.Message, UserException.Usage);
        }
    }
}
