using SSLP.Data.Patches;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Runs;
using SSLP.Engine.Torch;
using SSLP.Kernels;
using static TorchSharp.torch;

namespace SSLP.Evaluation.Sets;

/// <summary>
/// The memory bank of a run as its newest checkpoint holds it, and the sets that the method makes of it. A row asks with its own bank
/// vector, which stands for the view that training would encode.
/// </summary>
public sealed class RunBank : IDisposable
{
    // Similarities of a block of anchors with the whole bank: 64 MB of float32, and a few of the like beside it.
    private const long BlockCells = 1 << 24;

    private readonly PlainObjective _objective;
    private readonly int[] _ranks;

    private RunBank(int step, PlainObjective objective, int[] ranks, PatchTable table)
    {
        (Step, _objective, _ranks, Table) = (step, objective, ranks, table);
    }

    /// <summary>Steps done when it was saved.</summary>
    public int Step { get; }

    /// <summary>The patches, a bank row each.</summary>
    public PatchTable Table { get; }

    /// <summary>Opens the bank of a run.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="source">The patches that it was trained on.</param>
    /// <param name="why">Where there is none: the reason, as a sentence.</param>
    /// <returns>Null where the run has no checkpoint, its method has no bank of patches, or <paramref name="source"/> is other
    /// patches.</returns>
    public static RunBank? Open(RunFolder folder, IPatchSource source, out string? why)
    {
        why = null;
        if (new Checkpoint(folder, keep: 1).OpenNewest() is not var (state, file))
        {
            why = $"'{folder.Checkpoints}' holds no checkpoint.";
            return null;
        }

        using (file)
        {
            TrainingOptions options = state.Options.Aggregate(new TrainingOptions(), (o, pair) => OptionTable.Set(o, pair.Key, pair.Value, $"'{file.Path}'"));
            if (!(file.Base ?? file).Entries.ContainsKey(FusedObjective.VectorsName))
                why = $"The method {options.Method.ToString().ToLowerInvariant()} keeps no bank of patches.";
            else if (state.Inputs != InputFingerprint.Of(source))
                why = "These are not the patches of the run, so its bank's rows mean others.";
            if (why is not null)
                return null;
            PatchTable table = source.Table;
            ThreeTermOptions terms = (options.Method == MethodKind.InstDisc ? InstDisc.PlanFor(options, table.Count) : options.ObjectiveFor(table.Count)).Terms;
            using var noGrad = no_grad();
            var objective = new PlainObjective(
                terms, BankState.ReadBank(file, FusedObjective.VectorsName), table.SlideOf, table.Col, table.Row, (file.Entries.ContainsKey(FusedObjective.ClustersName) ? file : file.Base ?? file).ReadTensor(FusedObjective.ClustersName));
            return new RunBank(state.Step, objective, DrawRanks(terms, options.Seed, state.Step, table.Count), table);
        }
    }

    /// <summary>The sets of some rows, each the most similar member first.</summary>
    public IReadOnlyList<AnchorSets> SetsOf(ReadOnlySpan<int> anchors)
    {
        using var noGrad = no_grad();
        int block = (int)Math.Clamp(BlockCells / Table.Count, 1, anchors.Length);
        List<AnchorSets> sets = new(anchors.Length);
        for (int start = 0; start < anchors.Length; start += block)
        {
            using var scope = NewDisposeScope();
            int[] rows = anchors[start..Math.Min(anchors.Length, start + block)].ToArray();
            Tensor ids = tensor(rows, ScalarType.Int64), queries = _objective.Vectors.index_select(0, ids);
            ObjectiveSets found = _objective.FindSets(ids, queries, _ranks);
            Tensor similarity = queries.matmul(_objective.Vectors.t());
            for (int i = 0; i < rows.Length; i++)
                sets.Add(new AnchorSets(
                    rows[i], Members(found.Spatial.select(0, i), similarity.select(0, i)), Members(found.Feature.select(0, i), similarity.select(0, i)),
                    [.. found.Negatives.select(0, i)[found.NegativesPresent.select(0, i)].ToArray<long>().Select(row => (int)row)]));
        }

        return sets;
    }

    public void Dispose() => _objective.Dispose();

    private static int[] Members(Tensor isMember, Tensor similarity)
    {
        Tensor rows = isMember.nonzero().squeeze(1);
        Tensor order = similarity.index_select(0, rows).argsort(0, descending: true);
        return [.. rows.index_select(0, order).ToArray<long>().Select(row => (int)row)];
    }

    private static int[] DrawRanks(ThreeTermOptions terms, long seed, int step, int rows)
    {
        int candidates = terms.Sampling == NegativeSampling.SemiHard ? NegativeRanks.PoolSize(rows, terms.PoolShare) : rows;
        int[] ranks = new int[Math.Min(terms.Negatives, candidates)];
        NegativeRanks.Draw(terms.Sampling, (ulong)seed, step, candidates, ranks.Length, ranks);
        return ranks;
    }
}
