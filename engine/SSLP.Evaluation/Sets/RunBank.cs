using SSLP.Data.Patches;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Kernels;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// The memory bank of a run as its newest checkpoint holds it, and the sets that the method makes of it. A row asks with its own bank
/// vector, which stands for the view that training would encode.
/// </summary>
internal sealed class RunBank : IDisposable
{
    private readonly FusedObjective _objective;
    private readonly ulong _seed;

    private RunBank(int step, FusedObjective objective, ulong seed)
    {
        (Step, _objective, _seed) = (step, objective, seed);
    }

    /// <summary>Steps done when it was saved.</summary>
    public int Step { get; }

    /// <summary>Opens the bank of a run.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="source">The patches that it was trained on.</param>
    /// <param name="kernels">Implementation and threads; stay the caller's.</param>
    /// <param name="why">Where there is none: the reason, as a sentence.</param>
    /// <returns>Null where the run has no checkpoint, its method has no bank of patches, or <paramref name="source"/> is other
    /// patches.</returns>
    public static RunBank? Open(RunFolder folder, IPatchSource source, KernelSet kernels, out string? why)
    {
        why = null;
        if (new Checkpoint(folder, keep: 1).OpenNewest() is not var (state, file))
        {
            why = $"'{folder.Checkpoints}' holds no checkpoint.";
            return null;
        }

        using (file)
        {
            TrainingOptions options = OptionTable.FromText(state.Options, $"'{file.Path}'");
            if (!(file.Base ?? file).Entries.ContainsKey(FusedObjective.VectorsName))
                why = $"The method {options.Method.ToString().ToLowerInvariant()} keeps no bank of patches.";
            else if (state.Inputs != InputFingerprint.Of(source))
                why = "These are not the patches of the run, so its bank's rows mean others.";
            if (why is not null)
                return null;
            ObjectivePlan plan = MethodFactory.PlanOf(options, source.Table.Count);
            var objective = new FusedObjective(plan, source.Table, options.Width, (ulong)options.Seed, kernels);
            var bank = new RunBank(state.Step, objective, (ulong)options.Seed);
            try
            {
                objective.Load(file);
                return bank;
            }
            catch
            {
                bank.Dispose();
                throw;
            }
        }
    }

    /// <summary>The sets of some rows, each the most similar member first.</summary>
    public IReadOnlyList<AnchorSets> SetsOf(ReadOnlySpan<int> anchors) =>
        BankSets.Of(_objective.BankStep, _objective.Bank, _objective.Plan.Terms.Sampling, anchors, _seed, Step);

    public void Dispose() => _objective.Dispose();
}
