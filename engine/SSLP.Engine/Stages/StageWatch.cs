using SSLP.Interop.Cuda;
using SSLP.Interop.Slides;

namespace SSLP.Engine.Stages;

/// <summary>Tells the stages of a run to whoever listens: a recorder of this process, a tool through NVTX, or both.</summary>
internal sealed class StageWatch : IReadWatch
{
    /// <summary>The domain of the ranges in a tool.</summary>
    public const string Domain = "SSLP";

    private readonly StageRecorder? _recorder;
    private readonly NvtxDomain? _domain;
    private readonly NvtxName[] _names = [];

    private StageWatch(StageRecorder? recorder, Nvtx? nvtx)
    {
        _recorder = recorder;
        if (nvtx is null)
            return;
        _domain = nvtx.CreateDomain(Domain);
        _names = [.. Enum.GetValues<Stage>().Select(stage => _domain.Register(stage.Name()))];
    }

    /// <summary>For those who listen; null where nobody does.</summary>
    public static StageWatch? Of(StageRecorder? recorder, Nvtx? nvtx) =>
        recorder is null && nvtx is null ? null : new StageWatch(recorder, nvtx);

    /// <summary>A stage begins on this thread.</summary>
    /// <param name="stage">Which.</param>
    /// <param name="bytes">What it moves.</param>
    /// <returns>What <see cref="End(Stage, long, long)"/> is to be given.</returns>
    public long Begin(Stage stage, long bytes)
    {
        _domain?.Push(_names[(int)stage], bytes, stage.Colour());
        return _recorder?.Begin() ?? 0;
    }

    /// <summary>The stage that began last on this thread is over.</summary>
    public void End(Stage stage, long begun, long bytes)
    {
        _recorder?.End(stage, begun, bytes);
        _domain?.Pop();
    }

    long IReadWatch.Begin(ReadStage stage, long bytes) => Begin(Of(stage), bytes);

    void IReadWatch.End(ReadStage stage, long begun, long bytes) => End(Of(stage), begun, bytes);

    private static Stage Of(ReadStage stage) => stage == ReadStage.Read ? Stage.Read : Stage.Decode;
}

/// <summary>A stage from here to its disposal. With nobody listening it is one comparison at either end, and nothing is
/// allocated.</summary>
internal readonly ref struct StageRange : IDisposable
{
    private readonly StageWatch? _watch;
    private readonly Stage _stage;
    private readonly long _begun, _bytes;

    public StageRange(StageWatch? watch, Stage stage, long bytes)
    {
        _watch = watch;
        if (watch is null)
            return;
        (_stage, _bytes) = (stage, bytes);
        _begun = watch.Begin(stage, bytes);
    }

    public void Dispose() => _watch?.End(_stage, _begun, _bytes);
}

/// <summary>Ranges where there may be nobody who listens.</summary>
internal static class StageRanges
{
    /// <summary>The stage from here to the range's disposal.</summary>
    /// <param name="watch">Who is told; null: nobody.</param>
    /// <param name="stage">Which stage.</param>
    /// <param name="bytes">What it moves.</param>
    public static StageRange Range(this StageWatch? watch, Stage stage, long bytes = 0) => new(watch, stage, bytes);
}
