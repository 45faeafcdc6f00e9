using SSLP.Engine.Options;

namespace SSLP.Engine.Training;

/// <summary>What changes over a run: the learning rate and the ramp of the intra and inter terms.</summary>
/// <param name="Options">The run's options.</param>
/// <param name="StepsPerEpoch">Batches of an epoch.</param>
internal sealed record Schedule(TrainingOptions Options, int StepsPerEpoch)
{
    /// <summary>Steps of the whole run: the epochs' or max_steps, whichever is fewer.</summary>
    public int TotalSteps { get; } = (int)Math.Min(
        (long)Options.Epochs * StepsPerEpoch, Options.MaxSteps > 0 ? Options.MaxSteps : int.MaxValue);

    /// <summary>Checkpoints that the run writes at most, the one at its end among them: with checkpoint_minutes it may be one a
    /// step.</summary>
    public int MostCheckpoints => Options.CheckpointMinutes > 0 || Options.CheckpointEvery == 1 ? Math.Max(1, TotalSteps)
        : Options.CheckpointEvery == 0 ? 1
        : Math.Max(1, (int)(((long)TotalSteps + Options.CheckpointEvery - 1) / Options.CheckpointEvery));

    /// <summary>T_ramp in steps: as asked in epochs, else a tenth of the run, so that short runs ramp as the paper's does.</summary>
    private double RampSteps => Options.RampEpochs > 0 ? Options.RampEpochs * StepsPerEpoch : 0.1 * TotalSteps;

    /// <summary>Cosine from the initial rate to 0 (Loshchilov and Hutter 2017), by the step.</summary>
    /// <param name="step">Steps done before this one.</param>
    public double LearningRate(int step) => 0.5 * Options.LearningRateOrDefault * (1 + Math.Cos(Math.PI * step / TotalSteps));

    /// <summary>w(t) = exp(−5 (1 − min(t, T)/T)²), with t in steps where the paper counts whole epochs.</summary>
    /// <param name="step">Steps done before this one.</param>
    public double Ramp(int step)
    {
        double left = 1 - Math.Min(step, RampSteps) / RampSteps;
        return Math.Exp(-5 * left * left);
    }
}
