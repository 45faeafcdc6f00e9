using System.Globalization;
using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Data.Patches;
using SSLP.Engine.Diverged;
using SSLP.Engine.Methods;
using SSLP.Engine.Optimizer;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Engine.Weights;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Engine.Training;

/// <summary>Runs the step of RUN/diverged again, from the state before it, and looks into it. Nothing is written.</summary>
public sealed class StepReplay : IDisposable
{
    private readonly CheckpointState _state;
    private readonly SafetensorsFile _file;

    /// <param name="folder">RUN/diverged.</param>
    /// <exception cref="Fault">It is none.</exception>
    /// <exception cref="Fault">A file of it is damaged.</exception>
    public StepReplay(string folder)
    {
        (Record, _state, _file) = DivergedStep.Open(folder);
        // The weights come from the state; the file that the run began with may be gone.
        Options = OptionTable.FromText(_state.Options, $"'{folder}'") with { Init = string.Empty };
    }

    /// <summary>What was recorded of the step.</summary>
    internal DivergedStep Record { get; }

    /// <summary>The run's options.</summary>
    public TrainingOptions Options { get; private set; }

    /// <summary>Why kernels=auto took the CPU's in the last <see cref="Run"/>, as a sentence; null where it did not.</summary>
    internal string? KernelsNote { get; private set; }

    /// <summary>Sets options that do not change what is learned: device, threads.</summary>
    /// <exception cref="Fault">An option that does.</exception>
    public void Set(IEnumerable<string> sets)
    {
        TrainingOptions asked = sets.Select(RunConfig.ParseSet)
            .Aggregate(Options, (o, setting) => OptionTable.Set(o, setting.Key, setting.Value, setting.Where));
        if (OptionTable.Differences(Options, asked) is { Count: > 0 } differences)
            throw new Fault(FaultKind.Usage,
                $"--replay runs the step as it was, on another device or with other threads if asked; not with " +
                $"{string.Join("; ", differences)}.");
        Options = asked with { Init = string.Empty };
    }

    /// <param name="source">The patches that the run was trained on; stays the caller's.</param>
    /// <exception cref="Fault">They are others, or one of the batch does not read.</exception>
    public StepTrace Run(IPatchSource source)
    {
        if (InputFingerprint.Of(source) != _state.Inputs)
            throw new Fault(FaultKind.Input,
                $"The step was of other patches than {source.Describe}: name those that the run was trained on, with the same --split.");
        Device device = Devices.Select(Options.Device);
        using var context = new EngineContext(Options.Engine);
        using KernelSet kernels = context.OpenKernels(out string? note, device);
        KernelsNote = note;
        context.Enter();
        using Method method = MethodFactory.Create(Options, source.Table, kernels);
        method.Encoder.LoadFrom(_file);
        method.Load(_file);
        method.To(device);
        method.Encoder.train();
        int[] patches = [.. Record.Patches.Select(patch => patch.Id)];
        using var views = new ViewMaker(Options.Augment with { InputSize = Options.InputSize }, source.PatchSize, patches.Length,
            (ulong)Options.Seed, device, kernels.Pool);
        using BatchMemory pixels = Read(source, patches);
        int before = Record.Step - 1;
        var batch = new TrainingBatch(views.Make(new PatchBatch(Record.Batch, pixels.Pointer, patches), before, method.Views), patches,
            before, Record.Ramp);
        using var optimizer = new FlatSgd(method.Encoder, kernels, Options.LearningRateOrDefault, Options.Momentum, Options.WeightDecay);
        return StepTrace.Of(method, batch, new StepGuard(method, optimizer), Options.Temperature);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>A trace as lines of text: a place, how many of its numbers are not finite, its least and largest finite ones.</summary>
    public static IEnumerable<string> Lines(StepTrace trace)
    {
        int width = trace.Places.Max(place => place.Place.Length);
        yield return $"{"place".PadRight(width)}  {"numbers",12}  {"not finite",12}  {"least",11}  {"largest",11}";
        foreach (TracedPlace p in trace.Places)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"{p.Place.PadRight(width)}  {p.Count,12:N0}  {p.NotFinite,12:N0}  {p.Least,11:G5}  {p.Largest,11:G5}");
    }

    private static unsafe AlignedBatchMemory Read(IPatchSource source, int[] patches)
    {
        int bytes = source.PatchSize * source.PatchSize * 3;
        var memory = new AlignedBatchMemory((long)bytes * patches.Length);
        try
        {
            for (int i = 0; i < patches.Length; i++)
                source.Read(patches[i], new Span<byte>((byte*)memory.Pointer + ((long)i * bytes), bytes));
            return memory;
        }
        catch (PatchReadException fault)
        {
            memory.Dispose();
            throw new Fault(FaultKind.Input, $"The step cannot be run again: {fault.Message}", fault);
        }
    }
}
