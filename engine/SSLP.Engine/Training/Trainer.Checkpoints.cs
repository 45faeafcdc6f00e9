using SSLP.Data.Files;
using SSLP.Data.Loading;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Stages;
using SSLP.Engine.Weights;

namespace SSLP.Engine.Training;

// What a run keeps: checkpoints, going back to one, and what is refused there.
public sealed partial class Trainer
{
    /// <summary>Goes back to the newest checkpoint, or to another one.</summary>
    /// <param name="from">The checkpoint's file; null for the newest of the run.</param>
    /// <param name="extend"> These patches are more, or others, than the run's: rows of the bank are matched by slide and place, new ones
    /// begin as in a new run. Epochs and max_steps may differ then, too.
    /// </param>
    /// <returns>False where there is none.</returns>
    /// <exception cref="Fault">The checkpoint is of other options or other patches; names each difference.</exception>
    public bool Resume(string? from = null, bool extend = false)
    {
        if ((from is null ? _checkpoints.OpenNewest() : Checkpoint.Open(from)) is not var (state, file))
            return false;
        using (file)
        {
            int[]? rowOf = extend && state.Inputs != _inputs ? BankRows.Match(_folder.BankRows, state.Inputs, _source.Table) : null;
            RefuseOtherRun(state, extend, isExtended: rowOf is not null);
            _method.Encoder.LoadFrom(file);
            _optimizer.LoadFrom(file);
            _method.Load(file, rowOf);
            if (state.Faults is { } faults)
                _reader.Load(faults, rowOf);
            _step = state.Step;
            if (rowOf is not null)
                Extended = (rowOf.Count(row => row >= 0), rowOf.Count(row => row < 0));
            else if (Path.GetFullPath(Path.GetDirectoryName(Path.GetFullPath(file.Path))!) == Path.GetFullPath(_folder.Checkpoints))
                _writer.Resumed(file.Path, file);
        }
        return true;
    }

    /// <summary>Of a run that goes on with more patches: rows of its bank that were found among them, and rows that were not. Null where it
    /// is the same.</summary>
    public (int Kept, int Gone)? Extended { get; private set; }

    /// <summary>Writes the places of the bank's rows beside the run, where they are not there: a later run may go on with more patches by
    /// them.</summary>
    private void KeepRows()
    {
        if (!BankRows.AreOf(_folder.BankRows, _inputs))
            BankRows.Save(_folder.BankRows, _source.Table, _inputs);
    }

    private bool IsCheckpointDue(int step) => step == Schedule.TotalSteps
        || (_options.CheckpointEvery > 0 && step % _options.CheckpointEvery == 0)
        || (_options.CheckpointMinutes > 0 && _writer.SinceLast.TotalMinutes >= _options.CheckpointMinutes);

    /// <summary>Begins a checkpoint of the state as it is; it is written while training goes on.</summary>
    private void Save(ref int saved)
    {
        if (saved == _step)
            return;
        if (!Writes)
        {
            if (IsBankInParts)
                foreach (SafetensorsItem item in _method.State())
                    item.Emit(Stream.Null);
            saved = _step;
            return;
        }
        long bankBytes = (long)_source.Table.Count * _options.Width * sizeof(float);
        using StageRange saving = _stages.Range(Stage.Checkpoint, bankBytes + 2 * WeightBytes);
        if (_writer.Begin(_options.CheckpointBank, bankBytes, Snapshot))
        {
            if (IsBankInParts)
                _writer.Wait(); // its rows come from the others, who wait for it
            _method.BaseTaken();
        }
        saved = _step;
    }

    private CheckpointState State()
    {
        LoaderFaults faults = _reader.State();
        return new(_step, _inputs, OptionTable.ToText(_whole), _init, faults.Failed.Length > 0 ? faults : null);
    }

    /// <summary>The run as it is, in the memory of the snapshot before.</summary>
    /// <exception cref="Fault">A weight is not finite.</exception>
    private RunSnapshot Snapshot(bool mayBeChanges)
    {
        if (_guard.NotFinite() is { } name)
            throw new Fault(FaultKind.Diverged,
                $"Stopped after step {_step}: its finite gradients left numbers in {name} that are not finite, so that no checkpoint was " +
                $"written. {LastCheckpoint()} {Remedy}");
        return mayBeChanges && _method.Changes() is { } changes
            ? new(State(), Items(changes), IsWhole: false)
            : new(State(), Items(_method.State()), IsWhole: true);
    }

    private IReadOnlyList<SafetensorsItem> Items(IEnumerable<SafetensorsItem> ofMethod) =>
        [.. _weights.Take(_method.Encoder.State()), _optimizer.ToItem(), .. ofMethod];

    private void RefuseOtherRun(CheckpointState state, bool extend, bool isExtended)
    {
        // An option that the checkpoint does not know yet was at its default.
        TrainingOptions before = OptionTable.FromText(state.Options, "the checkpoint's options");
        if (extend)
            before = before with { Epochs = _options.Epochs, MaxSteps = _options.MaxSteps };
        List<string> differences = [.. OptionTable.Differences(before, _whole)];
        if (EarlierRuns.Has(state.Options.Keys))
            differences.AddRange(EarlierRuns.NotToBeHad(before));
        if (state.Inputs != _inputs && !isExtended)
            differences.Add("the patches are others (count, slides or coordinates; --extend goes on with more of them)");
        if (state.Init != _init)
            differences.Add($"init: {Weights(state.Init)} → {Weights(_init)}");
        if (differences.Count > 0)
            throw new Fault(FaultKind.Input,
                $"'{_folder.Root}' cannot be resumed with other options: {string.Join("; ", differences)}. Resume with the same ones, or " +
                $"begin a new run in another --out.");
    }

    private static string Weights(string? hash) => hash is null ? "random weights" : $"a file of SHA-256 {hash[..12]}…";
}
