using System.Diagnostics;
using System.Runtime.ExceptionServices;
using SSLP.Data.Files;
using SSLP.Engine.Options;
using SSLP.Engine.Stages;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Runs;

/// <summary>A run at one moment, for a checkpoint.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Items">Its tensors.</param>
/// <param name="IsWhole">False where they are changes over the last whole checkpoint.</param>
internal readonly record struct RunSnapshot(CheckpointState State, IReadOnlyList<SafetensorsItem> Items, bool IsWhole);

/// <summary>
/// Writes a run's checkpoints beside training, one at a time: whole, or as changes over the last whole one, which costs a large bank its
/// changed rows only. What is written is a snapshot in memory that the next one takes: it is asked for when the one before is written.
/// </summary>
/// <param name="checkpoints">Where they go.</param>
/// <param name="stages">Is told when one is written; null: nobody listens.</param>
internal sealed class CheckpointWriter(Checkpoint checkpoints, StageWatch? stages = null) : IDisposable
{
    // Below this, changes save little and a whole file can be taken elsewhere alone.
    private const long LeastBankBytes = 64L << 20;

    private Task? _running;
    private (int Step, string Checksum)? _whole;
    private long _lastWritten = Stopwatch.GetTimestamp();

    /// <summary>Since the last one was begun, or since the start.</summary>
    public TimeSpan SinceLast => Stopwatch.GetElapsedTime(_lastWritten);

    /// <summary>What the run goes on from.</summary>
    /// <param name="path">The checkpoint that was read.</param>
    /// <param name="file">The same, open.</param>
    public void Resumed(string path, SafetensorsFile file) =>
        _whole = (file.Base ?? file).Metadata.TryGetValue(SafetensorsFile.ChecksumKey, out string? checksum)
        && Checkpoint.StepOf(Checkpoint.BaseOf(path) ?? path) is { } step
            ? (step, checksum)
            : null;

    /// <summary>Waits for the one before, takes a snapshot, and begins to write it.</summary>
    /// <param name="kind">Whether changes over the last whole one will do.</param>
    /// <param name="bankBytes">What a whole one takes for the bank.</param>
    /// <param name="take">Gives where the run stands and its tensors, which must not change until they are written: whole ones, or, where
    /// it is told that they will do, changes.</param>
    /// <returns>Whether it is a whole one.</returns>
    /// <exception cref="Fault">The one before could not be written.</exception>
    public bool Begin(CheckpointBank kind, long bankBytes, Func<bool, RunSnapshot> take)
    {
        Wait();
        bool mayBeChanges = kind != CheckpointBank.Whole && (kind == CheckpointBank.Changes || bankBytes >= LeastBankBytes);
        (CheckpointState state, IReadOnlyList<SafetensorsItem> items, bool isWhole) = take(mayBeChanges && _whole is not null);
        if (isWhole)
        {
            _whole = null;
            Begin(() => _whole = (state.Step, checkpoints.Save(state, items)));
        }
        else
        {
            (int step, string checksum) = _whole!.Value;
            Begin(() => checkpoints.Save(state with { BaseSha256 = checksum }, items, step));
        }
        return isWhole;
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

    /// <summary>Returns when nothing is read any more. What the last one ended in was for who waited: here a run ends for a reason of its
    /// own.</summary>
    public void Dispose()
    {
        if (_running is { } running)
            Task.WhenAny(running).Wait();
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
