using System.Globalization;
using SSLP.Data.Loading;
using SSLP.Engine.Objective;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>Sizes of a run over N patches: as they were asked for, scaled where that was left to the data, and never more than the data
/// have.</summary>
internal sealed class RunSizes
{
    private readonly List<string> _cuts = [];

    /// <param name="options">Every option.</param>
    /// <param name="rows">N.</param>
    public RunSizes(TrainingOptions options, int rows)
    {
        bool isSslp = options.Method == MethodKind.Sslp, hasBank = isSslp || options.Method == MethodKind.InstDisc;
        string there = $"there are {rows:N0} patches";
        BatchSize = Cut("batch_size", options.BatchSize, rows, true, there);
        Queue = Cut("queue", options.Queue, rows, options.Method == MethodKind.MoCoV2, there, ScaledQueue(rows, BatchSize));
        if (options.Method == MethodKind.MoCoV2 && options.Queue <= rows && options.Queue > ScaledQueue(rows, BatchSize))
            _cuts.Add(string.Create(CultureInfo.InvariantCulture,
                $"queue is {Queue:N0}, more than a tenth of the {rows:N0} patches: a query often meets its own patch among the " +
                $"negatives."));
        Prefetch = Cut("prefetch", options.Prefetch, ReplacingReader.Lag, true, "that many batches are in memory at most");

        var scaled = ObjectivePlan.For(rows, options.AuxiliaryAnchors);
        NegativeSampling sampling = options.Method == MethodKind.InstDisc ? NegativeSampling.Random : options.NegativeSampling;
        int candidates = NegativeRanks.Candidates(sampling, rows, options.PoolShare);
        string pool = sampling == NegativeSampling.SemiHard
            ? string.Create(CultureInfo.InvariantCulture, $"the pool is {options.PoolShare} of {rows:N0} patches") : there;
        Objective = WithoutIdleSets(scaled with
        {
            Terms = scaled.Terms with
            {
                Temperature = options.Temperature,
                RadiusPatches = options.Radius,
                NearestKeys = Cut(
                    "nearest_keys", options.NearestKeys, rows - 1, isSslp, there + ", one of them the patch itself",
                    scaled.Terms.NearestKeys),
                Negatives = Cut("negatives", options.Negatives, candidates, hasBank, pool, scaled.Terms.Negatives),
                PoolShare = options.PoolShare,
                Sampling = options.NegativeSampling,
                DetachNegatives = options.DetachNegatives,
            },
            Clusters = Cut("clusters", options.Clusters, rows, isSslp, there, scaled.Clusters),
            ClusterRuns = options.ClusterRuns,
            ClusterIterations = options.ClusterIterations,
            BankMomentum = options.BankMomentum,
            IntraWeight = options.IntraWeight,
            InterWeight = options.InterWeight,
        });
        if (isSslp && options.AuxiliaryAnchors > 0 && MostNeighbours(options.Radius) is long most && most < options.AuxiliaryAnchors)
            _cuts.Add(string.Create(CultureInfo.InvariantCulture,
                $"auxiliary_anchors is {options.AuxiliaryAnchors:N0}, of {most:N0} at most: places in radius={options.Radius}."));
    }

    /// <summary>B.</summary>
    public int BatchSize { get; }

    /// <summary>Keys in MoCo's queue.</summary>
    public int Queue { get; }

    /// <summary>Batches in memory at once.</summary>
    public int Prefetch { get; }

    /// <summary>The objective's constants; of instance discrimination those of SSLP that it begins with.</summary>
    public ObjectivePlan Objective { get; }

    /// <summary>A sentence for each option of this method that was asked for more than there is, or than is good.</summary>
    public IReadOnlyList<string> Cuts => _cuts;

    /// <param name="key">The option.</param>
    /// <param name="asked">Its value; 0 where it has a scaled default.</param>
    /// <param name="most">As many as there are.</param>
    /// <param name="isUsed">The method has it.</param>
    /// <param name="why">What limits it.</param>
    /// <param name="scaled">The default for 0.</param>
    private int Cut(string key, int asked, int most, bool isUsed, string why, int scaled = 0)
    {
        if (isUsed && asked > most)
            _cuts.Add(string.Create(CultureInfo.InvariantCulture, $"{key} is {most:N0} in this run, not {asked:N0}: {why}."));
        return Math.Min(asked > 0 ? asked : scaled, most);
    }

    /// <summary>
    /// MoCo's queue where nobody says how long: 65,536 keys, but no more than N/10, and one batch at least. A longer one holds a patch's
    /// own key of the epoch before, as a negative, for a good part of the queries.
    /// </summary>
    private static int ScaledQueue(int rows, int batch) => Math.Clamp(rows / 10, Math.Min(batch, rows), 65536);

    /// <summary>A term whose weight is 0 takes its set with it: without inter there is no F, and without intra, too, no S; what is in
    /// neither may be a negative.</summary>
    private static ObjectivePlan WithoutIdleSets(ObjectivePlan plan)
    {
        if (plan.InterWeight > 0)
            return plan;
        ThreeTermOptions terms = plan.Terms with { AuxiliaryAnchors = 0, NearestKeys = 0 };
        return plan with { Terms = plan.IntraWeight > 0 ? terms : terms with { RadiusPatches = 0.5 } };
    }

    /// <summary>Places of a grid within a radius of one of them, without itself.</summary>
    private static long MostNeighbours(double radius)
    {
        long within = 0, reach = (long)Math.Ceiling(radius);
        for (long down = -reach; down <= reach; down++)
        {
            double left = radius * radius - down * down;
            if (left > 0)
                within += 2 * (long)Math.Ceiling(Math.Sqrt(left)) - 1;
        }
        return within - 1;
    }
}
