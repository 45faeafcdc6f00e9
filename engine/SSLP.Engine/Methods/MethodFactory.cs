using SSLP.Data.Files;
using SSLP.Data.Patches;
using SSLP.Engine.Model;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
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
    public static Method Create(TrainingOptions options, PatchTable table, KernelSet kernels)
    {
        if (options.Method == MethodKind.Supervised)
            return NewSupervised(options, table);
        Encoder encoder = Started(NewEncoder(options), options);
        ulong seed = (ulong)options.Seed;
        return options.Method switch
        {
            MethodKind.Sslp => new Sslp(encoder, new FusedObjective(PlanOf(options, table.Count), table, options.Width, seed, kernels),
                options.ClusterEvery, options.InterWeight > 0),
            MethodKind.InstDisc => new Sslp(encoder, new FusedObjective(PlanOf(options, table.Count), table, options.Width, seed, kernels),
                options.ClusterEvery, usesClusters: false),
            MethodKind.MoCoV2 => new MoCoV2(
                encoder, NewEncoder(options), new RunSizes(options, table.Count).Queue, options.Temperature, options.KeyMomentum, seed,
                kernels),
            MethodKind.SimClr => new SimClr(encoder, options.Temperature),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Method, "no such method"),
        };
    }

    /// <summary>The objective's constants for a method with a bank of N rows.</summary>
    public static ObjectivePlan PlanOf(TrainingOptions options, int rows) =>
        options.Method == MethodKind.InstDisc ? InstDisc.PlanFor(options, rows) : new RunSizes(options, rows).Objective;

    private static Supervised NewSupervised(TrainingOptions options, PatchTable table)
    {
        int[] labels = Supervised.LabelsOf(table);
        return new(Started(new Encoder(options.Arch, HeadKind.Linear, table.Classes!.Count) { Precision = options.Precision }, options), labels);
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
