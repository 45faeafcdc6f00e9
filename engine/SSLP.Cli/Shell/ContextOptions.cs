using System.CommandLine;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Stages;
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
        ("threads", "SSLP_THREADS"), ("kernels", "SSLP_KERNELS"), ("scores", "SSLP_CUDA_SCORES"), ("jpeg", "SSLP_JPEG"),
        ("libtorch", "SSLP_LIBTORCH"),
    ];

    // NVTX's own, of the tools rather than of users.
    private const string NvtxTool = "NVTX_INJECTION64_PATH";

    // Of the machine rather than of a run: variables without a key.
    private const string Isa = "SSLP_ISA", CudaLibrary = "SSLP_CUDA_DRIVER", Mpi = "SSLP_MPI",
        Nccl = "SSLP_NCCL";

    private static readonly KeyFlag[] Flags =
        [.. Variables.Select(v => new KeyFlag(v.Key, v.Key == "threads" ? "N" : v.Key == "libtorch" ? "DIR" : "NAME", $" ({v.Variable})"))];

    /// <summary>The CUDA driver of whoever hosts the command line; null: the system's.</summary>
    public static CudaDriver? Driver { get; set; }

    /// <summary>Every variable that is read.</summary>
    public static IReadOnlyList<string> VariableNames { get; } = [.. Variables.Select(v => v.Variable), Isa, CudaLibrary, Mpi, Nccl];

    public static void AddTo(RootCommand root)
    {
        foreach (KeyFlag flag in Flags)
        {
            flag.Flag.Recursive = true;
            root.Add(flag.Flag);
        }
    }

    /// <summary>What the environment says, as settings that anything else overrides.</summary>
    public static IEnumerable<RunSetting> Defaults() =>
        from v in Variables
        let value = Environment.GetEnvironmentVariable(v.Variable)
        where !string.IsNullOrEmpty(value)
        select new RunSetting(v.Key, value, v.Variable);

    /// <summary>What the command line's flags say, as settings that override all others.</summary>
    public static IEnumerable<RunSetting> Given(ParseResult parsed) =>
        Flags.Select(flag => flag.Given(parsed)).OfType<RunSetting>();

    /// <summary>CPU threads of a verb that opens no context; one a processor where nothing was said.</summary>
    /// <exception cref="Fault">A value that an option does not take.</exception>
    public static int Threads(ParseResult parsed) =>
        RunConfig.Of([.. Defaults(), .. Given(parsed)]).Threads is > 0 and int threads ? threads : Environment.ProcessorCount;

    /// <summary>Opens the context of a verb that trains nothing.</summary>
    /// <exception cref="Fault">A value that an option does not take, or libtorch does not load.</exception>
    public static EngineContext Open(ParseResult parsed) => Open(RunConfig.Of([.. Defaults(), .. Given(parsed)]));

    /// <summary>What the slides of a verb share that computes nothing.</summary>
    /// <exception cref="Fault">A decoder that there is not, or not on this machine.</exception>
    public static SlideRuntime OpenSlides(ParseResult parsed) =>
        EngineContext.OpenSlides(RunConfig.Of([.. Defaults(), .. Given(parsed)]).Jpeg);

    /// <summary>The processes that mpirun or srun started this one with; null where it was started alone.</summary>
    /// <exception cref="Fault">No MPI library loads, or one that a variable names does not.</exception>
    public static ProcessGroup? JoinOthers()
    {
        string? named = Environment.GetEnvironmentVariable(Mpi), nccl = Environment.GetEnvironmentVariable(Nccl);
        bool openMpi = IsSet("OMPI_COMM_WORLD_SIZE") || IsSet("PMIX_RANK");
        if (!openMpi && !IsSet("PMI_SIZE") && !IsSet("PMI_RANK"))
            return null;
        // Before others wait for this process.
        if (!string.IsNullOrEmpty(nccl) && nccl != NcclLibrary.None)
            Named(Nccl, () => NcclLibrary.Load(nccl));
        ProcessGroup group = Named(Mpi, () => ProcessGroup.Join(string.IsNullOrEmpty(named) ? null : named, openMpi));
        group.NcclPath = string.IsNullOrEmpty(nccl) ? null : nccl;
        if (group.Size > 1)
            return group;
        group.Dispose();
        return null;

        static bool IsSet(string name) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name));

        static T Named<T>(string variable, Func<T> load)
        {
            try
            {
                return load();
            }
            catch (Fault fault) when (fault.Kind == FaultKind.Usage)
            {
                throw new Fault(FaultKind.Usage, $"{variable}: {fault.Message}", fault);
            }
        }
    }

    /// <summary>Opens the context that a run works in.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="recorder">Records the stages of what the context does; null: nobody does.</param>
    /// <exception cref="Fault">A variable that means nothing, or libtorch does not load.</exception>
    public static EngineContext Open(TrainingOptions options, StageRecorder? recorder = null)
    {
        InstructionSet? isa = Variable(Isa, InstructionSets.Parse);
        Variable(CudaLibrary, driver =>
        {
            CudaDriver.LoadFrom(driver);
            return 0;
        });
        return new EngineContext(options.Engine with
        {
            Isa = isa,
            WaitSpins = IsWaitingChosen ? null : WaitSpins,
            Nvtx = AttachTool(),
            Recorder = recorder,
            Driver = Driver,
        });
    }

    /// <summary>The tool that nsys or ncu started this process under, which says so by NVTX's own variable. One that does not start is no
    /// reason not to train.</summary>
    private static Nvtx? AttachTool()
    {
        if (Environment.GetEnvironmentVariable(NvtxTool) is not { Length: > 0 } library)
            return null;
        if (!Nvtx.TryAttach(library, out Nvtx? nvtx, out string? reason))
            Shell.Warn($"{NvtxTool}: {reason}; it is shown no ranges.");
        return nvtx;
    }

    /// <summary>
    /// Looks of a waiting OpenMP thread, about half a millisecond's: longer than the gaps between a network's operations, far shorter than
    /// the slice for which another program may hold the core of the thread that is waited for.
    /// </summary>
    private const int WaitSpins = 10_000;

    /// <summary>The user has said how OpenMP's threads wait.</summary>
    private static bool IsWaitingChosen =>
        Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null
        || Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is not null;

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
