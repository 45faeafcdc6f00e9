using SSLP.Bench.Machine;
using SSLP.Engine.Methods;
using SSLP.Engine.Objective;
using SSLP.Engine.Options;
using SSLP.Engine.Stages;
using SSLP.Kernels;

namespace SSLP.Bench.Profile;

/// <summary>
/// The least seconds that a stage can take on this machine's CPU: the larger of its operations over the measured peak and its bytes over
/// the measured bandwidth. Only for stages of which both are known.
/// </summary>
internal sealed class StageFloors
{
    private readonly double _peak, _bandwidth;
    private readonly TrainingOptions _options;
    private readonly int _rows, _batch, _patchSize;

    /// <param name="options">Of the run.</param>
    /// <param name="rows">N.</param>
    /// <param name="batch">B as it came out.</param>
    /// <param name="patchSize">P, px.</param>
    /// <param name="threads">Of kernels and libtorch.</param>
    public StageFloors(TrainingOptions options, int rows, int batch, int patchSize, int threads)
    {
        (_options, _rows, _batch, _patchSize) = (options, rows, batch, patchSize);
        using var pool = new WorkerPool(threads);
        _peak = MachineProbe.PeakFlops(pool, InstructionSets.Best);
        _bandwidth = MachineProbe.ReadBandwidth(pool);
    }

    /// <summary>What was measured, as a phrase.</summary>
    public string Describe => $"peak {_peak / 1e9:F0} GFLOP/s, {_bandwidth / 1e9:F1} GB/s";

    /// <summary>Of the stage in so many steps; null where it is not known.</summary>
    /// <param name="stage">Which.</param>
    /// <param name="total">What it took.</param>
    /// <param name="steps">Steps of the window.</param>
    /// <param name="weightBytes">Of the encoder.</param>
    public double? Seconds(Stage stage, StageTotal total, int steps, long weightBytes)
    {
        int forwards = _options.Method is MethodKind.MoCoV2 or MethodKind.SimClr ? 2 : 1;
        int learned = _options.Method == MethodKind.SimClr ? 2 : 1;
        bool isFloat = _options.Precision == Engine.Model.Precision.Float32;
        double image = 2 * NetworkWork.MultiplyAdds(_options.Arch, _options.InputSize);
        return stage switch
        {
            Stage.Augment => total.Bytes / _bandwidth + (double)steps * forwards * _batch * _patchSize * _patchSize * 3 / _bandwidth,
            // bfloat16 has another peak, which is not measured.
            Stage.Forward when isFloat => steps * (double)_batch * forwards * image / _peak,
            Stage.Backward when isFloat => steps * (double)_batch * learned * 2 * image / _peak,
            // Read: weights, gradients, velocities; written: weights, velocities.
            Stage.Optimizer => 5.0 * weightBytes * steps / _bandwidth,
            Stage.BankStep when _options.Method is MethodKind.Sslp => Pass(4.0 * _batch * _rows * _options.Width * steps, total.Bytes),
            Stage.Cluster when _options.Method is MethodKind.Sslp => Clusterings(total.Count),
            _ => null,
        };
    }

    private double Clusterings(long count)
    {
        ObjectivePlan plan = MethodFactory.PlanOf(_options, _rows);
        double assignments = (double)count * plan.ClusterRuns * plan.ClusterIterations, bank = (double)_rows * _options.Width;
        return Pass(2 * assignments * plan.Clusters * bank, sizeof(float) * assignments * bank);
    }

    private double Pass(double flops, double bytes) => Math.Max(flops / _peak, bytes / _bandwidth);
}
