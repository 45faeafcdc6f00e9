using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Processes;
using SSLP.Engine.Weights;
using SSLP.Kernels;

namespace SSLP.Engine.Methods;

/// <summary>From the options to a method with its networks.</summary>
internal static class MethodFactory
{
    /// <param name="options">Every option of the run.</param>
    /// <param name="table">The patches; the bank has a row for each.</param>
    /// <param name="kernels">Implementation and threads of the kernels; stays the caller's.</param>
    /// <exception cref="Fault">The file that the backbone is to begin with is of another network.</exception>
    public static Method Create(TrainingOptions options, PatchTable table, KernelSet kernels, ProcessGroup? group = null)
    {
        if (group is not null)
            RefuseAlone(options, table, group);
        IShards? shards = options.Bank == BankPlacement.Sharded ? group : null;
        if (options.Method == MethodKind.Supervised)
            return NewSupervised(options, table);
        if (options is { Method: MethodKind.MoCoV2, BatchSize: < 4 })
            throw new Fault(FaultKind.Usage,
                $"batch_size={options.BatchSize}: mocov2 makes keys in two groups of at least two patches, each with its own batch " +
                $"statistics; it takes 4 or more.");
        Encoder encoder = Started(NewEncoder(options), options);
        ulong seed = (ulong)options.Seed;
        return options.Method switch
        {
            MethodKind.Sslp => new Sslp(
                encoder, Shared(new FusedObjective(PlanOf(options, table.Count), table, options.Width, seed, kernels, shards)),
                options.ClusterEvery, options.InterWeight > 0, group),
            MethodKind.InstDisc => new Sslp(
                encoder, Shared(new FusedObjective(PlanOf(options, table.Count), table, options.Width, seed, kernels, shards)),
                options.ClusterEvery, usesClusters: false, group),
            MethodKind.MoCoV2 => new MoCoV2(
                encoder, NewEncoder(options), new RunSizes(options, table.Count).Queue, options.Temperature, options.KeyMomentum, seed,
                kernels),
            MethodKind.SimClr => new SimClr(encoder, options.Temperature, kernels),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Method, "no such method"),
        };

        IBankObjective Shared(FusedObjective whole) => group is null ? whole : new SharedObjective(whole, group);
    }

    private static void RefuseAlone(TrainingOptions options, PatchTable table, ProcessGroup group)
    {
        string? alone = options.Method is not (MethodKind.Sslp or MethodKind.InstDisc)
            ? $"method={options.Method.ToString().ToLowerInvariant()} trains in one process; several serve sslp and instdisc"
            : options.Kernels == KernelBackend.Cuda
                ? "kernels=cuda trains in one process; several keep the bank on their CPUs: kernels=cpu, with device=cuda for the networks"
            : options.StopOnCollapse ? "stop_on_collapse looks at one process's batches: leave it out with several"
            : options is { Bank: BankPlacement.Sharded, Kernels: not KernelBackend.Cpu }
                ? $"bank=sharded is searched by kernels=cpu, not {options.Kernels.ToString().ToLowerInvariant()}"
            : (long)options.BatchSize * group.Size > table.Count
                ? $"{group.Size} processes of batch_size={options.BatchSize} take more than the {table.Count} patches: a smaller " +
                    $"batch_size, or fewer processes"
            : null;
        if (alone is not null)
            throw new Fault(FaultKind.Usage, $"{char.ToUpperInvariant(alone[0])}{alone[1..]}.");
    }

    /// <summary>The objective's constants for a method with a bank of N rows.</summary>
    public static ObjectivePlan PlanOf(TrainingOptions options, int rows) =>
        options.Method == MethodKind.InstDisc ? InstDisc.PlanFor(options, rows) : new RunSizes(options, rows).Objective;

    private static Supervised NewSupervised(TrainingOptions options, PatchTable table)
    {
        int[] labels = Supervised.LabelsOf(table);
        return new(Started(new Encoder(options.Arch, HeadKind.Linear, table.Classes!.Count) { Precision = options.Precision },
            options), labels);
    }

    /// <summary>With the file's backbone where one is asked for; the head keeps the weights that the seed drew. MoCo's key encoder copies
    /// it.</summary>
    private static Encoder Started(Encoder encoder, TrainingOptions options)
    {
        if (options.Init.Length > 0)
            InitialWeights.Load(options.Init, encoder.Backbone);
        return encoder;
    }

    private static Encoder NewEncoder(TrainingOptions options) =>
        new(options.Arch, options.HeadOrDefault, options.Width) { Precision = options.Precision };
}
