using SSLP.Data.Files;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Kernels;

namespace SSLP.Engine.Training;

public sealed partial class RunPlan
{
    // Ranks that the paper's draw of negatives reaches, with the room that a search leaves: a share of N.
    private const double RanksReached = 0.17;

    /// <summary>Memory of the CUDA device that the kernels take, the network's apart; empty where they run on the CPU.</summary>
    public IReadOnlyList<PlannedBuffer> Device { get; private init; } = [];

    /// <summary>Refuses what the kernels cannot hold on a device. The lists of candidates count: without them no step is done.</summary>
    /// <param name="free">Bytes that are free on it.</param>
    /// <exception cref="Fault">It names the number to change.</exception>
    public void RequireDevice(long free) => Refuse(Device, free, "device memory", "of the CUDA device");

    private static List<PlannedBuffer> DeviceOf(TrainingOptions options, RunSizes sizes, int rows)
    {
        long n = rows, d = options.Width, b = sizes.BatchSize, stride = (d + 15) / 16 * 16;
        bool isRounded = options.Scores != DeviceScores.Float32;
        string narrower = $"width={d / 2}, or fewer patches (--split, fewer slides)";
        if (options.Kernels != KernelBackend.Cuda)
            return [];
        if (options.Method == MethodKind.MoCoV2)
            return [new("queue: 4·K·⌈D⌉₁₆", 4L * sizes.Queue * stride, $"queue={sizes.Queue / 2}")];
        if (options.Method is not (MethodKind.Sslp or MethodKind.InstDisc))
            return [];
        ObjectivePlan plan = MethodFactory.PlanOf(options, rows);
        ThreeTermOptions terms = plan.Terms;
        long queries = b * (1 + terms.AuxiliaryAnchors);
        List<PlannedBuffer> device = [new("bank: 4·N·⌈D⌉₁₆", 4 * n * stride, narrower)];
        if (isRounded)
            device.Add(new("bank as sums of two bf16, with lengths: 4·N·⌈D⌉₁₆ + 4·N", 4 * n * stride + 4 * n, "scores=fp32"));
        device.Add(new("spatial index and coordinates: 20·N", 20 * n));
        device.Add(new("classes: 8·N", 8 * n));
        device.Add(new("k-means: R·(8·N + 20·C·⌈D⌉₁₆)", plan.ClusterRuns * (8 * n + 20L * plan.Clusters * stride), "cluster_runs=1"));
        long candidates = (long)(16 * queries * RanksReached * n);
        device.Add(new("candidates, as found and in buckets: 16·B·(1 + A)·0.17·N", candidates, $"batch_size={b / 2}"));
        device.Add(new("negatives: 8·B·M, and 8,192·B to know the rows that they leave out", 8 * b * (terms.Negatives + 1024L),
            $"batch_size={b / 2}"));
        return device;
    }
}
