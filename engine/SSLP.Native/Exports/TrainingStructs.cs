using System.Runtime.InteropServices;

namespace SSLP.Native;

#pragma warning disable CS0649 // Fields that the host fills.

/// <summary>sslp_trainer_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpTrainerInfo
{
    public uint Size;
    public int BatchSize;
    public int StepsDone;
    public int TotalSteps;
    public int StepsPerEpoch;
    public int Resumed;
}

/// <summary>sslp_metrics.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpMetrics
{
    public uint Size;
    public int Step;
    public int TotalSteps;
    public int Reserved;
    public double Epoch;
    public double Loss;
    public double Self;
    public double Intra;
    public double Inter;
    public double GradientNorm;
    public double Ramp;
    public double LearningRate;
    public double PatchesPerSecond;
    public double DataWait;
    public double SpatialSize;
    public double FeatureSize;
    public double NegativeSize;
    public long ReplacedPatches;
}

/// <summary>sslp_encoder_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpEncoderInfo
{
    public uint Size;
    public int Width;
    public int InputSize;
    public int PatchSize;
    public double Mpp;
}
