using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Torch;
using SSLP.Interop.Cuda;
using SSLP.Interop.Slides;
using SSLP.Kernels;

namespace SSLP.Cli;

/// <summary>
/// What every verb takes for the process as a whole: --threads, --kernels, --scores, --jpeg, --libtorch, the same names as the keys of a
/// run. An environment variable is the default of its option, and is read here and nowhere below.
/// </summary>
internal static class ContextOptions
{
    // Key of the option → its variable.
    private static readonly (string Key, string Variable)[] Variables =
    [
        ("threads", "SSLP_THREADS"), ("kernels", "SSLP_KERNELS"), ("scores", "SSLP_CUDA_SCORES"), ("jpeg", "SSLP_JPEG"), ("libtorch", "SSLP_LIBTORCH"),
    ];

    private static readonly Option<string?>[] Flags = [.. Variables.Select(v => new Option<string?>($"--{v.Key}")
    {
        Description = $"{OptionTable.All.Single(o => o.Key == v.Key).Meaning} ({v.Variable})",
        HelpName = v.Key == "threads" ? "N" : v.Key == "libtorch" ? "DIR" : "NAME",
        Recursive = true,
    })];

    public static void AddTo(RootCommand root)
    {
        foreach (Option<string?> flag in Flags)
            root.Add(flag);
    }

    /// <summary>What the environment says, as settings that anything else overrides.</summary>
    public static IEnumerable<RunSetting> Defaults() =>
        from v in Variables
        let value = Environment.GetEnvironmentVariable(v.Variable)
        where !string.IsNullOrEmpty(value)
        select new RunSetting(v.Key, value, v.Variable);

    /// <summary>What the command line's flags say, as settings that override all others.</summary>
    public static IEnumerable<RunSetting> Given(ParseResult parsed) =>
        from pair in Variables.Zip(Flags)
        let value = parsed.GetValue(pair.Second)
        where value is not null
        select new RunSetting(pair.First.Key, value, $"--{pair.First.Key}");

    /// <summary>Opens the context of a verb that trains nothing.</summary>
    /// <exception cref="Fault">A value that an option does not take, or libtorch does not load.</exception>
    public static EngineContext Open(ParseResult parsed) => Open(RunConfig.Of([.. Defaults(), .. Given(parsed)]));

    /// <summary>What the slides of a verb share that computes nothing.</summary>
    /// <exception cref="Fault">A decoder that there is not, or not on this machine.</exception>
    public static SlideRuntime OpenSlides(ParseResult parsed) => EngineContext.OpenSlides(RunConfig.Of([.. Defaults(), .. Given(parsed)]).Jpeg);

    /// <summary>Opens the context that a run works in.</summary>
    /// <exception cref="Fault">A variable that means nothing, or libtorch does not load.</exception>
    public static EngineContext Open(TrainingOptions options)
    {
        InstructionSet? isa = Variable("SSLP_ISA", InstructionSets.Parse);
        Variable("SSLP_CUDA_DRIVER", driver =>
        {
            CudaDriver.LoadFrom(driver);
            return 0;
        });
        return new EngineContext(options.Engine with { Isa = isa });
    }

    private static T? Variable<T>(string name, Func<string, T> read)
        where T : struct
    {
        try
        {
            return Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? read(value) : null;
        }
        catch (Exception wrong) when (wrong is ArgumentException or InvalidOperationException)
        {
            throw new Fault(FaultKind.Usage, $"{name}: {wrong.Message}", wrong);
        }
    }
}
