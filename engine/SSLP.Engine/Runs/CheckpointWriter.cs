using System.Diagnostics;
using System.Runtime.ExceptionServices;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Stages;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Runs;

/// <summary>
/// Writes a run's checkpoints beside training, one at a time: whole, or as changes over the last whole one, which costs a large bank its
/// changed rows only.
/// </summary>
/// <param name="checkpoints">Where they go.</param>
/// <param name="stages">Is told when one is written; null: nobody listens.</param>
internal sealed class CheckpointWriter(Checkpoint checkpoints, StageWatch? stages = null)
{
    // Below this, changes save little and a whole file can be taken elsewhere alone.
    private const long LeastBankBytes = 64L << 20;

    private Task? _running;
    private (int Step, string Checksum)? _whole;
    private long _lastWritten = Stopwatch.GetTimestamp();

    /// <summary>Since the last one was begun, or since the start.</summary>
    public TimeSpan SinceLast => Stopwatch.GetElapsedTime(_lastWritten);

    /// <summary>Whether the next one may be changes over the last whole one.</summary>
    /// <param name="kind">As asked for.</param>
    /// <param name="bankBytes">What a whole one takes for the bank.</param>
    public bool MayBeChanges(CheckpointBank kind, long bankBytes) =>
        _whole is not null && kind != CheckpointBank.Whole && (kind == CheckpointBank.Changes || bankBytes >= LeastBankBytes);

    /// <summary>What the run goes on from.</summary>
    /// <param name="path">The checkpoint that was read.</param>
    /// <param name="file">The same, open.</param>
    public void Resumed(string path, SafetensorsFile file) =>
        _whole = (file.Base ?? file).Metadata.TryGetValue(SafetensorsFile.ChecksumKey, out string? checksum)
        && Checkpoint.StepOf(Checkpoint.BaseOf(path) ?? path) is { } step
            ? (step, checksum)
            : null;

    /// <summary>Begins to write a whole one; what <paramref name="items"/> emit must not change meanwhile.</summary>
    /// <exception cref="Fault">The one before could not be written.</exception>
    public void BeginWhole(CheckpointState state, IReadOnlyList<SafetensorsItem> items)
    {
        Wait();
        _whole = null;
        Begin(() => _whole = (state.Step, checkpoints.Save(state, items)));
    }

    /// <summary>Begins to write changes over the last whole one.</summary>
    /// <inheritdoc cref="BeginWhole"/>
    public void BeginChanges(CheckpointState state, IReadOnlyList<SafetensorsItem> items)
    {
        Wait();
        (int step, string checksum) = _whole!.Value;
        Begin(() => checkpoints.Save(state with { BaseSha256 = checksum }, items, step));
    }

    /// <summary>Throws what the one that was last begun ended in, if it did already.</summary>
    public void Check()
    {
        if (_running is { IsCompleted: true })
            Wait();
    }

    /// <summary>Waits for the one that is being written.</summary>
    /// <exception cref="Fault">It could not be written.</exception>
    public void Wait()
    {
        Task? running = _running;
        _running = null;
        try
        {
            running?.Wait();
        }
        catch (AggregateException fault)
        {
            ExceptionDispatchInfo.Throw(fault.InnerException!);
        }
    }

    private void Begin(Action write)
    {
        _lastWritten = Stopwatch.GetTimestamp();
        _running = Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        void Write()
        {
            using StageRange writing = stages.Range(Stage.CheckpointFile);
            write();
        }
    }
}
